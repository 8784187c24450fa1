package decision

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"durward/policies"
)

// maxAge caps how long an answer is remembered.
const maxAge = time.Hour

// AnswersOptions are what the memory of answers is made with. The zero value of each field is its default.
type AnswersOptions struct {
	// Now is the clock by which answers age. Default time.Now.
	Now func() time.Time
	// MaxBytes bounds what is remembered. Default 8 MiB.
	MaxBytes int64
}

// Answers remembers answers of the paths that policies serve, as far as the policy marked them "Cache-Control: public,
// max-age=N": metadata that anybody may ask for must not become a flood of calls. Its methods are safe for concurrent
// use.
type Answers struct {
	now     func() time.Time
	mu      sync.Mutex
	known   *table[answer]
	flights map[Key]*answering
}

// answer is an answer, when it was given and by whom.
type answer struct {
	response policies.Response
	given    time.Time
	instance string
}

// answering is a call in flight. Its result is set before done is closed.
type answering struct {
	place    Key
	instance string
	done     chan struct{}
	answer   *answer // nil: not for others
}

// AnswerQuery is a GET request to a path that a policy serves.
type AnswerQuery struct {
	// Instance names the running policy: another configuration or another process has another one.
	Instance string
	// Origin is "scheme://host[:port]" as the client called it.
	Origin string
	// Path is what a public answer is remembered for: one that depends on the query must not be marked public.
	Path string
	// Query tells apart the loads that are under way.
	Query string
}

// NewAnswers makes an empty memory.
func NewAnswers(options AnswersOptions) *Answers {
	a := &Answers{now: options.Now, flights: make(map[Key]*answering)}
	if a.now == nil {
		a.now = time.Now
	}
	bytes := options.MaxBytes
	if bytes <= 0 {
		bytes = 8 << 20
	}
	a.known = newTable[answer](int(bytes/overhead), bytes)
	return a
}

// Get answers what is remembered, with its Age (RFC 9111 section 5.1), or what load says. While one load is under way,
// equal queries wait for it; if its answer turns out not to be public each of them loads its own. load runs in the
// caller's goroutine, with ctx. The header may be changed, the body must not.
func (a *Answers) Get(
	ctx context.Context, q AnswerQuery, load func(context.Context) (policies.Response, error),
) (policies.Response, error) {
	place := NewKey().String(q.Instance).String(q.Origin).String(q.Path).Sum()
	key := NewKey().Bytes(place[:]).String(q.Query).Sum()
	a.mu.Lock()
	now := a.now()
	if e := a.known.get(place); e != nil && now.Before(e.expires) {
		a.mu.Unlock()
		return e.value.at(now), nil
	}
	if f := a.flights[key]; f != nil {
		a.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return policies.Response{}, ctx.Err()
		}
		if f.answer != nil {
			return f.answer.at(f.answer.given), nil
		}
		return load(ctx)
	}
	f := &answering{place: place, instance: q.Instance, done: make(chan struct{})}
	a.flights[key] = f
	a.mu.Unlock()
	defer a.land(key, f) // also if load panics
	response, err := load(ctx)
	if err == nil {
		f.answer = public(response, now, q.Instance)
	}
	return response, err
}

// land ends the flight and remembers its answer, if it is public and its instance was not forgotten meanwhile.
func (a *Answers) land(key Key, f *answering) {
	defer close(f.done)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.flights[key] != f {
		return
	}
	delete(a.flights, key)
	if f.answer == nil {
		return
	}
	age, _ := freshness(f.answer.response)
	a.known.put(&entry[answer]{
		key: f.place, value: *f.answer, expires: f.answer.given.Add(age),
		size: int64(overhead + len(f.answer.response.Body) + headerSize(f.answer.response.Header)),
	})
}

// Forget drops every answer of an instance, and those it is about to give.
func (a *Answers) Forget(instance string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known.removeIf(func(known *answer) bool { return known.instance == instance })
	for key, f := range a.flights {
		if f.instance == instance {
			delete(a.flights, key)
		}
	}
}

// at answers the response with its age.
func (a *answer) at(now time.Time) policies.Response {
	r := a.response
	r.Header = r.Header.Clone()
	if age := now.Sub(a.given); age >= time.Second {
		r.Header.Set("Age", strconv.Itoa(int(age.Seconds())))
	}
	return r
}

// public answers what may be given to others, or nil.
func public(r policies.Response, given time.Time, instance string) *answer {
	if _, ok := freshness(r); !ok {
		return nil
	}
	r.Header = r.Header.Clone() // the caller may change the one it got
	return &answer{response: r, given: given, instance: instance}
}

// freshness answers for how long an answer may be given to others, and whether it may. It takes the one form that is
// documented: whatever else a policy says of caching means no.
func freshness(r policies.Response) (age time.Duration, ok bool) {
	if r.Status != http.StatusOK {
		return 0, false
	}
	var control []string
	for name, values := range r.Header { // a policy's process may write names in any case
		switch http.CanonicalHeaderKey(name) {
		case "Set-Cookie", "Vary":
			return 0, false
		case "Cache-Control":
			control = append(control, values...)
		}
	}
	directives := strings.Split(strings.ToLower(strings.Join(control, ",")), ",")
	for i := range directives {
		directives[i] = strings.TrimSpace(directives[i])
	}
	slices.Sort(directives)
	if len(directives) != 2 || directives[1] != "public" {
		return 0, false
	}
	digits, ok := strings.CutPrefix(directives[0], "max-age=")
	seconds, err := strconv.ParseUint(digits, 10, 31)
	if !ok || err != nil || seconds == 0 {
		return 0, false
	}
	return min(time.Duration(seconds)*time.Second, maxAge), true
}
