// Package point is where a gateway can be told to die, and what the time is. It is built in by the suite of tokens alone.
package point

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Env names the folder through which the suite and the processes of a gateway speak. Its file "armed" says which of the
// points that are passed from now on is deadly, and for whom: "3 host". Its file "passed" gets a line for each. Its file
// "ahead" says by how much the gateway's clock goes ahead of the machine's: "61s".
const Env = "DURWARD_TEST_POINTS"

// Now is the gateway's clock.
func Now() time.Time {
	text, err := os.ReadFile(filepath.Join(os.Getenv(Env), "ahead"))
	if err != nil { // nobody has moved it
		return time.Now()
	}
	ahead, err := time.ParseDuration(string(text))
	if err != nil {
		panic(err)
	}
	return time.Now().Add(ahead)
}

// At is passed here. No two processes pass points at the same time, as long as one request is under way.
func At(name string) {
	folder := os.Getenv(Env)
	var deadly int
	var victim string
	armed, err := os.ReadFile(filepath.Join(folder, "armed"))
	if _, scanned := fmt.Sscan(string(armed), &deadly, &victim); err != nil || scanned != nil {
		return
	}
	file := filepath.Join(folder, "passed")
	list, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		panic(err)
	}
	_, err = list.WriteString(name + "\n")
	if closed := list.Close(); err != nil || closed != nil {
		panic(fmt.Sprint(err, closed))
	}
	passed, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	if strings.Count(string(passed), "\n") != deadly {
		return
	}
	process := os.Getpid()
	if victim == "host" && slices.Contains(os.Args, "policy") {
		process = os.Getppid()
	}
	if err := syscall.Kill(process, syscall.SIGKILL); err != nil {
		panic(err)
	}
	select {} // this process ends by it, or because the host has ended
}
