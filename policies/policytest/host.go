package policytest

import (
	"bytes"
	"log/slog"
	"sync"

	"durward/policies"
)

// Host is what a policy gets from the host, with everything open to inspection.
type Host struct {
	Clock *Clock
	Store *Store
	Audit *Audit
	Log   *Log
}

// NewHost answers a host with an empty store.
func NewHost() *Host {
	clock := NewClock()
	return &Host{Clock: clock, Store: NewStore(clock), Audit: &Audit{}, Log: &Log{}}
}

// Services answers the host as a policy sees it.
func (h *Host) Services() policies.Host {
	logger := slog.New(slog.NewTextHandler(h.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return policies.Host{Store: h.Store, Audit: h.Audit, Logger: logger}
}

// Log keeps what was logged, as text. Its zero value is ready; it is safe for concurrent use.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String answers everything logged so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
