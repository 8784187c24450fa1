package oauth_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"durward/policies"
	"durward/policies/policytest"
)

// recheckOptions have the provider asked again after ten minutes.
const recheckOptions = `{"clientId":"c","clientSecret":"canary-secret","gateway":{"recheckSeconds":600}}`

const (
	recheckAfter = 10 * time.Minute
	unchecked    = 24 * time.Hour
)

// newRecheckWorld is a world whose provider can be asked again.
func newRecheckWorld(t *testing.T, options string, routes ...string) *world {
	t.Helper()
	w := newWorldWith(t, options, routes...)
	w.provider.Remember()
	return w
}

// another has the person of the browser's session allow a new client, without signing in.
func (w *world) another() tokens {
	w.Helper()
	client := w.client()
	return w.tokensOf(client, w.post("/oauth/token", redemption(client, w.codeFromSession(client))))
}

// codeFromSession has the person of the browser's session allow a client, and answers its code.
func (w *world) codeFromSession(client string) string {
	w.Helper()
	return w.consent(w.authorize(ask(client)), "allow").location(w.T).Query().Get("code")
}

// goOn refreshes, which must succeed, and checks how often the provider has been asked by then.
func (w *world) goOn(what string, held tokens, asked int) tokens {
	w.Helper()
	next := w.tokensOf(held.client, w.refresh(held))
	if got := w.provider.Rechecked(); got != asked {
		w.Errorf("%s: the provider was asked %d times, want %d", what, got, asked)
	}
	return next
}

// unreachable has the provider answer nobody, as one that is down.
func (w *world) unreachable() { w.failing(policies.LoginUnreachable, "token_endpoint_failed", nil) }

func (w *world) failing(fault policies.LoginFault, code string, cause error) {
	w.provider.InterceptRecheck(func(func() (policies.Standing, error)) (policies.Standing, error) {
		return policies.Standing{}, &policies.LoginError{Fault: fault, Code: code, Err: cause}
	})
}

func TestS33_TheProviderIsAskedWhenItIsDue(t *testing.T) {
	w := newRecheckWorld(t, recheckOptions)
	held := w.signIn("alice")
	held = w.goOn("at once", held, 0)
	w.host.Clock.Advance(recheckAfter - time.Second)
	held = w.goOn("a second before", held, 0)
	w.host.Clock.Advance(time.Second)
	for asked := 1; asked <= 5; asked++ { // each time with what the last answer brought: the provider takes no other
		held = w.goOn("due", held, asked)
		held = w.goOn("due no more", held, asked)
		w.host.Clock.Advance(recheckAfter)
	}
	if events := w.host.Audit.Named("person.gone"); len(events) != 0 {
		t.Errorf("audit: %v", events)
	}
}

func TestS33_WhoIsGoneThereIsGoneHere(t *testing.T) {
	w := newRecheckWorld(t, recheckOptions)
	elsewhere := w.signIn("alice") // in a browser of its own: another login
	bob := w.signIn("bob")
	first := w.signIn("alice")
	second := w.another()
	pending := w.client()
	w.host.Clock.Advance(recheckAfter - time.Second)
	code := w.codeFromSession(pending)
	w.host.Clock.Advance(time.Second)
	w.provider.Dismiss("alice")
	w.wantCall("before the refresh", "/mcp/demo", first.access, http.StatusOK)

	w.wantError("refresh", w.refresh(first), http.StatusBadRequest, "invalid_grant")
	for _, held := range []tokens{first, second} {
		w.wantCall("access token", "/mcp/demo", held.access, http.StatusUnauthorized)
		w.wantError("refresh token", w.refresh(held), http.StatusBadRequest, "invalid_grant")
	}
	w.wantError("code", w.post("/oauth/token", redemption(pending, code)), http.StatusBadRequest, "invalid_grant")
	if at := w.consent(w.authorize(ask(first.client)), "allow").location(t); at.Host != "idp.example" {
		t.Errorf("the browser is still signed in: it goes to %s", at)
	}
	if w.provider.Rechecked() != 1 {
		t.Errorf("the provider was asked %d times", w.provider.Rechecked())
	}
	gone := w.host.Audit.Named("person.gone")
	if len(gone) != 1 || gone[0].Subject != "alice" || gone[0].Reason != "invalid_grant" || gone[0].Outcome != "refused" {
		t.Errorf("audit: %v", gone)
	}
	var ended []string
	for _, name := range []string{"grant.revoked", "session.ended"} {
		for _, event := range w.host.Audit.Named(name) {
			ended = append(ended, name+" "+event.Subject+" "+event.Reason)
		}
	}
	if want := []string{
		"grant.revoked alice person_gone", "grant.revoked alice person_gone", "grant.revoked alice person_gone",
		"session.ended alice person_gone",
	}; !slices.Equal(ended, want) {
		t.Errorf("ended %q", ended)
	}
	if purged := w.host.Store.Purged(); len(purged) != 3 {
		t.Errorf("purged %v", purged)
	}
	w.wantCall("another login's token", "/mcp/demo", elsewhere.access, http.StatusOK)
	w.wantError("another login's refresh", w.refresh(elsewhere), http.StatusBadRequest, "invalid_grant")
	w.tokensOf(bob.client, w.refresh(bob))
}

// Nothing that the provider can be asked with is seen anywhere but in the store.
func TestTheHandleIsKeptToItself(t *testing.T) {
	w := newRecheckWorld(t, recheckOptions)
	held := w.signIn("alice")
	w.host.Clock.Advance(recheckAfter)
	w.unreachable()
	held = w.goOn("down", held, 1)
	w.provider.InterceptRecheck(nil)
	w.host.Clock.Advance(recheckAfter)
	held = w.goOn("up", held, 2)
	w.host.Clock.Advance(recheckAfter)
	w.provider.Dismiss("alice")
	refused := w.refresh(held)
	events, err := json.Marshal(w.host.Audit.Events())
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"log": w.host.Log.String(), "audit": string(events), "answer": refused.body} {
		if strings.Contains(text, "handle-") {
			t.Errorf("the %s holds a handle: %s", what, text)
		}
	}
	for _, record := range w.host.Store.Records() {
		if strings.HasPrefix(record.Key, "standing/") && strings.Contains(string(record.Value), `"handle"`) {
			t.Error("the handle of somebody who is gone is kept")
		}
	}
}

func TestAnUnreachableProviderIsForgivenForADay(t *testing.T) {
	tests := map[string]struct {
		fault policies.LoginFault
		cause error
		after string // what a refresh is told when the day is over
	}{
		"unreachable":        {policies.LoginUnreachable, nil, "temporarily_unavailable"},
		"misconfigured":      {policies.LoginMisconfigured, nil, "temporarily_unavailable"},
		"not understood":     {policies.LoginInvalid, nil, "invalid_grant"},
		"a handle of no use": {policies.LoginMisconfigured, policies.ErrHandle, "invalid_grant"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newRecheckWorld(t, recheckOptions)
			held := w.signIn("alice")
			w.host.Clock.Advance(recheckAfter)
			w.failing(test.fault, "a_code", test.cause)
			held = w.goOn("due", held, 1)
			w.host.Clock.Advance(time.Minute - time.Second)
			held = w.goOn("within a minute", held, 1)
			w.host.Clock.Advance(time.Second)
			held = w.goOn("after a minute", held, 2)
			w.host.Clock.Advance(unchecked - time.Minute - time.Second)
			held = w.goOn("a second before the day is over", held, 3)
			w.host.Clock.Advance(time.Second)
			status := http.StatusServiceUnavailable
			if test.after == "invalid_grant" {
				status = http.StatusBadRequest
			}
			refused := w.refresh(held)
			w.wantError("the day is over", refused, status, test.after)
			if got := refused.Header.Get("Retry-After"); status == http.StatusServiceUnavailable && got != "59" {
				t.Errorf("Retry-After %q", got)
			}
			if w.provider.Rechecked() != 3 {
				t.Error("the provider was asked within its pause")
			}
			w.host.Clock.Advance(time.Minute)
			w.wantError("asked once more", w.refresh(held), status, test.after)
			if w.provider.Rechecked() != 4 {
				t.Error("the provider was not asked again")
			}
			w.host.Clock.Advance(time.Minute)
			w.provider.InterceptRecheck(nil)
			held = w.goOn("it answers", held, 5)
			w.goOn("and that is that", held, 5)
			if failed := w.host.Audit.Named("recheck.failed"); len(failed) != 4 || failed[0].Reason != "a_code" ||
				failed[0].Subject != "alice" {
				t.Errorf("audit: %v", failed)
			}
			if !strings.Contains(w.host.Log.String(), "re-check failed") || len(w.host.Audit.Named("grant.revoked")) != 0 {
				t.Errorf("log: %s", w.host.Log)
			}
		})
	}
}

// A provider that says when to come back is left alone until then.
func TestTheProvidersRetryAfterIsHeeded(t *testing.T) {
	w := newRecheckWorld(t, recheckOptions)
	held := w.signIn("alice")
	w.host.Clock.Advance(recheckAfter)
	w.provider.InterceptRecheck(func(func() (policies.Standing, error)) (policies.Standing, error) {
		return policies.Standing{}, &policies.LoginError{
			Fault: policies.LoginUnreachable, Code: "rate_limited", RetryAfter: 5 * time.Minute,
		}
	})
	held = w.goOn("due", held, 1)
	w.host.Clock.Advance(5*time.Minute - time.Second)
	held = w.goOn("within its pause", held, 1)
	w.host.Clock.Advance(time.Second)
	w.goOn("after it", held, 2)
}

// described has the provider describe alice anew when it is asked.
func (w *world) described(change func(*policies.Identity)) {
	identity := policies.Identity{
		Issuer: policytest.ProviderIssuer, Subject: "alice", Email: "alice@example.com", EmailVerified: true, Name: "Alice",
		Claims: json.RawMessage(`{"role":"engineer"}`),
	}
	change(&identity)
	w.provider.InterceptRecheck(func(do func() (policies.Standing, error)) (policies.Standing, error) {
		standing, err := do()
		standing.Identity = &identity
		return standing, err
	})
}

// Who the person is now counts for every grant of the login, and for its session.
func TestAPersonAsTheyAreNow(t *testing.T) {
	const rules = `{"clientId":"c","gateway":{"recheckSeconds":600},"access":{"emailDomains":["example.com"]}}`
	w := newRecheckWorld(t, rules)
	first := w.signIn("alice")
	second := w.another()
	w.host.Clock.Advance(recheckAfter)
	w.described(func(i *policies.Identity) { i.Name, i.Email = "Alice Liddell", "liddell@example.com" })
	first = w.goOn("the first", first, 1)
	second = w.goOn("the second", second, 1)
	for _, held := range []tokens{first, second} {
		if got := w.call("/mcp/demo", held.access).body; !strings.Contains(got, "liddell@example.com") ||
			!strings.Contains(got, "Alice Liddell") {
			t.Errorf("the upstream is told %s", got)
		}
	}
	if page := w.authorize(ask(first.client)); !strings.Contains(page.body, "liddell@example.com") {
		t.Error("the session names the person as they were")
	}
	purged := len(w.host.Store.Purged())
	w.host.Clock.Advance(recheckAfter)
	first = w.goOn("nothing new", first, 2)
	if got := len(w.host.Store.Purged()); got != purged {
		t.Error("a person who is the same changes decisions")
	}

	w.host.Clock.Advance(recheckAfter)
	w.described(func(i *policies.Identity) { i.Email = "alice@elsewhere.example" })
	w.wantError("of another domain", w.refresh(first), http.StatusBadRequest, "invalid_grant")
	w.wantCall("its access token", "/mcp/demo", first.access, http.StatusUnauthorized)
	w.wantError("the login's other grant", w.refresh(second), http.StatusBadRequest, "invalid_grant")
	if at := w.consent(w.authorize(ask(first.client)), "allow").location(t); at.Host != "idp.example" {
		t.Errorf("the session leads to %s", at)
	}
	refused := w.host.Audit.Named("access.refused")
	if len(refused) != 2 || refused[0].Reason != "email_not_allowed" || len(w.host.Audit.Named("grant.revoked")) != 0 {
		t.Errorf("audit: %v", refused)
	}
}

// An answer about somebody else is no answer, and yet what it brought to ask with is kept.
func TestAnAnswerAboutSomebodyElse(t *testing.T) {
	w := newRecheckWorld(t, recheckOptions)
	held := w.signIn("alice")
	w.host.Clock.Advance(recheckAfter)
	w.described(func(i *policies.Identity) { i.Subject = "bob" })
	held = w.goOn("about bob", held, 1)
	if failed := w.host.Audit.Named("recheck.failed"); len(failed) != 1 || failed[0].Reason != "foreign_identity" {
		t.Errorf("audit: %v", failed)
	}
	w.provider.InterceptRecheck(nil)
	w.host.Clock.Advance(time.Minute)
	w.goOn("with the handle that came with it", held, 2)
}

func TestWhoIsNotAskedAbout(t *testing.T) {
	tests := map[string]struct {
		options  string
		remember bool
	}{
		"the provider gives nothing to ask with": {recheckOptions, false},
		"the operator does not want it":          {`{"clientId":"c","gateway":{"recheckSeconds":0}}`, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorldWith(t, test.options)
			if test.remember {
				w.provider.Remember()
			}
			held := w.signIn("alice")
			for _, record := range w.host.Store.Records() {
				if strings.HasPrefix(record.Key, "standing/") {
					t.Errorf("a standing is kept: %s", record.Value)
				}
			}
			w.options(recheckOptions) // what was signed in before stays as it was
			w.provider.Dismiss("alice")
			for range 3 {
				w.host.Clock.Advance(unchecked)
				held = w.goOn("later", held, 0)
			}
		})
	}
}

// The operator may change how often the provider is asked, and stop it.
func TestTheIntervalIsOfNow(t *testing.T) {
	w := newRecheckWorld(t, recheckOptions)
	held := w.signIn("alice")
	w.host.Clock.Advance(recheckAfter)
	w.options(`{"clientId":"c","gateway":{"recheckSeconds":7200}}`)
	held = w.goOn("longer", held, 0)
	w.options(`{"clientId":"c","gateway":{"recheckSeconds":60}}`)
	held = w.goOn("shorter", held, 1)
	w.options(`{"clientId":"c","gateway":{"recheckSeconds":0}}`)
	for range 10 { // a standing lives for as long as its grants are used
		w.host.Clock.Advance(29 * 24 * time.Hour)
		held = w.goOn("not at all", held, 1)
	}
	w.options(recheckOptions)
	w.goOn("again", held, 2)
}

// A replay is one whatever the provider says, and it is not asked about it; a repeat within the grace is like any use.
func TestReplaysAndRepeats(t *testing.T) {
	w := newRecheckWorld(t, recheckOptions)
	first := w.signIn("alice")
	w.host.Clock.Advance(recheckAfter - 30*time.Second)
	second := w.goOn("not due", first, 0)
	w.host.Clock.Advance(30 * time.Second)
	if again := w.goOn("a repeat", first, 1); again.refresh != second.refresh {
		t.Error("another successor")
	}
	w.host.Clock.Advance(recheckAfter)
	w.wantError("a replay", w.refresh(first), http.StatusBadRequest, "invalid_grant")
	if w.provider.Rechecked() != 1 {
		t.Error("the provider was asked about a replay")
	}
	if events := w.host.Audit.Named("grant.revoked"); len(events) != 1 || events[0].Reason != "token_replayed" {
		t.Errorf("audit: %v", events)
	}

	w.provider.Dismiss("bob")
	first = w.signIn("bob")
	w.host.Clock.Advance(recheckAfter - 30*time.Second)
	w.goOn("not due", first, 1)
	w.host.Clock.Advance(30 * time.Second)
	w.wantError("a repeat of somebody gone", w.refresh(first), http.StatusBadRequest, "invalid_grant")
	if len(w.host.Audit.Named("person.gone")) != 1 {
		t.Error("bob is still there")
	}
}
