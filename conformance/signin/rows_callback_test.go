package signin

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func callbackRows() []row {
	return []row{
		{
			id:    "A45",
			holds: "the state for the provider is random, fresh for each approval, compared exactly, good once, and soon over",
			play:  stateOfALogin,
			breaks: []edit{{
				callbackFile, "if login, err = take[loginRecord](ctx, s.store, loginKey(state)); errors.Is(err, policies.ErrNotFound) {",
				"if login, err = load[loginRecord](ctx, s.store, loginKey(state)); errors.Is(err, policies.ErrNotFound) {",
			}},
		},
		{
			id:     "A46",
			holds:  "it is the consenting browser's own cookie, and not just one of that name, that the callback goes by",
			play:   cookieOfALogin,
			breaks: []edit{{callbackFile, ` || !secret.Matches(browser, login.Data.Browser)`, ``}},
		},
		{
			id:    "A46: what was consented to",
			holds: "what was consented to is looked at again at the callback: if it is gone, there is no code",
			in:    alone, play: consentCheckedAgain,
			breaks: []edit{{
				callbackFile, `if err := s.stillAsShown(ctx, asked); err != nil {`, `if err := error(nil); err != nil {`,
			}},
		},
		{
			id:    "S20",
			holds: "a sign-in that one browser approved is not to be finished by another, which uses nothing up",
			play:  callbackElsewhere,
			breaks: []edit{
				{callbackFile, `if browser == "" || `, `if browser != "" && (`},
				{callbackFile, ` != s.issuer(ctx) {`, ` != s.issuer(ctx)) {`},
			},
		},
		{
			id:     "S24",
			holds:  "a callback with no state, two, an unknown or a used one is a page, and the provider is not asked",
			play:   statesThatAreNone,
			breaks: []edit{{callbackFile, `len(query["state"]) != 1 || `, ``}},
		},
		{
			id:    "S28",
			holds: "an attacker's code, brought to the callback of a victim's own sign-in, signs nobody in",
			play:  codeOfAnother,
			breaks: []edit{{
				claimsFile, `if subtle.ConstantTimeCompare([]byte(c.text("nonce")), []byte(nonce)) != 1 {`,
				`if subtle.ConstantTimeCompare([]byte(nonce), []byte(nonce)) != 1 {`,
			}},
		},
	}
}

func stateOfALogin(t *testing.T, w *world) {
	a := w.register(t, "States")
	b := w.browser(t)
	seen := map[string]bool{}
	var at *url.URL
	for range 4 {
		got := b.press(b.asked(a), "allow")
		at = b.sentToProvider(got)
		state := at.Query().Get("state")
		if len(state) < 43 || seen[state] { // 256 bits in base64url
			t.Errorf("the state %q", state)
		}
		seen[state] = true
		for _, c := range got.set() {
			if c.MaxAge <= 0 || c.MaxAge > 900 || strings.Contains(c.Value, state) {
				t.Errorf("the cookie %s lives %d s", c.Name, c.MaxAge)
			}
		}
	}
	back, v := w.provider.signIn(t, at, ada())
	state := at.Query().Get("state")
	for _, other := range []string{
		state[:len(state)-1], state + "A", strings.ToUpper(state), strings.ToLower(state), state + " ", "*",
	} {
		query := back.Query()
		query.Set("state", other)
		wantPage(t, "state "+other, b.get("/oauth/callback?"+query.Encode()), http.StatusBadRequest)
	}
	if n := w.provider.redeemed(v); n != 0 {
		t.Errorf("the provider was asked %d times for a state that is none", n)
	}
	kept := b.cookies()
	b.answered(a, b.get(back.String()))
	for name, value := range kept {
		if strings.Contains(name, "-login-") {
			b.plant(name, value) // as after the back button, and for who has kept it
		}
	}
	if got := b.get(back.String()); got.query().Has("code") {
		t.Errorf("a used state leads to %s", got.header.Get("Location"))
	}
	if n := w.provider.redeemed(v); n != 1 {
		t.Errorf("the provider was asked %d times for one sign-in", n)
	}
}

// loginCookieName is that of the login which the browser has begun last.
func loginCookieName(t *testing.T, b *browser) string {
	t.Helper()
	for name := range b.cookies() {
		if strings.Contains(name, "-login-") {
			return name
		}
	}
	t.Fatal("the browser has begun no login")
	return ""
}

func cookieOfALogin(t *testing.T, w *world) {
	a := w.register(t, "Bound")
	attacker, victim := w.browser(t), w.browser(t)
	back, v := w.provider.signIn(t, attacker.approved(a), ada())
	victim.approved(a) // a sign-in of the victim's own, whose cookie is as good as any
	for of, value := range map[string]string{
		"the victim's own": victim.cookies()[loginCookieName(t, victim)],
		"a made-up one":    "dwl_" + strings.Repeat("A", 48), "none": "",
	} {
		victim.plant(loginCookieName(t, attacker), value)
		wantPage(t, "the attacker's cookie name with "+of, victim.get(back.String()), http.StatusForbidden)
	}
	if n := w.provider.redeemed(v); n != 0 {
		t.Errorf("the provider was asked %d times", n)
	}
	attacker.answered(a, attacker.get(back.String()))
}

func consentCheckedAgain(t *testing.T, _ *world) {
	w := start(t, public, "")
	a := w.register(t, "Too late")
	b := w.browser(t)
	back, v := w.provider.signIn(t, b.approved(a), ada())
	w.Edit("routes.oas.json", `"/mcp/demo"`, `"/mcp/moved"`, "applied")
	got := b.get(back.String())
	if got.query().Has("code") {
		t.Errorf("a code for what is gone: %s", got.header.Get("Location"))
	}
	wantPage(t, "the callback for what is gone", got, http.StatusForbidden)
	if n := w.provider.redeemed(v); n != 0 {
		t.Errorf("the provider was asked %d times", n)
	}
}

func callbackElsewhere(t *testing.T, w *world) {
	a := w.register(t, "Shared link")
	attacker, victim := w.browser(t), w.browser(t)
	at := attacker.approved(a)
	// The victim follows the link to the provider, and signs in there.
	back, v := w.provider.signIn(t, at, ada())
	refused := func(what string) {
		t.Helper()
		got := victim.get(back.String())
		wantPage(t, what, got, http.StatusForbidden)
		for _, c := range got.set() {
			t.Errorf("%s: the victim's browser gets the cookie %s", what, c.Name)
		}
	}
	refused("a victim without any cookie")
	victim.approved(a)
	refused("a victim in the middle of a sign-in")
	victim.signedIn(t, a, grace())
	refused("a victim who is signed in")
	if n := w.provider.redeemed(v); n != 0 {
		t.Errorf("the provider was asked %d times about somebody else's sign-in", n)
	}
	// Nor is the attacker's sign-in a thing that a stranger's visit can end.
	own, _ := w.provider.signIn(t, at, grace())
	attacker.answered(a, attacker.get(own.String()))
}

func statesThatAreNone(t *testing.T, w *world) {
	a := w.register(t, "No state")
	b := w.browser(t)
	back, v := w.provider.signIn(t, b.approved(a), ada())
	code, state := back.Query().Get("code"), back.Query().Get("state")
	with := "code=" + code
	for what, query := range map[string]string{
		"no state": with, "an empty state": with + "&state=", "an unknown state": with + "&state=" + s256(state),
		"two states": with + "&state=" + state + "&state=" + state, "another state first": with + "&state=x&state=" + state,
		"the state first": with + "&state=" + state + "&state=x", "an error and no state": "error=access_denied", "nothing": "",
	} {
		wantPage(t, what, b.get("/oauth/callback?"+query), http.StatusBadRequest)
	}
	if n := w.provider.redeemed(v); n != 0 {
		t.Errorf("the provider was asked %d times", n)
	}
	b.answered(a, b.get(back.String()))
	if got := b.get(back.String()); got.query().Has("code") || got.status >= http.StatusInternalServerError {
		t.Errorf("a used state: %d %s", got.status, got.header.Get("Location"))
	}
	if n := w.provider.redeemed(v); n != 1 {
		t.Errorf("the provider was asked %d times for one sign-in", n)
	}
}

func codeOfAnother(t *testing.T, w *world) {
	a := w.register(t, "Login CSRF")
	// The provider that checks the code verifier refuses such a code itself; one that does not is where the nonce counts.
	for _, careless := range []bool{false, true} {
		attacker, victim := w.browser(t), w.browser(t)
		change := func(v *visit) { v.careless = careless }
		stolen, _ := w.provider.signIn(t, attacker.approved(a), grace(), change)
		own, _ := w.provider.signIn(t, victim.approved(a), ada(), change)
		query := own.Query()
		query.Set("code", stolen.Query().Get("code"))
		got := victim.get("/oauth/callback?" + query.Encode())
		wantPage(t, "the attacker's code with the victim's state", got, http.StatusBadRequest)
		if victim.cookie("-session") != "" {
			t.Error("the victim's browser is signed in as the attacker")
		}
		victim = w.browser(t)
		wantPage(t, "the attacker's whole answer", victim.get(stolen.String()), http.StatusForbidden)
		if victim.cookie("-session") != "" {
			t.Error("a stranger's browser is signed in as the attacker")
		}
	}
}
