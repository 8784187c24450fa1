package oauth_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// family is a small model of the tokens of one grant. It is written from what the architecture says of them (section 5)
// and knows no records, no store and no order of writes: only what a client may see.
type family struct {
	mode             string
	grace, ttl, life time.Duration // life is of access tokens
	now              time.Time
	ended            bool
	refresh          []modelRefresh
	access           []time.Time // when each ends
}

type modelRefresh struct {
	ends    time.Time
	rotated time.Time // when it was first used, if that rotated it
	kept    time.Time // how long a rotated one is known
	next    int       // its successor
	used    bool
}

// outcome is what a refresh comes to: no access token, or one and the place of the refresh token that comes with it.
type outcome struct {
	granted bool
	refresh int
}

func (f *family) issue() int {
	f.refresh = append(f.refresh, modelRefresh{ends: f.now.Add(f.ttl)})
	return len(f.refresh) - 1
}

func (f *family) grant(refresh int) outcome {
	f.access = append(f.access, f.now.Add(f.life))
	return outcome{true, refresh}
}

// present is a client that presents one of its refresh tokens, with everything else right.
func (f *family) present(which int) outcome {
	token := &f.refresh[which]
	first := token.rotated.IsZero()
	switch {
	case f.ended, first && !f.now.Before(token.ends), !first && !f.now.Before(token.kept):
		return outcome{}
	case first && f.mode == "none": // the same token comes back, and its life begins anew
		token.used, token.ends = true, f.now.Add(f.ttl)
		return f.grant(which)
	case first:
		next := f.issue()
		token = &f.refresh[which]
		token.used, token.rotated, token.next = true, f.now, next
		token.kept = slices.MaxFunc([]time.Time{token.ends, f.now.Add(f.grace)}, time.Time.Compare)
		return f.grant(next)
	case f.mode == "strict", !f.now.Before(token.rotated.Add(f.grace)): // a second use, or one after the grace
		f.ended = true
		return outcome{}
	}
	successor := f.refresh[token.next]
	if successor.used || !f.now.Before(successor.ends) { // within the grace but after that use: the grant lives
		return outcome{}
	}
	return f.grant(token.next)
}

// play is one sequence: the model, and a world that must do as it does.
type play struct {
	*world
	model    family
	rand     *rand.Rand
	trace    []string
	client   string
	code     string
	codeEnds time.Time
	tokens   []string // by their places in the model; "" for those that the client has not got
	access   []string // likewise
}

func newPlay(w *world, seed uint64) *play {
	p := &play{world: w, rand: rand.New(rand.NewPCG(seed, 0)), client: w.client()}
	p.model = family{
		mode: pick(p, "grace", "strict", "none"), grace: 10 * time.Second, ttl: 100 * time.Second, life: 60 * time.Second,
	}
	p.configure()
	p.model.now = w.host.Clock.Now()
	p.codeEnds = p.model.now.Add(time.Minute)
	p.code = w.code(p.client, "alice")
	held := w.tokensOf(p.client, w.post("/oauth/token", redemption(p.client, p.code)))
	p.model.grant(p.model.issue())
	p.tokens, p.access = []string{held.refresh}, []string{held.access}
	return p
}

func pick[T any](p *play, from ...T) T { return from[p.rand.IntN(len(from))] }

func (p *play) did(format string, args ...any) {
	p.trace = append(p.trace, fmt.Sprintf(format, args...))
}

// configure takes the settings of the model into use, as a reload does.
func (p *play) configure() {
	m := p.model
	p.options(fmt.Sprintf(`{"clientId":"c","gateway":{"refreshTokenRotation":%q,"refreshTokenGraceSeconds":%d,
		"refreshTokenTtlSeconds":%d,"accessTokenTtlSeconds":%d}}`,
		m.mode, m.grace/time.Second, m.ttl/time.Second, m.life/time.Second))
	p.did("configure %s, grace %v, refresh tokens live %v, access tokens %v", m.mode, m.grace, m.ttl, m.life)
}

// one answers the place of a token that the client has got: more often than not the newest, or the one before.
func (p *play) one() int {
	var got []int
	for i, token := range p.tokens {
		if token != "" {
			got = append(got, i)
		}
	}
	switch newest := len(got) - 1; p.rand.IntN(4) {
	case 0, 1:
		return got[newest]
	case 2:
		return got[max(0, newest-1)]
	}
	return pick(p, got...)
}

// step does one thing in the model and in the world.
func (p *play) step() error {
	m := &p.model
	which := p.one()
	held := tokens{client: p.client, refresh: p.tokens[which]}
	switch n := p.rand.IntN(100); {
	case n < 50:
		p.did("present %d", which)
		return p.check(m.present(which), p.refresh(held))
	case n < 54: // everything else is not right: nothing changes (S55)
		p.did("present %d for more scope", which)
		if got := p.refresh(held, "scope", "mcp:tools admin"); got.StatusCode != http.StatusBadRequest {
			return fmt.Errorf("answered %d %s", got.StatusCode, got.body)
		}
	case n < 58:
		p.did("present %d, and the store fails before it writes", which)
		return p.faulty(held, nil)
	case n < 62:
		p.did("present %d, and the store fails after it has written", which)
		return p.faulty(held, func() { p.check(m.present(which), answer{}) })
	case n < 87:
		wait := pick(p, time.Second, m.grace-time.Second, m.grace, m.life-time.Second, m.life, m.ttl)
		p.did("wait %v", wait)
		p.host.Clock.Advance(wait)
		m.now = m.now.Add(wait)
	case n < 96:
		m.mode = pick(p, "grace", "grace", "strict", "none")
		m.grace, m.ttl = pick(p, 10*time.Second, 60*time.Second), pick(p, 100*time.Second, 1000*time.Second)
		m.life = pick(p, 60*time.Second, 600*time.Second)
		p.configure()
	case n < 98:
		p.did("redeem the code again")
		m.ended = m.ended || m.now.Before(p.codeEnds) // A48, for as long as it is known
		if got := p.post("/oauth/token", redemption(p.client, p.code)); got.StatusCode != http.StatusBadRequest {
			return fmt.Errorf("answered %d %s", got.StatusCode, got.body)
		}
	default:
		p.did("take the grant back")
		m.ended = true
		got := p.do(p.browser, p.request(http.MethodDelete, "/grants?subject=alice", ""))
		if got.StatusCode != http.StatusOK {
			return fmt.Errorf("answered %d %s", got.StatusCode, got.body)
		}
	}
	return nil
}

// check holds an answer against an outcome, and learns from it what the client has got now. No answer is one that was
// lost.
func (p *play) check(want outcome, got answer) error {
	lost := got.Response == nil
	for len(p.tokens) < len(p.model.refresh) {
		p.tokens = append(p.tokens, "")
	}
	if !want.granted {
		if !lost && (got.StatusCode != http.StatusBadRequest || !strings.Contains(got.body, `"invalid_grant"`)) {
			return fmt.Errorf("answered %d %s, want invalid_grant", got.StatusCode, got.body)
		}
		return nil
	}
	if lost {
		p.access = append(p.access, "")
		return nil
	}
	if got.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %d %s, want tokens", got.StatusCode, got.body)
	}
	held := p.tokensOf(p.client, got)
	place := &p.tokens[want.refresh]
	if *place == "" && slices.Contains(p.tokens, held.refresh) || *place != "" && *place != held.refresh {
		return fmt.Errorf("answered with another token than %d", want.refresh)
	}
	*place = held.refresh
	p.access = append(p.access, held.access)
	return nil
}

// faulty presents a token while the store fails at every change: before it writes or, if there is something to be done
// of it, after it has. It must be said whenever something was to be written.
func (p *play) faulty(held tokens, written func()) error {
	wrote := false
	p.host.Store.Intercept(func(op string, _ []string, do func() error) error {
		if op != "commit" {
			return do()
		}
		if wrote = true; written != nil {
			return errors.Join(do(), errors.New("the disk is gone"))
		}
		return errors.New("the disk is gone")
	})
	defer p.host.Store.Intercept(nil)
	got := p.refresh(held)
	if written != nil {
		written()
	}
	if (got.StatusCode == http.StatusServiceUnavailable) != wrote || !wrote && got.StatusCode != http.StatusBadRequest {
		return fmt.Errorf("answered %d %s; something was to be written: %v", got.StatusCode, got.body, wrote)
	}
	return nil
}

// verify holds every access token that the client has got against the model.
func (p *play) verify() error {
	for i, token := range p.access {
		if token == "" {
			continue
		}
		want := http.StatusUnauthorized
		if !p.model.ended && p.model.now.Before(p.model.access[i]) {
			want = http.StatusOK
		}
		if got := p.call("/mcp/demo", token); got.StatusCode != want {
			return fmt.Errorf("access token %d: %d, want %d", i, got.StatusCode, want)
		}
	}
	return nil
}

// TestTokensAreAsTheModelSays plays sequences of all that can happen to the tokens of a grant, in each mode and from one
// to another: more of them with DURWARD_SOAK.
func TestTokensAreAsTheModelSays(t *testing.T) {
	plays, steps := uint64(25), 40
	if os.Getenv("DURWARD_SOAK") != "" {
		plays = 3000
	}
	for seed := range plays {
		w := newWorld(t)
		p := newPlay(w, seed)
		for range steps {
			if err := errors.Join(p.step(), p.verify()); err != nil {
				t.Fatalf("play %d: %v\n%s", seed, err, strings.Join(p.trace, "\n"))
			}
		}
	}
}
