package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"durward/policies"
)

// memory is a Store and an Audit for one test.
type memory struct {
	mu      sync.Mutex
	records map[string]policies.Record
	version int64
	events  []string
	purged  []string
	// hang is closed when the store no longer hangs on keys that begin with "hang/"; hanging tells of each that does.
	hang, hanging chan struct{}
}

func newMemory() *memory {
	return &memory{records: make(map[string]policies.Record), hang: make(chan struct{}), hanging: make(chan struct{}, 1000)}
}

func (m *memory) Get(_ context.Context, key string) (policies.Record, error) {
	if strings.HasPrefix(key, "hang/") {
		m.hanging <- struct{}{}
		<-m.hang // whatever becomes of the context
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if strings.HasPrefix(key, "fault/") {
		return policies.Record{}, errors.New("disk /var/lib/x is full")
	}
	if r, ok := m.records[key]; ok {
		return r, nil
	}
	return policies.Record{}, policies.ErrNotFound
}

func (m *memory) Take(ctx context.Context, key string) (policies.Record, error) {
	r, err := m.Get(ctx, key)
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.records, key)
	return r, err
}

func (m *memory) List(_ context.Context, prefix, after string, limit int) ([]policies.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []policies.Record
	for _, key := range slices.Sorted(maps.Keys(m.records)) {
		if strings.HasPrefix(key, prefix) && key > after && len(out) < limit {
			out = append(out, m.records[key])
		}
	}
	return out, nil
}

func (m *memory) Commit(_ context.Context, c policies.Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, put := range c.Puts {
		if m.records[put.Key].Version != put.Expect {
			return fmt.Errorf("put: %w", policies.ErrConflict)
		}
		m.version++
		m.records[put.Key] = policies.Record{Key: put.Key, Value: put.Value, Version: m.version, Expires: put.Expires}
	}
	m.purged = append(m.purged, c.Purge...)
	return nil
}

func (m *memory) Write(ctx context.Context, e policies.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, fmt.Sprintf("%s %s %s %s", e.Name, e.Outcome, e.Subject, policies.CallFrom(ctx).RequestID))
	return nil
}

func (m *memory) put(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.version++
	m.records[key] = policies.Record{Key: key, Version: m.version, Expires: time.Now().Add(time.Hour)}
}

func (m *memory) count(prefix string) int {
	list, _ := m.List(context.Background(), prefix, "", 1000)
	return len(list)
}

// patience bounds how long a test waits for what must happen: far more than it takes, on a machine that does more.
const patience = 30 * time.Second

// journal keeps what is logged, as JSON lines, and lets a test wait for a line.
type journal struct {
	mu    sync.Mutex
	lines []string
	grown chan struct{}
}

func newJournal() *journal { return &journal{grown: make(chan struct{})} }

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(j, nil)) }

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, string(line))
	close(j.grown)
	j.grown = make(chan struct{})
	return len(line), nil
}

// await answers the first line with the text as its fields.
func (j *journal) await(t *testing.T, text string) map[string]any {
	t.Helper()
	deadline := time.After(patience)
	for {
		j.mu.Lock()
		lines, grown := slices.Clone(j.lines), j.grown
		j.mu.Unlock()
		for _, line := range lines {
			if strings.Contains(line, text) {
				var fields map[string]any
				if err := json.Unmarshal([]byte(line), &fields); err != nil {
					t.Fatalf("log line is not JSON: %v", err)
				}
				return fields
			}
		}
		select {
		case <-grown:
		case <-deadline:
			t.Fatalf("no log line with %q in:\n%s", text, strings.Join(lines, ""))
		}
	}
}

func (j *journal) all() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "")
}

func testSpec(name string, e Executable, options string) Spec {
	m := newMemory()
	input := policies.Input{
		Name: name, Options: json.RawMessage(options), Routes: []policies.Route{{ID: "demo", Path: "/mcp/demo"}},
	}
	return Spec{
		Name: name, Type: testType, Executable: e, Store: m, Audit: m, Input: input, Report: testPolicyType{}.Validate(input),
	}
}

func self(t *testing.T, how string) Executable {
	t.Helper()
	e, err := Self("as-policy", how)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// shortDir answers a folder whose name leaves room for a socket's, which t.TempDir's need not.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// raceEnv keeps the race detector, if the test's executable has it, from delaying every end of a process by a second.
func raceEnv() []string { return []string{"GORACE=atexit_sleep_ms=0"} }

// newHost answers a host that is closed at the test's end.
func newHost(t *testing.T, edit func(*Options)) (*Host, *journal) {
	t.Helper()
	j := newJournal()
	o := Options{RunDir: shortDir(t), Logger: j.logger(), StartTimeout: patience, RestartWait: patience, Env: raceEnv()}
	if edit != nil {
		edit(&o)
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log:\n%s", j.all())
		}
	})
	return h, j
}

func start(t *testing.T, h *Host, spec Spec) *Policy {
	t.Helper()
	p, err := h.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// awaitState waits until the policy is in the state, with another process than pid.
func awaitState(t *testing.T, p *Policy, state State, pid int) Status {
	t.Helper()
	deadline := time.After(patience)
	for {
		p.mu.Lock()
		status, changed := p.status, p.changed
		p.mu.Unlock()
		if status.State == state && (pid == 0 || status.PID != pid) {
			return status
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("policy is %+v, not %s", status, state)
		}
	}
}

func testCall() policies.Call {
	return policies.Call{
		Time: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), RequestID: "req-1",
		Origin: "https://mcp.example.com", ClientAddress: "192.0.2.7",
	}
}
