package gateway

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Process is an operating system process. Where there is a /proc it is told from a later one with the same id by when it
// began, and one that is dead and not yet reaped is not alive.
type Process struct {
	PID   int
	began string
}

// ProcessOf answers the process that has the id now.
func ProcessOf(pid int) Process {
	_, began := stat(pid)
	return Process{pid, began}
}

// Alive tells whether the process still runs.
func (p Process) Alive() bool {
	if syscall.Kill(p.PID, 0) != nil {
		return false
	}
	state, began := stat(p.PID)
	return state != "Z" && began == p.began
}

// Kill ends the process with SIGKILL.
func (p Process) Kill(t testing.TB) {
	t.Helper()
	if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
		t.Fatalf("kill process %d: %v", p.PID, err)
	}
}

// stat answers the state of a process and when it began, in ticks since the machine did (proc(5)), or nothing.
func stat(pid int) (state, began string) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", ""
	}
	// The second field is the program's name in parentheses, which may hold anything.
	fields := strings.Fields(string(text)[strings.LastIndexByte(string(text), ')')+1:])
	if len(fields) < 20 {
		return "", ""
	}
	return fields[0], fields[19]
}

// Within waits until done answers true, and tells whether it did in time.
func Within(d time.Duration, done func() bool) bool {
	deadline := time.NewTimer(d)
	defer deadline.Stop()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			return done()
		}
	}
	return true
}
