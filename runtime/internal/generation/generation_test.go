package generation

import (
	"sync"
	"sync/atomic"
	"testing"
)

func always(int) bool { return true }

func TestPartEndsOnceWithTheLastHolder(t *testing.T) {
	ended := 0
	p := NewPart(7, func(v int) { ended += v })
	if !p.Hold() {
		t.Fatal("a living part could not be held")
	}
	p.Release()
	if ended != 0 {
		t.Fatal("the part ended while it was held")
	}
	p.Release()
	if ended != 7 {
		t.Fatalf("ended = %d, want 7", ended)
	}
	if p.Hold() {
		t.Fatal("a part that has ended was held")
	}
}

func TestReleaseTooOftenPanics(t *testing.T) {
	p := NewPart(0, func(int) {})
	p.Release()
	defer func() {
		if recover() == nil {
			t.Fatal("no panic")
		}
	}()
	p.Release()
}

// G1: what is acquired is whole: its parts are alive, however often the generation is swapped meanwhile.
func TestG1AcquiredGenerationIsWholeDuringSwaps(t *testing.T) {
	type gen struct{ alive *atomic.Bool }
	var current Current[gen]
	make1 := func() *Part[gen] {
		alive := new(atomic.Bool)
		alive.Store(true)
		return NewPart(gen{alive}, func(g gen) { g.alive.Store(false) })
	}
	current.Swap(make1())
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				g := current.Acquire()
				if !g.Value.alive.Load() {
					t.Error("acquired a generation that has ended")
				}
				g.Release()
			}
		})
	}
	for range 2000 {
		current.Swap(make1())
	}
	close(stop)
	wg.Wait()
	last := current.Acquire()
	last.Release()
	current.Swap(nil)
	if last.Value.alive.Load() {
		t.Fatal("the last generation did not end")
	}
	if current.Acquire() != nil {
		t.Fatal("acquired a generation after the last was retired")
	}
}

// G5: a part whose key appears again goes on; one that nobody holds is made anew.
func TestG5PoolSharesLivingParts(t *testing.T) {
	var pool Pool[string, int]
	ended := 0
	a := pool.Add("k", 1, func(int) { ended++ })
	b := pool.Hold("k", always)
	if b != a {
		t.Fatal("the living part was not shared")
	}
	a.Release()
	if ended != 0 {
		t.Fatal("ended while shared")
	}
	b.Release()
	if ended != 1 {
		t.Fatalf("ended %d times, want 1", ended)
	}
	if pool.Hold("k", always) != nil {
		t.Fatal("a part that has ended was handed out")
	}
	if len(pool.parts) != 0 {
		t.Fatal("the pool remembers a part that has ended")
	}
}

func TestPoolReplacesAnUnfitPart(t *testing.T) {
	var pool Pool[string, int]
	ended := 0
	old := pool.Add("k", 1, func(int) { ended++ })
	if pool.Hold("k", func(int) bool { return false }) != nil {
		t.Fatal("an unfit part was handed out")
	}
	next := pool.Add("k", 2, func(int) {})
	old.Release() // must not forget its successor
	if got := pool.Hold("k", always); got != next {
		t.Fatal("the successor was forgotten with its predecessor")
	}
	if ended != 1 {
		t.Fatalf("ended %d times, want 1", ended)
	}
}

func TestUndoRunsLastFirstAndKeepForgets(t *testing.T) {
	var order []int
	var u Undo
	for i := range 3 {
		u.Add(func() { order = append(order, i) })
	}
	u.Run()
	if len(order) != 3 || order[0] != 2 || order[2] != 0 {
		t.Fatalf("order = %v", order)
	}
	u.Add(func() { t.Error("ran after Keep") })
	u.Keep()
	u.Run()
}
