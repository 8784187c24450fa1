package pluginhost

import (
	"strconv"
	"syscall"
	"testing"
	"time"

	"durward/policies"
)

// little is a bound that a test's process keeps and one that eats does not.
const little = eaten / 2

func TestG7_ProcessThatEatsMemoryIsEndedAndOthersAreNot(t *testing.T) {
	for _, how := range []string{"eat", "child eats"} {
		t.Run(how, func(t *testing.T) {
			h, j := newHost(t, func(o *Options) { o.MemoryInterval = 10 * time.Millisecond })
			other := start(t, h, testSpec("other", self(t, "good"), `{}`))
			spec := testSpec("first", self(t, "good"), `{}`)
			spec.Memory = little
			p := start(t, h, spec)
			pid := p.Status().PID
			answered := make(chan string, 1)
			go func() {
				// Asked once more when the first process has been ended, it eats again: the last of it is Stop.
				d, err := p.Evaluate(t.Context(), testCall(), policies.Request{Route: "demo", Name: how})
				if err != nil {
					d.Principal = &policies.Principal{}
				}
				answered <- d.Principal.Subject
			}()
			line := j.await(t, "more memory than it may")
			if memory, _ := line["memory"].(float64); memory <= little || line["policy"] != "first" ||
				line["pid"] != float64(pid) || line["limit"] != float64(little) {
				t.Errorf("line = %v", line)
			}
			if got := awaitState(t, p, Running, pid); got.Restarts == 0 {
				t.Errorf("status = %+v: no crash was counted", got)
			}
			p.Stop(t.Context())
			if child, err := strconv.Atoi(<-answered); err == nil {
				awaitDeath(t, child)
			}
			if got := other.Status(); got.State != Running || got.Restarts != 0 {
				t.Errorf("the other policy: %+v", got)
			}
		})
	}
}

func TestStatusTellsMemory(t *testing.T) {
	for _, how := range []string{"good", "leaves-group"} {
		t.Run(how, func(t *testing.T) {
			h, _ := newHost(t, nil)
			p := start(t, h, testSpec("first", self(t, how), `{}`))
			h.bounds.watch.look()
			if got := p.Status().Memory; got < 1<<20 || got > DefaultMemory {
				t.Errorf("%d bytes", got)
			}
			p.Stop(t.Context())
			if got := p.Status().Memory; got != 0 {
				t.Errorf("%d bytes of a process that has ended", got)
			}
		})
	}
}

func TestThisProcessHasMemory(t *testing.T) {
	mine := syscall.Getpgrp()
	groups, err := residentByGroup([]int{mine, 0})
	if err != nil || groups[mine] < 1<<20 || len(groups) > 2 {
		t.Errorf("this process group %d has %d bytes of %v, %v", mine, groups[mine], groups, err)
	}
}
