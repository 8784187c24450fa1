package signin

import (
	"net/http"
	"strings"
	"testing"
)

const (
	consentFile  = "policies/oauth/consent.go"
	grantFile    = "policies/oauth/grant.go"
	signedInFile = "policies/oauth/login.go"
	browserFile  = "policies/oauth/browser.go"
)

// Where the edits of several rows begin.
const (
	asksConsent = `	return s.askConsent(w, r, question, nil)`
	bindsPage   = `	s.setCookie(w, policies.CallFrom(ctx).Origin, cookieConsent+handleOf(cookie), cookie, s.options.stateTTL)`
)

func consentRows() []row {
	return []row{
		{
			id:     "A42",
			holds:  "what a person allows one client says nothing of another client, nor of another person",
			play:   consentPerClient,
			breaks: []edit{{grantFile, `before.Client == asked.Client && before.ClientPrint`, `before.ClientPrint`}},
		},
		{
			id:     "A42: the person whom the page named",
			holds:  "an answer counts for the person whom the page named, and for nobody who has come since",
			play:   consentOfThePersonNamed,
			breaks: []edit{{consentFile, `case session.Data.Person.Key() != shown.Key():`, `case session.Data.Person.Key() == "":`}},
		},
		{
			id:    "A42: somebody else signs in",
			holds: "what the page asked of one person is asked anew of another who signs in instead",
			play:  consentOfWhoSignsIn,
			breaks: []edit{{
				signedInFile, `another := login.Named != nil && login.Named.Key() != who.Key()`, `another := false`,
			}},
		},
		{
			id: "S19", holds: "nothing goes to the provider before the person has approved, though a session exists",
			play: nothingBeforeApproval,
			breaks: []edit{{authorizeFile, asksConsent, `
	if who != nil {
		login := policies.Login{
			RedirectURI: origin + callbackPath, State: "x", Nonce: "x", Verifier: "x",
		}
		if location, err := s.provider.Begin(r.Context(), login); err == nil {
			redirectTo(w, location)
			return nil
		}
	}
` + asksConsent}},
		},
		{
			id: "S21", holds: "consent is never silent: not for what was allowed before, and whatever Sec-Fetch-Site says",
			play: neverSilent,
			breaks: []edit{{authorizeFile, asksConsent, `
	if who != nil && r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		var c change
		code := s.putCode(&c, policies.CallFrom(r.Context()).Time, asked, sessionRecord{Person: *who})
		if c.commit(r.Context(), s.store) == nil {
			redirectTo(w, s.codeAnswer(asked, code))
			return nil
		}
	}
` + asksConsent}},
		},
		{
			id: "S25", holds: "before the person approves there is neither a state nor a cookie for it",
			play: noStateBeforeApproval,
			breaks: []edit{{consentFile, bindsPage, bindsPage + `
	s.setCookie(w, record.Asked.Issuer, cookieLogin+handleOf(cookie), secret.LoginCookie.Mint(), s.options.stateTTL)
`}},
		},
		{
			id:     "S26",
			holds:  "what was allowed at one redirect URI was not at another; the port of a loopback address makes no other",
			play:   consentPerRedirect,
			breaks: []edit{{grantFile, `redirecturi.Match([]string{before.Redirect}, asked.Redirect) {`, `redirecturi.Match([]string{before.Redirect}, before.Redirect) {`}},
		},
	}
}

// remembers says whether a consent page tells when the same was allowed before: the only time on it.
func remembers(page *answer) bool { return strings.Contains(page.body, "<time ") }

func consentPerClient(t *testing.T, w *world) {
	one, other := w.register(t, "The One"), w.register(t, "The Other")
	b := w.browser(t)
	b.tokensOf(t, one, ada())
	if page := b.asked(one); !remembers(page) {
		t.Fatalf("the page does not say that Ada has allowed this before: %s", page.text())
	}
	page := b.asked(other)
	if remembers(page) || !strings.Contains(page.text(), "The Other") {
		t.Errorf("what Ada allowed one client is said of another: %s", page.text())
	}
	// The code that comes of the other's page is the other's.
	code := b.answered(other, b.press(page, "allow")).Get("code")
	if got := one.redeem(t, code); got.Error != "invalid_grant" {
		t.Errorf("one client redeems the code of another: %s", got.text)
	}
	// Grace, in the same browser and in one of her own, has allowed nobody anything.
	back, _ := w.provider.signIn(t, b.sentToProvider(b.press(b.asked(other), "switch")), grace())
	b.answered(other, b.get(back.String()))
	if page := b.asked(one); remembers(page) {
		t.Errorf("what Ada allowed is said to Grace: %s", page.text())
	}
}

func consentOfThePersonNamed(t *testing.T, w *world) {
	a := w.register(t, "Named")
	b := w.browser(t)
	b.signedIn(t, a, ada())
	shownToAda := b.asked(a)
	back, _ := w.provider.signIn(t, b.sentToProvider(b.press(b.asked(a), "switch")), grace())
	b.answered(a, b.get(back.String()))
	// Ada's page is still open in another tab.
	got := b.press(shownToAda, "allow")
	if got.query().Has("code") {
		t.Fatalf("Ada's page lets the client act for Grace: %s", got.header.Get("Location"))
	}
	wantPage(t, "Ada's page, answered as Grace", got, http.StatusOK)
	for _, who := range []string{ada().email, grace().email} {
		if !strings.Contains(got.text(), who) {
			t.Errorf("the page does not name %s: %s", who, got.text())
		}
	}
	b.answered(a, b.press(got, "allow"))

	// A page that named nobody does not go by a session that has come up since.
	b = w.browser(t)
	shownToNobody := b.asked(a)
	b.signedIn(t, a, ada())
	if got := b.press(shownToNobody, "allow"); got.query().Has("code") {
		t.Errorf("a page that named nobody lets the client act for Ada: %s", got.header.Get("Location"))
	}
}

func consentOfWhoSignsIn(t *testing.T, w *world) {
	a := w.register(t, "Somebody else")
	b := w.browser(t)
	b.signedIn(t, a, ada())
	shownToAda := b.asked(a)
	b.press(b.get(grantsPath), "sign-out") // in another tab
	back, _ := w.provider.signIn(t, b.sentToProvider(b.press(shownToAda, "allow")), grace())
	got := b.get(back.String())
	if got.query().Has("code") {
		t.Fatalf("what Ada was asked lets the client act for Grace: %s", got.header.Get("Location"))
	}
	wantPage(t, "Grace, in place of Ada", got, http.StatusOK)
	for _, who := range []string{ada().email, grace().email} {
		if !strings.Contains(got.text(), who) {
			t.Errorf("the page does not name %s: %s", who, got.text())
		}
	}
	b.answered(a, b.press(got, "allow"))
}

func nothingBeforeApproval(t *testing.T, w *world) {
	known, stranger := w.register(t, "Known"), w.register(t, "Stranger", "https://stranger.example/cb")
	b := w.browser(t)
	b.signedIn(t, known, ada())
	for name, from := range map[string]*browser{"signed in": b, "not signed in": w.browser(t)} {
		for _, params := range [][]string{nil, {"prompt", "login"}, {"prompt", "select_account"}, {"prompt", "consent"}} {
			got := from.get(stranger.ask(params...))
			wantPage(t, name, got, http.StatusOK)
			if got.header.Get("Refresh") != "" || !strings.Contains(got.text(), "Stranger") {
				t.Errorf("%s: the page does not ask: %s", name, got.text())
			}
		}
	}
	from := w.browser(t)
	got := from.press(from.asked(stranger), "deny")
	if to := got.to(); to == nil || to.Host != "stranger.example" {
		t.Errorf("who does not approve is sent to %v", to)
	}
}

func neverSilent(t *testing.T, w *world) {
	a := w.register(t, "Remembered")
	b := w.browser(t)
	b.tokensOf(t, a, ada())
	for _, site := range []string{"same-origin", "same-site", "none", "cross-site", ""} {
		wantPage(t, "Sec-Fetch-Site "+site, b.get(a.ask(), "Sec-Fetch-Site", site), http.StatusOK)
		got := b.get(a.ask("prompt", "none"), "Sec-Fetch-Site", site)
		if got.query().Has("code") || got.query().Get("error") != "interaction_required" {
			t.Errorf("prompt=none from %q: %d %s", site, got.status, got.header.Get("Location"))
		}
	}
}

func noStateBeforeApproval(t *testing.T, w *world) {
	a := w.register(t, "Too early")
	b := w.browser(t)
	page := b.asked(a)
	for name := range b.cookies() {
		if !strings.HasPrefix(name, "__Host-dw-clerk-consent-") {
			t.Errorf("before approval the browser has the cookie %s", name)
		}
	}
	got := b.press(page, "allow")
	if set := got.set(); len(set) != 1 || !strings.HasPrefix(set[0].Name, "__Host-dw-clerk-login-") {
		t.Errorf("the answer that leads to the provider sets %v", set)
	}
	if state := b.sentToProvider(got).Query().Get("state"); state == "" || strings.Contains(page.body, state) {
		t.Errorf("the state %q was there before approval", state)
	}
	if set := w.browser(t).press(b.asked(a), "deny").set(); len(set) != 0 {
		t.Errorf("a refusal sets %v", set)
	}
}

func consentPerRedirect(t *testing.T, w *world) {
	const first, second = "https://app.example/cb", "https://other.example/cb"
	a := w.register(t, "Two places", first, second, "http://127.0.0.1:1000/cb")
	b := w.browser(t)
	b.tokensOf(t, a, ada())
	if !remembers(b.asked(a)) {
		t.Error("the page does not say that this was allowed before")
	}
	page := b.asked(a, "redirect_uri", second)
	if remembers(page) || !strings.Contains(page.text(), "other.example") {
		t.Errorf("what was allowed at one redirect URI is said of another: %s", page.text())
	}
	// On this machine the port differs each time, and nothing else does.
	native := *a
	native.redirect = "http://127.0.0.1:2000/cb"
	if remembers(b.asked(&native)) {
		t.Error("what was allowed elsewhere is said of this machine")
	}
	native.redeem(t, b.answered(&native, b.press(b.asked(&native), "allow")).Get("code"))
	native.redirect = "http://127.0.0.1:3000/cb"
	if !remembers(b.asked(&native)) {
		t.Error("the port of a loopback address makes another client of it")
	}
}
