package pluginhost

import (
	"os/exec"
	"runtime"
	"sync"
)

// starter starts processes from one operating system thread. On Linux the kernel kills a child whose parent-death signal
// is set when the thread that started it ends, and Go ends threads as it likes (golang/go#27505): so one goroutine keeps
// a thread of its own until close, which comes after the last process has died.
type starter struct {
	requests chan startRequest
	loop     sync.WaitGroup
}

type startRequest struct {
	cmd    *exec.Cmd
	result chan<- error
}

func newStarter() *starter {
	s := &starter{requests: make(chan startRequest)}
	s.loop.Go(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for r := range s.requests {
			r.result <- r.cmd.Start()
		}
	})
	return s
}

// start starts cmd. It must not be called after close.
func (s *starter) start(cmd *exec.Cmd) error {
	result := make(chan error, 1)
	s.requests <- startRequest{cmd, result}
	return <-result
}

func (s *starter) close() {
	close(s.requests)
	s.loop.Wait()
}
