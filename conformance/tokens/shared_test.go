package tokens

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// wallet is where the processes of one client keep their refresh token, as on a disk that they share.
type wallet struct {
	mu     sync.Mutex
	token  string
	place  map[string]int // in the order of rotation
	access []string
}

func newWallet(first answer) *wallet {
	return &wallet{token: first.refresh, place: map[string]int{first.refresh: 0}, access: []string{first.access}}
}

func (p *wallet) newest() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.token
}

// keep keeps what came of a token. One that is older than what is there already does not take its place.
func (p *wallet) keep(presented string, got answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.access = append(p.access, got.access)
	if _, known := p.place[got.refresh]; !known {
		p.place[got.refresh] = p.place[presented] + 1
	}
	if p.place[got.refresh] > p.place[p.token] {
		p.token = got.refresh
	}
}

// known answers every token that the client has got.
func (p *wallet) known() (access, refresh []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for token := range p.place {
		refresh = append(refresh, token)
	}
	return p.access, refresh
}

// Processes that share a token refresh it when they like, and many of their requests break off before the answer is
// there. None is ever without a way on: what it presents is answered with tokens, or another one has left newer ones.
func sharedToken(t *testing.T, w *world) {
	const processes, refreshes = 6, 15
	a, first := w.signedIn(t)
	shared := newWallet(first)
	var work sync.WaitGroup
	for process := range processes {
		work.Go(func() {
			chance := rand.New(rand.NewPCG(uint64(process), 1))
			for range refreshes {
				token := shared.newest()
				if chance.IntN(3) == 0 { // this request's answer is lost
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(chance.IntN(20))*time.Millisecond)
					a.refresh(ctx, token)
					cancel()
				}
				switch got := a.refresh(t.Context(), token); {
				case got.verdict == granted:
					shared.keep(token, got)
				case got.verdict != invalidGrant || shared.newest() == token:
					t.Errorf("stranded: %s %v", got.verdict, got.err)
					return
				}
			}
		})
	}
	work.Wait()
	access, _ := shared.known()
	w.wantCalls(t, "handed out", true, access...)
	a.refresh(t.Context(), shared.newest()).want(t, "the newest token", granted)
	if n := a.grants(t); n != 1 {
		t.Errorf("%d grants", n)
	}
}

// A grant is taken back while processes that share its token refresh all the time. What begins after that has been
// answered gets nothing; and nothing that was ever handed out is good any more.
func takenBack(t *testing.T, w *world) {
	a, first := w.signedIn(t)
	w.wantCalls(t, "in use", true, first.access)
	shared := newWallet(first)
	processes := 6
	if w.mode == "strict" { // where sharing ends the grant by itself
		processes = 1
	}
	gone := make(chan struct{})
	isGone := func() bool {
		select {
		case <-gone:
			return true
		default:
			return false
		}
	}
	refreshed := make(chan struct{}, 10)
	var work sync.WaitGroup
	for range processes {
		work.Go(func() {
			for {
				late, token := isGone(), shared.newest()
				got := a.refresh(t.Context(), token)
				switch {
				case late && got.verdict != invalidGrant:
					t.Errorf("after the grant: %s %v", got.verdict, got.err)
					return
				case late:
					return
				case got.verdict == granted:
					shared.keep(token, got)
					select {
					case refreshed <- struct{}{}:
					default: // there were enough
					}
				case got.verdict != invalidGrant:
					t.Errorf("meanwhile: %s %v", got.verdict, got.err)
					return
				}
			}
		})
	}
	for range 10 {
		select {
		case <-refreshed:
		case <-time.After(waiting):
			t.Error("nobody gets on")
		}
	}
	a.revoke(t.Context(), shared.newest()).want(t, "take back", granted)
	close(gone)
	work.Wait()
	access, refresh := shared.known()
	w.wantCalls(t, "after the grant", false, access...)
	a.wantRefused(t, "after the grant", refresh...)
	if n := a.grants(t); n != 0 {
		t.Errorf("%d grants are left", n)
	}
}
