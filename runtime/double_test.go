package runtime_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// upstream is an MCP server's stand-in. Below /stream it answers with events as the test sends them, below /wait with
// what the test sends first, and elsewhere with what it was sent.
type upstream struct {
	*httptest.Server
	requests atomic.Int64
	begun    chan *answer
}

// arrived is what the upstream was sent.
type arrived struct {
	Path   string
	Header http.Header
}

// answer is one that the upstream has begun.
type answer struct {
	path string
	send chan string
	gone <-chan struct{}
}

func startUpstream(t testing.TB) *upstream {
	u := &upstream{begun: make(chan *answer, 100)}
	u.Server = httptest.NewServer(u)
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.requests.Add(1)
	_, _ = io.Copy(io.Discard, r.Body) // only then does a server notice that its client has gone
	a := &answer{r.URL.Path, make(chan string), r.Context().Done()}
	switch {
	case strings.HasPrefix(a.path, "/stream"):
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		u.begun <- a
		for {
			select {
			case text, more := <-a.send:
				if !more {
					return
				}
				_, _ = w.Write([]byte("data: " + text + "\n\n"))
				_ = http.NewResponseController(w).Flush()
			case <-a.gone:
				return
			}
		}
	case strings.HasPrefix(a.path, "/wait"):
		u.begun <- a
		select {
		case text := <-a.send:
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(text))
		case <-a.gone:
		}
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(arrived{a.path, r.Header})
	}
}

// next answers what the upstream has begun to answer next.
func (u *upstream) next(t testing.TB) *answer {
	t.Helper()
	select {
	case a := <-u.begun:
		return a
	case <-time.After(patience):
		t.Fatal("nothing has reached the upstream")
		return nil
	}
}

// gate is where policies wait until the test lets them go on.
type gate struct {
	*httptest.Server
	visits chan visit
}

type visit struct {
	why, mark string
	pid       int
	open      func()
}

func startGate(t testing.TB) *gate {
	g := &gate{visits: make(chan visit, 10)}
	g.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		pid, _ := strconv.Atoi(r.FormValue("pid"))
		opened := make(chan struct{})
		g.visits <- visit{r.FormValue("why"), r.FormValue("mark"), pid, sync.OnceFunc(func() { close(opened) })}
		select {
		case <-opened:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(g.Close)
	return g
}

// next answers who comes next.
func (g *gate) next(t testing.TB) visit {
	t.Helper()
	select {
	case v := <-g.visits:
		return v
	case <-time.After(patience):
		t.Fatal("nobody has come to the gate")
		return visit{}
	}
}

// journal keeps what is logged, and lets a test wait for a line.
type journal struct {
	mu    sync.Mutex
	raw   bytes.Buffer
	lines []map[string]any
	grown chan struct{}
}

func newJournal() *journal { return &journal{grown: make(chan struct{})} }

func (j *journal) Write(line []byte) (int, error) {
	var fields map[string]any
	if err := json.Unmarshal(line, &fields); err != nil {
		return 0, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.raw.Write(line)
	j.lines = append(j.lines, fields)
	close(j.grown)
	j.grown = make(chan struct{})
	return len(line), nil
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.raw.String()
}

// count answers how many lines have the message.
func (j *journal) count(msg string) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, line := range j.lines {
		if line["msg"] == msg {
			n++
		}
	}
	return n
}

// find answers the first line for which so is true, or nil.
func (j *journal) find(so func(map[string]any) bool) map[string]any {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, line := range j.lines {
		if so(line) {
			return line
		}
	}
	return nil
}

// pids answers the processes that lines with these messages name.
func (j *journal) pids(msgs ...string) (pids []int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, line := range j.lines {
		for _, msg := range msgs {
			if pid, ok := line["pid"].(float64); ok && line["msg"] == msg {
				pids = append(pids, int(pid))
			}
		}
	}
	return pids
}

// await waits for a line with the message about the process; 0 means any.
func (j *journal) await(t testing.TB, msg string, pid int) map[string]any {
	t.Helper()
	late := time.After(patience)
	for at := 0; ; {
		j.mu.Lock()
		lines, grown := j.lines[at:], j.grown
		j.mu.Unlock()
		for _, line := range lines {
			if line["msg"] == msg && (pid == 0 || line["pid"] == float64(pid)) {
				return line
			}
		}
		at += len(lines)
		select {
		case <-grown:
		case <-late:
			t.Fatalf("no line %q of process %d in the log", msg, pid)
		}
	}
}
