package reload

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// drain is how long a stream on a changed route may go on; late is how much later its end may be, on a machine that does
// much else.
const (
	drain = 30 * time.Second
	late  = 10 * time.Second
)

// fan is many streams, and what has been changed under them.
type fan struct {
	all    []*stream
	events atomic.Int64
	// closed counts the connections that the gateway closed.
	closed atomic.Int64

	mu      sync.Mutex
	changes map[string][]change
	cuts    []string
	// drained is how many ended as a change had it.
	drained int
}

// change is one of a route: it came into use between the two times.
type change struct{ from, until time.Time }

// stream is one that is opened again when a change has ended it.
type stream struct {
	way    way
	method string
	number int
	// opened is since when it is open, in nanoseconds since 1970; 0 if it is not.
	opened atomic.Int64
	// first is closed when an event has come.
	first chan struct{}
}

func (s *stream) String() string {
	return fmt.Sprintf("%d by %s on %s", s.number, s.method, s.way.name)
}

// streamers opens n streams to the upstream, spread over the ways and over both methods, each on a connection of its own.
// When the reloads are over the upstream ends them, in order. Until then an end is one that a change has caused, or a fault.
func (c *crowd) streamers(u *upstream, n int, ways ...way) {
	f := &c.streams
	dialer := new(net.Dialer)
	transport := &http.Transport{
		MaxIdleConnsPerHost: n,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &kept{conn, sync.OnceFunc(func() { f.closed.Add(1) })}, nil
		},
	}
	u.until(c.over)
	var open sync.WaitGroup
	c.wg.Go(func() {
		<-c.over
		open.Wait()
		transport.CloseIdleConnections()
	})
	client := &http.Client{Transport: transport}
	for i := range n {
		method := http.MethodPost
		if i/len(ways)%2 == 1 {
			method = http.MethodGet
		}
		s := &stream{way: ways[i%len(ways)], method: method, number: i + 1, first: make(chan struct{})}
		f.all = append(f.all, s)
		open.Go(func() {
			for c.follow(s, client) {
				continue
			}
		})
	}
}

// follow opens the stream and reads it to its end. It tells whether it is to be opened again.
func (c *crowd) follow(s *stream, client *http.Client) bool {
	body := streamCall
	if s.method == http.MethodGet {
		body = ""
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := s.way.request(ctx, s.method, body)
	if err != nil {
		c.fail("stream %s: %v", s, err)
		return false
	}
	opened := time.Now()
	s.opened.Store(opened.UnixNano())
	defer s.opened.Store(0)
	head := time.AfterFunc(patience, cancel)
	answer, err := client.Do(r)
	head.Stop()
	if err != nil {
		c.fail("open stream %s: %v", s, err)
		return false
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		c.fail("open stream %s: %s", s, answer.Status)
		return false
	}
	n, last, err := c.streams.read(s, answer)
	over := false
	select {
	case <-c.over:
		over = true
	default:
	}
	result := `{"jsonrpc":"2.0","id":7,"result":{"events":` + fmt.Sprint(n) + `}}`
	if over && err == nil && (s.method == http.MethodGet || last == result) {
		return false
	}
	if fault := c.streams.due(s, opened, time.Now(), last, err); fault != "" {
		c.streams.cut("stream %s, open since %s, ended after event %d: %s", s, opened.Format("15:04:05.000"), n, fault)
		return false
	}
	return !over
}

// message is what an event may hold.
type message struct {
	ID     int
	Params struct{ Progress int }
	Result json.RawMessage
	Error  struct {
		Code    int
		Message string
	}
}

// read reads a stream to its end: numbered events without a gap, and what may come last. err is nil if the body ended in
// order.
func (f *fan) read(s *stream, answer *http.Response) (n int, last string, err error) {
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue // the end of an event
		}
		if last != "" {
			return n, last, fmt.Errorf("%q came after the last event", text)
		}
		var m message
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			return n, last, fmt.Errorf("event %q: %w", text, err)
		}
		if m.ID != 0 {
			last = text
			continue
		}
		if n++; m.Params.Progress != n {
			return n, last, fmt.Errorf("%q came for event %d", text, n)
		}
		if f.events.Add(1); n == 1 {
			select {
			case <-s.first:
			default:
				close(s.first)
			}
		}
	}
	return n, last, lines.Err()
}

// changed says that the routes came into use anew between two times.
func (f *fan) changed(routes []string, from, until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range routes {
		f.changes[name] = append(f.changes[name], change{from, until})
	}
}

// due answers what is wrong with the end of a stream, "" if it is the one that a change had to cause (G4): a call's with a
// JSON-RPC error, and either in order.
func (f *fan) due(s *stream, opened, ended time.Time, last string, err error) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.ContainsFunc(f.changes[s.way.name], func(c change) bool {
		return opened.Before(c.until) && !ended.Before(c.from.Add(drain)) && !ended.After(c.until.Add(drain+late))
	}) {
		return fmt.Sprintf("its route has not changed, or it was not due: %v, %q", err, last)
	}
	if err != nil {
		return fmt.Sprintf("not in order: %v", err)
	}
	if s.method == http.MethodPost {
		var m message
		if json.Unmarshal([]byte(last), &m) != nil || m.ID != 7 || m.Error.Code == 0 || m.Error.Message == "" {
			return fmt.Sprintf("G4: the call's answer is %q, want a JSON-RPC error", last)
		}
	}
	f.drained++
	return ""
}

// overdue says which streams are open that a change should have ended.
func (f *fan) overdue() {
	now := time.Now()
	for _, s := range f.all {
		since := s.opened.Load()
		opened := time.Unix(0, since)
		f.mu.Lock()
		outlived := since != 0 && slices.ContainsFunc(f.changes[s.way.name], func(c change) bool {
			return opened.Before(c.from) && now.After(c.until.Add(drain+late))
		})
		f.mu.Unlock()
		if outlived {
			f.cut("stream %s, open since %s, outlives a change of its route", s, opened.Format("15:04:05.000"))
		}
	}
}

func (f *fan) cut(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cuts = append(f.cuts, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}
