package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/google/go-cmp/cmp"
)

// step is one thing that somebody does to a file, at a time after the start. An event tells of it.
type step struct {
	at   time.Duration
	file string // p.json or q.json
	// text is what it holds from then on; "-" deletes it, "touch" changes nothing.
	text string
}

const ms = time.Millisecond

// storm writes something else, or does nothing to the bytes, again and again.
func storm(writes bool) (steps []step) {
	for at := 300 * ms; at < 5*time.Second; at += 90 * ms {
		text := "touch"
		if writes {
			text = at.String()
		}
		steps = append(steps, step{at, "p.json", text})
	}
	return steps
}

// Exactly when which steps of a save are told of as a change: with events, 150 ms after the last of them, at the latest
// 2 s after the first; without, at the polls, each 10 s.
func TestMomentsOfChanges(t *testing.T) {
	for _, tt := range []struct {
		name     string
		steps    []step
		events   []time.Duration // when a change is told of, with events
		polls    []time.Duration // and without
		overflow bool            // the events are lost, and the system says so, in time
	}{
		{name: "nothing"},
		{name: "one write", steps: []step{{300 * ms, "p.json", "1"}},
			events: []time.Duration{450 * ms}, polls: []time.Duration{10150 * ms}},
		{name: "events are lost", steps: []step{{300 * ms, "p.json", "1"}}, overflow: true,
			events: []time.Duration{450 * ms}, polls: []time.Duration{10150 * ms}},
		{name: "truncated, and written soon", steps: []step{{300 * ms, "p.json", ""}, {400 * ms, "p.json", "1"}},
			events: []time.Duration{550 * ms}, polls: []time.Duration{10150 * ms}},
		{name: "truncated, and written after a pause", steps: []step{{300 * ms, "p.json", ""}, {700 * ms, "p.json", "1"}},
			events: []time.Duration{450 * ms, 850 * ms}, polls: []time.Duration{10150 * ms}},
		{name: "deleted, and restored soon", steps: []step{{300 * ms, "p.json", "-"}, {400 * ms, "p.json", "0"}}},
		{name: "deleted, and restored after a pause", steps: []step{{300 * ms, "p.json", "-"}, {700 * ms, "p.json", "0"}},
			events: []time.Duration{450 * ms, 850 * ms}},
		{name: "deleted, and restored minutes later", steps: []step{{300 * ms, "p.json", "-"}, {3 * time.Minute, "p.json", "0"}},
			events: []time.Duration{450 * ms, 3*time.Minute + 150*ms}, polls: []time.Duration{10150 * ms, 3*time.Minute + 150*ms}},
		{name: "two files at once", steps: []step{{300 * ms, "p.json", "1"}, {350 * ms, "q.json", "1"}},
			events: []time.Duration{500 * ms}, polls: []time.Duration{10150 * ms}},
		{name: "two files, one after the other", steps: []step{{300 * ms, "p.json", "1"}, {900 * ms, "q.json", "1"}},
			events: []time.Duration{450 * ms, 1050 * ms}, polls: []time.Duration{10150 * ms}},
		{name: "touched, and the same bytes", steps: []step{{300 * ms, "p.json", "touch"}, {900 * ms, "p.json", "0"}}},
		{name: "there and back", steps: []step{{300 * ms, "p.json", "1"}, {400 * ms, "p.json", "0"}}},
		{name: "broken, and mended", steps: []step{{300 * ms, "p.json", "{"}, {5 * time.Second, "p.json", "0"}},
			events: []time.Duration{450 * ms, 5150 * ms}},
		{name: "a storm of writes", steps: storm(true),
			events: []time.Duration{2300 * ms, 4370 * ms, 5130 * ms}, polls: []time.Duration{10150 * ms}},
		{name: "a storm of touches", steps: storm(false)},
	} {
		for _, silent := range []bool{false, true} {
			name, want := tt.name, tt.events
			if silent {
				name, want = name+", on a mount without events", tt.polls
			}
			t.Run(name, func(t *testing.T) {
				dir := t.TempDir()
				synctest.Test(t, func(t *testing.T) {
					files := []string{filepath.Join(dir, "p.json"), filepath.Join(dir, "q.json")}
					for _, path := range files {
						write(t, path, "0")
					}
					source := newFake(nil)
					w := newWatcher(Options{})
					w.open = func() (notifier, error) { return source, nil }
					w.Set(files, w.reader.Read(files))
					changed := run(t, w)
					began := time.Now()
					for _, s := range tt.steps {
						time.Sleep(s.at - time.Since(began))
						s.take(t, dir)
						switch {
						case silent:
						case tt.overflow:
							source.errors <- fsnotify.ErrEventOverflow
						default:
							source.events <- fsnotify.Event{Name: filepath.Join(dir, s.file), Op: fsnotify.Write}
						}
					}
					time.Sleep(time.Minute)
					var got []time.Duration
					for len(changed) > 0 {
						got = append(got, (<-changed).at)
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("changes (-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

func (s step) take(t *testing.T, dir string) {
	path := filepath.Join(dir, s.file)
	switch s.text {
	case "-":
		must(t, os.Remove(path))
	case "touch":
		touch(t, path)
	default:
		write(t, path, s.text)
	}
}

// While a change is being dealt with, which may take seconds, further ones are not lost, and what was overtaken
// meanwhile is never loaded.
func TestChangesDuringALoadAreOne(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(dir, "p.json")
		write(t, path, "0")
		source := newFake(nil)
		w := newWatcher(Options{})
		w.open = func() (notifier, error) { return source, nil }
		w.Set([]string{path}, w.reader.Read([]string{path}))
		loads, loaded := make(chan string, 100), make(chan struct{})
		go w.Run(t.Context(), func() {
			text, err := os.ReadFile(path)
			must(t, err)
			loads <- string(text)
			<-loaded
			// What a host does: the load has read the files by now, and says what they held before it.
			w.Set([]string{path}, Contents{path: sumOf(string(text))})
		})
		time.Sleep(time.Second)
		for n := range 50 {
			write(t, path, fmt.Sprint(n+1))
			go func() { source.events <- fsnotify.Event{Name: path, Op: fsnotify.Write} }()
			time.Sleep(90 * ms)
			if n == 30 {
				loaded <- struct{}{} // the first load, which began at the ceiling, has ended
			}
		}
		close(loaded)
		time.Sleep(time.Minute)
		var got []string
		for len(loads) > 0 {
			got = append(got, <-loads)
		}
		if diff := cmp.Diff([]string{"23", "50"}, got); diff != "" {
			t.Errorf("what was loaded (-want +got):\n%s", diff)
		}
	})
}
