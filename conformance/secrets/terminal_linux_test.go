package secrets

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// onTerminal runs a command on a terminal of its own, where problems are shown with the lines that they are about. It
// answers all that a person would see there.
func onTerminal(t *testing.T, c *exec.Cmd) (screen []byte, err error) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	must(err)
	defer func() { _ = master.Close() }()
	fd := int(master.Fd())
	must(unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	must(err)
	must(unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: 160, Row: 50}))
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	must(err)
	c.Stdout, c.Stderr = slave, slave
	if err := c.Start(); err != nil {
		_ = slave.Close()
		t.Fatal(err)
	}
	_ = slave.Close() // the command holds its own; when it ends, reading does
	var seen bytes.Buffer
	_, _ = io.Copy(&seen, master) // ends with EIO
	return seen.Bytes(), c.Wait()
}
