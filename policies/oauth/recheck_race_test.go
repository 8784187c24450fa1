package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"durward/policies"
	"durward/policies/oauth"
	"durward/policies/policytest"
)

// What happens at once, or half: several who ask, clients that leave, processes that end, faults of the store.

// refreshAtOnce refreshes grants of one login at once, in two processes, and answers what their clients were told.
func (w *world) refreshAtOnce(held []tokens) []answer {
	w.Helper()
	other, err := policytest.NewGateway(w.host, oauth.Policy(w.provider), w.gateway.Input)
	if err != nil {
		w.Fatal(err)
	}
	w.host.Store.Intercept(together("standing/", len(held)))
	defer w.host.Store.Intercept(nil)
	answers := make([]answer, len(held))
	var wg sync.WaitGroup
	for i, one := range held {
		at := *w
		if i%2 == 1 {
			at.gateway = other
		}
		wg.Go(func() { answers[i] = at.refresh(one) })
	}
	wg.Wait()
	return answers
}

func TestOneAsksAtATime(t *testing.T) {
	for name, test := range map[string]struct {
		late    time.Duration
		prepare func(*world)
		asked   int
		status  int
	}{
		"due":                         {recheckAfter, nil, 1, http.StatusOK},
		"due, and down":               {recheckAfter, (*world).unreachable, 1, http.StatusOK},
		"for a day":                   {recheckAfter + unchecked, nil, 1, http.StatusOK},
		"for a day, and down":         {recheckAfter + unchecked, (*world).unreachable, 1, http.StatusServiceUnavailable},
		"for a day, and gone by then": {recheckAfter + unchecked, func(w *world) { w.provider.Dismiss("alice") }, 1, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			w := newRecheckWorld(t, recheckOptions)
			held := []tokens{w.signIn("alice")}
			for range 5 {
				held = append(held, w.another())
			}
			w.host.Clock.Advance(test.late)
			if test.prepare != nil {
				test.prepare(w)
			}
			for i, got := range w.refreshAtOnce(held) {
				if got.StatusCode != test.status {
					t.Errorf("refresh %d: %d %s", i, got.StatusCode, got.body)
				}
			}
			if got := w.provider.Rechecked(); got != test.asked {
				t.Errorf("the provider was asked %d times, want %d", got, test.asked)
			}
		})
	}
}

// While somebody asks, others go on; but not once the last answer is a day too old: then they wait.
func TestNobodyWaitsForAnAnswerThatIsNotNeededYet(t *testing.T) {
	w := newRecheckWorld(t, recheckOptions)
	first := w.signIn("alice")
	second := w.another()
	asked, answers := make(chan struct{}, 1), make(chan struct{})
	w.provider.InterceptRecheck(func(do func() (policies.Standing, error)) (policies.Standing, error) {
		asked <- struct{}{}
		<-answers
		return do()
	})
	var wg sync.WaitGroup
	begin := func() {
		wg.Go(func() { first = w.tokensOf(first.client, w.refresh(first)) })
		<-asked
	}
	w.host.Clock.Advance(recheckAfter)
	begin()
	second = w.tokensOf(second.client, w.refresh(second))
	answers <- struct{}{}
	wg.Wait()

	w.host.Clock.Advance(recheckAfter + unchecked)
	begin()
	waited := make(chan struct{})
	wg.Go(func() { second = w.tokensOf(second.client, w.refresh(second)); close(waited) })
	select {
	case <-waited:
		t.Error("a refresh did not wait")
	case <-time.After(200 * time.Millisecond):
	}
	answers <- struct{}{}
	wg.Wait()
	if w.provider.Rechecked() != 2 {
		t.Errorf("asked %d times", w.provider.Rechecked())
	}
}

// A client that hangs up while the provider is asked loses nothing but its answer.
func TestAnAnswerIsKeptThoughTheClientHasLeft(t *testing.T) {
	w := newRecheckWorld(t, recheckOptions)
	held := w.signIn("alice")
	w.host.Clock.Advance(recheckAfter)
	ctx, leave := context.WithCancel(t.Context())
	w.provider.InterceptRecheck(func(do func() (policies.Standing, error)) (policies.Standing, error) {
		leave()
		return do()
	})
	form := renewal(held.client, held.refresh)
	r := w.request(http.MethodPost, "/oauth/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	w.do(&http.Client{Transport: w.gateway}, r.WithContext(ctx))
	w.provider.InterceptRecheck(nil)
	held = w.goOn("again", held, 1)
	w.host.Clock.Advance(recheckAfter)
	w.goOn("with the handle of that answer", held, 2)
}

// onStanding stands around the n-th commit of a standing.
func (w *world) onStanding(n int, around func(do func() error) error) {
	var mu sync.Mutex
	w.host.Store.Intercept(func(op string, keys []string, do func() error) error {
		if op == "commit" && strings.HasPrefix(keys[0], "standing/") {
			mu.Lock()
			n--
			now := n == 0
			mu.Unlock()
			if now {
				return around(do)
			}
		}
		return do()
	})
}

// A fault of the store while the answer is kept is tried again, whether or not it was durable.
func TestAnAnswerIsKeptThroughAFaultOfTheStore(t *testing.T) {
	for name, around := range map[string]func(do func() error) error{
		"not written":          func(func() error) error { return errors.New("fault") },
		"written, not told so": func(do func() error) error { return errors.Join(do(), errors.New("fault")) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newRecheckWorld(t, recheckOptions)
			held := w.signIn("alice")
			w.host.Clock.Advance(recheckAfter)
			w.onStanding(2, around)
			held = w.goOn("the first answer", held, 1)
			w.host.Store.Intercept(nil)
			w.host.Clock.Advance(recheckAfter)
			w.goOn("the second", held, 2)
		})
	}
}

// A process that ends between asking and keeping the answer takes the new handle with it. A provider that replaces
// handles finds the old one again after a while, and ends all: the person has to sign in anew.
func TestACrashWhileAskingCostsASignIn(t *testing.T) {
	w := newRecheckWorld(t, recheckOptions)
	held := w.signIn("alice")
	w.host.Clock.Advance(recheckAfter)
	w.provider.InterceptRecheck(func(do func() (policies.Standing, error)) (policies.Standing, error) {
		w.host.Store.Intercept(func(string, []string, func() error) error { return errors.New("the process was killed") })
		return do()
	})
	w.wantError("killed", w.refresh(held), http.StatusServiceUnavailable, "temporarily_unavailable")
	w.host.Store.Intercept(nil)
	w.provider.InterceptRecheck(nil)
	held = w.goOn("while it looks as if somebody asks", held, 1)
	w.host.Clock.Advance(time.Minute)
	w.wantError("asked with the old handle", w.refresh(held), http.StatusBadRequest, "invalid_grant")
	w.wantCall("access token", "/mcp/demo", held.access, http.StatusUnauthorized)
	w.tokensOf(held.client, w.post("/oauth/token", redemption(held.client, w.code(held.client, "alice"))))
}

// What was begun when a person was found gone is gone through with by whoever comes next; and meanwhile nothing new
// comes of the login.
func TestEndingALoginIsGoneThroughWith(t *testing.T) {
	w := newRecheckWorld(t, recheckOptions)
	first := w.signIn("alice")
	second := w.another()
	pending := w.client()
	w.host.Clock.Advance(recheckAfter - time.Second)
	page := w.authorize(ask(first.client))
	code := w.codeFromSession(pending)
	w.host.Clock.Advance(time.Second)
	w.provider.Dismiss("alice")
	w.host.Store.Intercept(func(op string, keys []string, do func() error) error {
		if op == "take" && strings.HasPrefix(keys[0], "session/") {
			return errors.New("fault")
		}
		return do()
	})
	w.wantError("fault", w.refresh(first), http.StatusServiceUnavailable, "temporarily_unavailable")
	w.host.Store.Intercept(nil)
	if at := w.consent(page, "allow").location(t); at.Host != "idp.example" {
		t.Errorf("the session of somebody who is gone leads to %s", at)
	}
	w.wantError("code", w.post("/oauth/token", redemption(pending, code)), http.StatusBadRequest, "invalid_grant")
	w.wantError("another grant's refresh", w.refresh(second), http.StatusBadRequest, "invalid_grant")
	for _, held := range []tokens{first, second} {
		w.wantCall("access token", "/mcp/demo", held.access, http.StatusUnauthorized)
	}
	if w.provider.Rechecked() != 1 || len(w.host.Audit.Named("person.gone")) != 1 {
		t.Errorf("asked %d times, audit %v", w.provider.Rechecked(), w.host.Audit.Named("person.gone"))
	}
}

func TestAGrantTakenBackWhileAskingStaysSo(t *testing.T) {
	w := newRecheckWorld(t, recheckOptions)
	held := w.signIn("alice")
	w.host.Clock.Advance(recheckAfter)
	w.provider.InterceptRecheck(func(do func() (policies.Standing, error)) (policies.Standing, error) {
		for _, record := range w.host.Store.Records() {
			if strings.HasPrefix(record.Key, "grant/") {
				if _, err := w.host.Store.Take(context.Background(), record.Key); err != nil {
					t.Error(err)
				}
			}
		}
		return do()
	})
	w.wantError("refresh", w.refresh(held), http.StatusBadRequest, "invalid_grant")
	w.wantCall("access token", "/mcp/demo", held.access, http.StatusUnauthorized)
}
