package kind

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"durward/policies"
)

// idle is the argument with which the executable does nothing for ever: a child that a policy leaves.
const idle = "idle"

// fork starts two children: one that holds the pipes of the policy, and one that holds nothing.
func fork() error {
	for _, holds := range []bool{true, false} {
		child := exec.Command("/proc/self/exe", idle)
		if holds {
			child.Stdout, child.Stderr = os.NewFile(1, "stdout"), os.NewFile(2, "stderr")
		}
		if err := child.Start(); err != nil {
			return fmt.Errorf("fork: %w", err)
		}
	}
	return nil
}

// stop stops the process, as a debugger does: it lives, and does nothing. In the background, so that there is an answer.
func stop() error {
	go func() {
		time.Sleep(100 * time.Millisecond)
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	}()
	return nil
}

// eat takes 16 MiB of memory every 20 ms until it has size bytes, and keeps them.
func (p *policy) eat() error {
	go func() {
		var eaten [][]byte
		for total := 0; total < p.options.Size; total += 16 << 20 {
			piece := make([]byte, 16<<20)
			for i := 0; i < len(piece); i += 4096 {
				piece[i] = 1
			}
			eaten = append(eaten, piece)
			time.Sleep(20 * time.Millisecond)
		}
		p.eaten.Store(&eaten)
	}()
	return nil
}

// floodStore puts into the Store whatever it takes: what is too large, and many of what is not.
func (p *policy) floodStore() error {
	go func() {
		ctx, expires := context.Background(), time.Now().Add(time.Minute)
		put := func(value []byte, n int) error {
			change := policies.Change{}
			for range n {
				change.Puts = append(change.Puts, policies.Put{Key: "flood/" + rand.Text(), Value: value, Expires: expires})
			}
			return p.host.Store.Commit(ctx, change)
		}
		if put(make([]byte, policies.MaxValue+1), 1) == nil || put(make([]byte, policies.MaxValue), policies.MaxChanges) == nil ||
			put(nil, policies.MaxChanges+1) == nil {
			p.host.Logger.Error("the store takes what is too large")
		}
		for range p.options.Size {
			if err := put(make([]byte, 4<<10), 16); err != nil {
				p.host.Logger.Info("the store refuses", "error", err)
			}
		}
		records, err := p.host.Store.List(ctx, "flood/", "", 1000)
		p.host.Logger.Info("the store is flooded", "records", len(records), "error", err)
	}()
	return nil
}

// purgeOthers purges the tags that other policies' decisions have, again and again.
func (p *policy) purgeOthers() error {
	go func() {
		for range 100 {
			tags := []string{Tag("ada"), "ada", "grant", "clerk"}
			if err := p.host.Store.Commit(context.Background(), policies.Change{Purge: tags}); err != nil {
				p.host.Logger.Error("cannot purge", "error", err)
				return
			}
		}
		p.host.Logger.Info("everything is purged")
	}()
	return nil
}
