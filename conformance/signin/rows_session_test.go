package signin

import (
	"net/http"
	"strings"
	"testing"
)

func sessionRows() []row {
	return []row{
		{
			id:    "C5",
			holds: "who somebody is, is issuer and subject: an equal email makes nobody the same, another one nobody else",
			play:  identity,
			breaks: []edit{{
				"policies/oauth/internal/access/person.go", `func (p Person) Key() string { return secret.Digest(p.Issuer + "\x00" + p.Subject) }`,
				`func (p Person) Key() string { return secret.Digest(p.Issuer + "\x00" + p.Email) }`,
			}},
		},
		{
			id: "C6", holds: "each login makes a session of its own, and ends the one that the browser had",
			play: sessionRotates,
			breaks: []edit{{signedInFile, `	former, err := s.endSession(r)
	if err != nil {
		return err
	}
	if former.Subject != "" {
		s.recordEnded(ctx, former, "new_login")
	}
`, ``}},
		},
		{
			id:    "C6: signing out",
			holds: "only a form of our own page signs somebody out, and then the session is over, wherever it was copied to",
			play:  signOut,
			breaks: []edit{{
				grantsFile, `if !hmac.Equal([]byte(form.get("csrf")), []byte(formToken(session.cookie))) {`, `if false {`,
			}},
		},
		{
			id:     "S27",
			holds:  "over https every cookie is a __Host- cookie: Secure, HttpOnly, SameSite=Lax, Path=/ and of no domain",
			play:   cookiesOverTLS,
			breaks: []edit{{"policies/policy.go", `if len(origin) >= 8 && origin[:8] == "https://" {`, `if origin == "" {`}},
		},
		{
			id:    "S27: loopback",
			holds: "over plain http, on a loopback address alone, the cookies have names of their own and no Secure",
			in:    loopback, play: cookiesOnLoopback,
			breaks: []edit{{
				browserFile, `func secureCookies(origin string) bool { return len(origin) > 8 && origin[:8] == "https://" }`,
				`func secureCookies(string) bool { return true }`,
			}},
		},
	}
}

func identity(t *testing.T, w *world) {
	mine, theirs := w.register(t, "Mine"), w.register(t, "Theirs")
	one, other := w.browser(t), w.browser(t)
	renamed := someone{"user_one", "new@example.com", "One"}
	held := one.tokensOf(t, mine, someone{"user_one", "shared@example.com", "One"})
	other.tokensOf(t, theirs, someone{"user_other", "shared@example.com", "Other"})
	if page := other.get("/oauth/grants").text(); strings.Contains(page, "Mine") || !strings.Contains(page, "Theirs") {
		t.Errorf("who has the same email sees %s", page)
	}
	// The same person with another email finds, and takes back, what was allowed before.
	later := w.browser(t)
	later.signedIn(t, theirs, renamed)
	page := later.get("/oauth/grants")
	if !strings.Contains(page.text(), "Mine") {
		t.Errorf("the same person under another email sees %s", page.text())
	}
	later.press(page, "revoke-all")
	w.wantCall(t, "after the same person took it back", held.Access, http.StatusUnauthorized)
}

func sessionRotates(t *testing.T, w *world) {
	a := w.register(t, "Sessions")
	b := w.browser(t)
	b.signedIn(t, a, ada())
	first := b.cookie("-session")
	again := func() {
		t.Helper()
		back, _ := w.provider.signIn(t, b.sentToProvider(b.press(b.asked(a), "switch")), ada())
		b.answered(a, b.get(back.String()))
	}
	again()
	second := b.cookie("-session")
	if first == "" || second == "" || first == second {
		t.Errorf("sessions %q and %q", first, second)
	}
	// A session that somebody planted, or kept, is nobody's any more.
	stale := w.browser(t)
	stale.plant("__Host-dw-clerk-session", first)
	if page := stale.asked(a); strings.Contains(page.text(), ada().email) {
		t.Error("the session before the login is still good")
	}
	stale.plant("__Host-dw-clerk-session", second)
	if page := stale.asked(a); !strings.Contains(page.text(), ada().email) {
		t.Error("the session of the login is not good")
	}
	// An attacker's session in the victim's browser is replaced, and does not become the victim's.
	attacker := w.browser(t)
	attacker.signedIn(t, a, grace())
	planted := attacker.cookie("-session")
	b = w.browser(t)
	b.plant("__Host-dw-clerk-session", planted)
	again()
	if b.cookie("-session") == planted {
		t.Error("the victim's login goes under the attacker's session")
	}
	if page := attacker.asked(a); strings.Contains(page.text(), ada().email) {
		t.Error("the attacker's session is the victim's")
	}
}

func signOut(t *testing.T, w *world) {
	a := w.register(t, "Out")
	b, attacker := w.browser(t), w.browser(t)
	b.signedIn(t, a, ada())
	attacker.signedIn(t, a, grace())
	page := b.get("/oauth/grants")
	f := page.form(t, "sign-out")
	f.fields.Set("answer", "sign-out")
	foreign := attacker.get("/oauth/grants").form(t, "sign-out").fields.Get("csrf")
	for name, got := range map[string]*answer{
		"without a token":        b.press(page, "sign-out", "csrf", ""),
		"with a foreign token":   b.press(page, "sign-out", "csrf", foreign),
		"from another site":      b.post(f.action, f.fields, "Sec-Fetch-Site", "cross-site"),
		"from a foreign origin":  b.post(f.action, f.fields, "Origin", "https://evil.example"),
		"by a link":              b.get("/oauth/grants?answer=sign-out&csrf=" + f.fields.Get("csrf")),
		"by a link to its end":   b.get("/oauth/signed-out"),
		"without a session":      w.browser(t).post(f.action, f.fields),
		"in somebody's else's":   attacker.post(f.action, f.fields),
		"with no answer at all":  b.press(page, "sign-out", "answer", ""),
		"with an unknown answer": b.press(page, "sign-out", "answer", "everything"),
	} {
		if to := got.to(); to != nil && to.Path == "/oauth/signed-out" {
			t.Errorf("%s: signed out", name)
		}
	}
	for who, from := range map[string]*browser{ada().email: b, grace().email: attacker} {
		if page := from.asked(a); !strings.Contains(page.text(), who) {
			t.Fatalf("%s is no longer signed in", who)
		}
	}
	kept := b.cookie("-session")
	got := b.press(page, "sign-out")
	if got.status != http.StatusSeeOther || got.to().String() != w.origin+"/oauth/signed-out" || b.cookie("-session") != "" {
		t.Errorf("signing out: %d %s", got.status, got.header.Get("Location"))
	}
	b.plant("__Host-dw-clerk-session", kept)
	if page := b.asked(a); strings.Contains(page.text(), ada().email) {
		t.Error("a copy of the session outlives signing out")
	}
}

// cookiesSeen does all that sets a cookie, and answers every Set-Cookie line by the cookie's kind.
func cookiesSeen(t *testing.T, w *world, prefix string) map[string][]*http.Cookie {
	t.Helper()
	a := w.register(t, "Cookies")
	b := w.browser(t)
	kinds := map[string][]*http.Cookie{}
	see := func(got *answer) *answer {
		t.Helper()
		for _, c := range (&http.Response{Header: got.header}).Cookies() {
			kind, ok := strings.CutPrefix(c.Name, prefix)
			if !ok {
				t.Errorf("a cookie is named %s", c.Name)
			}
			kind, _, _ = strings.Cut(kind, "-")
			kinds[kind] = append(kinds[kind], c)
		}
		return got
	}
	page := see(b.get(a.ask()))
	at := b.sentToProvider(see(b.press(page, "allow")))
	back, _ := w.provider.signIn(t, at, ada())
	b.answered(a, see(b.get(back.String())))
	page = see(b.get("/oauth/grants"))
	see(b.press(page, "sign-out"))
	at = b.sentToProvider(see(b.press(see(b.get("/oauth/grants")), "sign-in")))
	back, _ = w.provider.signIn(t, at, ada())
	see(b.get(back.String()))
	for kind, least := range map[string]int{"consent": 1, "login": 2, "session": 2} { // the latter two are taken away too
		if len(kinds[kind]) < least {
			t.Errorf("%d cookies of the kind %s", len(kinds[kind]), kind)
		}
	}
	return kinds
}

func wantCookies(t *testing.T, kinds map[string][]*http.Cookie, secure bool) {
	t.Helper()
	for kind, all := range kinds {
		for _, c := range all {
			if c.Secure != secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" ||
				c.MaxAge == 0 {
				t.Errorf("%s: %s", kind, c.Raw)
			}
		}
	}
}

func cookiesOverTLS(t *testing.T, w *world) {
	wantCookies(t, cookiesSeen(t, w, "__Host-dw-clerk-"), true)
}

func cookiesOnLoopback(t *testing.T, w *world) {
	wantCookies(t, cookiesSeen(t, w, "dw-clerk-"), false)
}
