package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// pseudoTerminal opens a terminal of this size.
func pseudoTerminal(t *testing.T, columns, rows int) (programs, person *os.File) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	check(err)
	t.Cleanup(func() { _ = master.Close() })
	fd := int(master.Fd())
	check(unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	check(err)
	check(unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(columns), Row: uint16(rows)}))
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	check(err)
	t.Cleanup(func() { _ = slave.Close() })
	return slave, master
}

// shown is what a terminal shows once it has shown a text of the length of want, with line ends as programs write them.
func shown(t *testing.T, person *os.File, want string) string {
	t.Helper()
	screen := make([]byte, len(want)+strings.Count(want, "\n"))
	if _, err := io.ReadFull(person, screen); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(screen), "\r\n", "\n")
}

func TestTerminalIsKnownBySize(t *testing.T) {
	programs, _ := pseudoTerminal(t, 132, 50)
	if got, on := terminalOf(programs); !on || got != (terminal{132, 50}) {
		t.Errorf("the terminal is %+v, %v", got, on)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if got, on := terminalOf(w); on || got != (terminal{}) {
		t.Errorf("a pipe is a terminal: %+v", got)
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if _, on := terminalOf(null); on {
		t.Error("/dev/null is a terminal")
	}
	if _, on := terminalOf(new(bytes.Buffer)); on {
		t.Error("a buffer is a terminal")
	}
}
