package signin

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// bindsForm is where a form without its page's cookie ends.
const bindsForm = `	if cookie == "" {
		return question{}, forbidden(page.OtherPage, "this page`

func formRows() []row {
	return []row{
		{
			id:    "A44",
			holds: "a consent page's cookie is hidden from scripts, and its answer counts for that page's client and redirect alone",
			play:  boundToItsPage,
			breaks: []edit{{browserFile, `life/time.Second)),
		Secure:   secureCookies(origin),
		HttpOnly: true,`, `life/time.Second)),
		Secure:   secureCookies(origin),
		HttpOnly: false,`}},
		},
		{
			id: "S22: the token", holds: "a form without its page's own token does nothing",
			play:   tokenOfTheForm,
			breaks: []edit{{consentFile, `if !secret.Matches(form.get("csrf"), found.Data.CSRF) {`, `if false {`}},
		},
		{
			id: "S22: the cookie", holds: "a form from a browser that was not asked does nothing",
			play: cookieOfTheForm,
			breaks: []edit{{consentFile, bindsForm, `
	all, err := s.store.List(r.Context(), "consent/"+form.get("request"), "", 1)
	if cookie == "" && err == nil && len(all) == 1 {
		found, err := decode[consentRecord](all[0])
		if err == nil && secret.Matches(form.get("csrf"), found.Data.CSRF) {
			return question{held: found, cookie: "x"}, nil
		}
	}
` + bindsForm}},
		},
		{
			id: "S22: another site", holds: "a form that another site sends does nothing",
			play:   formFromAnotherSite,
			breaks: []edit{{consentFile, `if !sameOrigin(r) {`, `if false {`}},
		},
		{
			id: "S22: again", holds: "a page that was answered takes no other answer, and none from elsewhere",
			play:   answeredOnce,
			breaks: []edit{{consentFile, `if asked.Data.Answer != "" {`, `if asked.Data.Answer == "never" {`}},
		},
		{
			id: "S23", holds: "two tabs, or one page loaded twice, each come to their own end",
			play: twoTabs,
			breaks: []edit{{
				browserFile, `func handleOf(value string) string { return secret.Digest(value)[:16] }`,
				`func handleOf(string) string { return secret.Digest("")[:16] }`,
			}},
		},
		{
			id: "S23: a double click", holds: "a double click is one click: the same way on, and one sign-in of it",
			play: doubleClick,
			breaks: []edit{{
				consentFile, `if asked.Data.Answer != "" {`,
				`if given := asked.Data.Answer; given != "" && given != form.get("answer") {`,
			}},
		},
	}
}

// wantRefused wants that a form did nothing: a page, and no way on.
func wantRefused(t *testing.T, what string, got *answer) {
	t.Helper()
	wantPage(t, what, got, http.StatusForbidden)
	if len(got.set()) > 0 {
		t.Errorf("%s: it sets %v", what, got.set())
	}
}

func boundToItsPage(t *testing.T, w *world) {
	one := w.register(t, "One", "https://one.example/cb")
	other := w.register(t, "Other", "https://other.example/cb")
	b := w.browser(t)
	page := b.get(one.ask())
	for _, c := range page.set() {
		if !c.HttpOnly {
			t.Errorf("a script may read %s", c.Name)
		}
	}
	pages := map[*app]form{one: page.form(t, "allow"), other: b.asked(other).form(t, "allow")}
	mixed := func(fields, token *app) url.Values {
		f := maps.Clone(pages[fields].fields)
		f.Set("csrf", pages[token].fields.Get("csrf"))
		f.Set("answer", "allow")
		return f
	}
	wantRefused(t, "one page's form with the other's token", b.post("/oauth/consent", mixed(one, other)))
	wantRefused(t, "the other page's form with the one's token", b.post("/oauth/consent", mixed(other, one)))

	// Whatever else the form says of client and redirect URI, the page was about this one.
	f := mixed(one, one)
	f.Set("client_id", other.id)
	f.Set("redirect_uri", other.redirect)
	f.Set("scope", "everything")
	back, _ := w.provider.signIn(t, b.sentToProvider(b.post("/oauth/consent?client_id="+other.id, f)), ada())
	code := b.answered(one, b.get(back.String())).Get("code")
	if got := other.redeem(t, code); got.Error != "invalid_grant" {
		t.Errorf("another client redeems the code: %s", got.text)
	}
	if got := one.redeem(t, code); got.Access == "" {
		t.Errorf("the client whose page it was cannot redeem the code: %s", got.text)
	}
}

func tokenOfTheForm(t *testing.T, w *world) {
	a := w.register(t, "Forms")
	b, attacker := w.browser(t), w.browser(t)
	page := b.asked(a)
	for name, token := range map[string]string{
		"no token": "", "a made-up token": strings.Repeat("A", 43),
		"another browser's token":                   attacker.asked(a).form(t, "allow").fields.Get("csrf"),
		"the token of another page of this browser": b.asked(a).form(t, "allow").fields.Get("csrf"),
		"the page's handle":                         page.form(t, "allow").fields.Get("request"),
	} {
		for _, answer := range []string{"allow", "deny"} {
			wantRefused(t, name+", "+answer, b.press(page, answer, "csrf", token))
		}
	}
	b.sentToProvider(b.press(page, "allow")) // and nothing of it has used the page up
}

func cookieOfTheForm(t *testing.T, w *world) {
	a := w.register(t, "Cookies")
	b, attacker := w.browser(t), w.browser(t)
	page := b.asked(a)
	name := "__Host-dw-clerk-consent-" + page.form(t, "allow").fields.Get("request")
	cookie := b.cookies()[name]
	if cookie == "" {
		t.Fatalf("no cookie of the name %s", name)
	}
	tampered := cookie[:len(cookie)-1] + "A"
	if tampered == cookie {
		tampered = cookie[:len(cookie)-1] + "B"
	}
	wantRefused(t, "a browser that was not asked", attacker.press(page, "allow"))
	attacker.asked(a)
	wantRefused(t, "a browser that was asked something else", attacker.press(page, "allow"))
	for of, value := range map[string]string{
		"a tampered cookie": tampered, "another kind of cookie": "dws_" + cookie[4:], "an empty cookie": "",
		"the cookie of another page": attacker.cookie(attacker.asked(a).form(t, "allow").fields.Get("request")),
	} {
		attacker.plant(name, value)
		wantRefused(t, of, attacker.press(page, "allow"))
	}
	b.sentToProvider(b.press(page, "allow"))
}

func formFromAnotherSite(t *testing.T, w *world) {
	a := w.register(t, "Sites")
	b := w.browser(t)
	page := b.asked(a)
	f := page.form(t, "allow")
	f.fields.Set("answer", "allow")
	for name, headers := range map[string][]string{
		"a cross-site form":              {"Sec-Fetch-Site", "cross-site"},
		"a form of the same site":        {"Sec-Fetch-Site", "same-site"},
		"an address typed in":            {"Sec-Fetch-Site", "none"},
		"a foreign origin":               {"Origin", "https://evil.example"},
		"a foreign origin, and no more":  {"Origin", "https://evil.example", "Sec-Fetch-Site", ""},
		"the origin in plain":            {"Origin", "http://mcp.example.com", "Sec-Fetch-Site", ""},
		"the origin with another port":   {"Origin", publicOrigin + ":8443", "Sec-Fetch-Site", ""},
		"the origin as part of a longer": {"Origin", publicOrigin + ".evil.example", "Sec-Fetch-Site", ""},
		"cross-site, with our origin":    {"Origin", publicOrigin, "Sec-Fetch-Site", "cross-site"},
	} {
		wantRefused(t, name, b.post(f.action, f.fields, headers...))
	}
	b.sentToProvider(b.post(f.action, f.fields, "Origin", publicOrigin, "Sec-Fetch-Site", ""))
}

func answeredOnce(t *testing.T, w *world) {
	a := w.register(t, "Once")
	b, elsewhere := w.browser(t), w.browser(t)
	page := b.asked(a)
	b.sentToProvider(b.press(page, "allow"))
	wantRefused(t, "another answer", b.press(page, "deny"))
	wantRefused(t, "the same answer from elsewhere", elsewhere.press(page, "allow"))
	wantRefused(t, "the same answer without the token", b.press(page, "allow", "csrf", "x"))

	// What was refused cannot be allowed later, not even by who has kept the cookie.
	b = w.browser(t)
	page = b.asked(a)
	kept := b.cookies()
	b.press(page, "deny")
	for name, value := range kept {
		b.plant(name, value)
	}
	wantRefused(t, "allowed after it was refused", b.press(page, "allow"))
}

func twoTabs(t *testing.T, w *world) {
	one := w.register(t, "One tab", "https://one.example/cb")
	other := w.register(t, "Other tab", "https://other.example/cb")
	b := w.browser(t)
	// Each step of one tab comes after the same step of the other.
	pages := []*answer{
		b.asked(one, "state", "of one"), b.asked(other, "state", "of the other"), b.asked(one, "state", "of one again"),
	}
	var backs []*url.URL
	for i, who := range []someone{ada(), grace(), ada()} {
		back, _ := w.provider.signIn(t, b.sentToProvider(b.press(pages[i], "allow")), who)
		backs = append(backs, back)
	}
	for i, of := range []struct {
		app   *app
		state string
	}{{one, "of one"}, {other, "of the other"}, {one, "of one again"}} {
		query := b.answered(of.app, b.get(backs[i].String()))
		if query.Get("state") != of.state {
			t.Errorf("tab %d is answered with the state %q, want %q", i, query.Get("state"), of.state)
		}
		if got := of.app.redeem(t, query.Get("code")); got.Access == "" {
			t.Errorf("tab %d: %s", i, got.text)
		}
	}
	// The answers of two pages do not mix either, in whatever order they come.
	first, second := b.asked(one), b.asked(other)
	if to := b.press(second, "deny").to(); to == nil || to.Host != "other.example" {
		t.Errorf("the second page's answer goes to %v", to)
	}
	b.answered(one, b.press(first, "allow"))
}

func doubleClick(t *testing.T, w *world) {
	a := w.register(t, "Twice")
	b := w.browser(t)
	page := b.asked(a)
	first, second := b.press(page, "allow"), b.press(page, "allow")
	at := b.sentToProvider(first)
	if again := b.sentToProvider(second); again.String() != at.String() {
		t.Errorf("the second click leads to %s, the first to %s", again, at)
	}
	// A browser goes where the second answer says, with the cookies that it sets.
	back, _ := w.provider.signIn(t, at, ada())
	b.answered(a, b.get(back.String()))

	page = b.asked(a)
	code := b.answered(a, b.press(page, "allow")).Get("code")
	if again := b.answered(a, b.press(page, "allow")).Get("code"); again != code {
		t.Error("the second click makes a second code")
	}
	if got := a.redeem(t, code); got.Access == "" {
		t.Errorf("the code of a double click: %s", got.text)
	}
}
