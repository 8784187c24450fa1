package ending_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"durward/runtime/internal/ending"
)

// bell counts how often it is told, and keeps the last reason.
type bell struct {
	rung atomic.Int64
	last atomic.Value
}

func (b *bell) End(why ending.Reason) {
	b.last.Store(why)
	b.rung.Add(1)
}

func (b *bell) want(t *testing.T, who string, n int64, why ending.Reason) {
	t.Helper()
	got, _ := b.last.Load().(ending.Reason)
	if b.rung.Load() != n || got != why {
		t.Errorf("%s was told %d times, last %q; want %d, %q", who, b.rung.Load(), got, n, why)
	}
}

func TestWhoIsTold(t *testing.T) {
	var g ending.Group
	if !g.Empty() {
		t.Error("a group without members is not empty")
	}
	names := []string{"first", "leaves first", "second", "leaves", "third"}
	members := make([]ending.Member, len(names))
	bells := make([]bell, len(names))
	for i := range members {
		g.Join(&members[i])
		members[i].Tell(&bells[i])
	}
	for _, i := range []int{1, 3} {
		if members[i].Leave() {
			t.Error("the last one left while others were there")
		}
	}
	var silent, late ending.Member
	var lateBell bell
	g.Join(&silent) // says only later who is to be told
	g.End(ending.Revoked)
	g.End(ending.Drained)
	g.Join(&late)
	late.Tell(&lateBell)
	lateBell.want(t, "one that joined after the end", 1, ending.Revoked)
	var slow bell
	silent.Tell(&slow)
	slow.want(t, "one that said after the end who it is", 1, ending.Revoked)
	for i, name := range names {
		if i == 1 || i == 3 {
			bells[i].want(t, name, 0, "")
			continue
		}
		bells[i].want(t, name, 1, ending.Revoked)
		if !members[i].Leave() {
			t.Errorf("%s left a group that has ended, and others seemed to be there", name)
		}
	}
	if !g.Empty() {
		t.Error("the group is not empty")
	}
}

func TestMemberOfNothing(t *testing.T) {
	var m ending.Member
	var b bell
	m.Tell(&b)
	if m.Leave() {
		t.Error("it was the last one of no group")
	}
	b.want(t, "a member of no group", 0, "")
}

func TestMemberJoinsAnew(t *testing.T) {
	var m ending.Member
	var before, after bell
	var ended, goesOn ending.Group
	ended.End(ending.Drained)
	ended.Join(&m)
	m.Tell(&before)
	m.Leave()
	goesOn.Join(&m)
	m.Tell(&after)
	after.want(t, "a member of another group", 0, "")
	goesOn.End(ending.Revoked)
	before.want(t, "the first bell", 1, ending.Drained)
	after.want(t, "the second bell", 1, ending.Revoked)
}

// Whoever is in the group when End returns has been told, and whoever has left is not told any more.
func TestEndAgainstJoinAndLeave(t *testing.T) {
	for range 200 {
		var g ending.Group
		var over atomic.Bool
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					var m ending.Member
					var b bell
					g.Join(&m)
					m.Tell(&b)
					if over.Load() && b.rung.Load() != 1 {
						t.Error("End has returned, and a member knows nothing")
					}
					m.Leave()
					if told := b.rung.Load(); told > 1 {
						t.Errorf("a member was told %d times", told)
					}
				}
			})
		}
		wg.Go(func() {
			g.End(ending.Expired)
			over.Store(true)
		})
		wg.Wait()
		if !g.Empty() {
			t.Fatal("all have left, and the group is not empty")
		}
	}
}

func TestCostsNoAllocation(t *testing.T) {
	var g ending.Group
	var m ending.Member
	b := new(bell)
	if n := testing.AllocsPerRun(100, func() { g.Join(&m); m.Tell(b); m.Leave() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
