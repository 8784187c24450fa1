package pluginhost

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMemoryLimits(t *testing.T) {
	cases := []struct {
		asked int64
		want  uint64
		env   []string
	}{
		{0, 512 << 20, []string{"GOMEMLIMIT=429496728"}},
		{100 << 20, 100 << 20, []string{"GOMEMLIMIT=83886080"}},
		{-1, 0, nil},
	}
	for _, c := range cases {
		limit := memoryLimit(c.asked)
		if limit != c.want || !cmp.Equal(memoryEnv(limit), c.env) {
			t.Errorf("%d: limit %d, environment %q", c.asked, limit, memoryEnv(limit))
		}
	}
}

func TestWatchSeesEveryProcessGroup(t *testing.T) {
	j := newJournal()
	resident := map[int]uint64{7: 100, 8: 101, 9: 1000}
	var fault error
	w := newMemoryWatch(time.Hour, func([]int) (map[int]uint64, error) { return resident, fault }, j.logger())
	defer w.close()
	watched := func(pid int, limit uint64) *process {
		p := &process{pid: pid, limit: limit, alive: false, logger: j.logger()}
		w.add(p)
		return p
	}
	fits, over, free, gone := watched(7, 100), watched(8, 100), watched(9, 0), watched(10, 100)
	w.look()
	for p, want := range map[*process]struct {
		bytes  uint64
		killed bool
	}{fits: {100, false}, over: {101, true}, free: {1000, false}, gone: {0, false}} {
		if p.resident.Load() != want.bytes || p.wasKilled() != want.killed {
			t.Errorf("process %d: %d bytes, killed %v", p.pid, p.resident.Load(), p.wasKilled())
		}
	}
	w.remove(fits)
	resident[7] = 500
	fault = errors.New("no memory for that")
	w.look()
	j.await(t, "cannot tell how much memory")
	fault = nil
	w.look()
	if fits.resident.Load() != 100 || fits.wasKilled() {
		t.Error("a process that was taken off is still watched")
	}
}

func TestWatchWithoutAProcessTableRests(t *testing.T) {
	w := newMemoryWatch(time.Nanosecond, func([]int) (map[int]uint64, error) { return nil, os.ErrNotExist }, newJournal().logger())
	w.close() // returns: nothing runs
	if w.works() {
		t.Error("it says that it works")
	}
}

func TestResidentPages(t *testing.T) {
	cases := []struct {
		name, statm string
		pages       uint64
		fails       bool
	}{
		{name: "plain", statm: "327680 5120 2048 1024 0 9000 0\n", pages: 5120},
		{name: "a thread of the kernel's", statm: "0 0 0 0 0 0 0\n"},
		{name: "cut off", statm: "327680", fails: true},
		{name: "empty", fails: true},
		{name: "no number", statm: "1 -5 3", fails: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if pages, err := parseStatm([]byte(c.statm)); pages != c.pages || (err != nil) != c.fails {
				t.Errorf("%d pages, %v", pages, err)
			}
		})
	}
}
