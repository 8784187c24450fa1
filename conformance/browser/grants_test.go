package browser

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/input"
)

// revoked fails the test unless the token is refused.
func (a *app) revoked(token string) {
	a.t.Helper()
	if status := a.call(token); status != http.StatusUnauthorized {
		a.t.Errorf("a call with %s's token is answered %d, want 401", a.name, status)
	}
}

// What somebody has allowed is listed, and taken back one by one or all at once; the token does not work from then on.
// Then they sign out, and the browser knows nobody any more.
func grants(t *testing.T, w *world) {
	one, two, three := w.newApp(t, "App number one"), w.newApp(t, "App number two"), w.newApp(t, "App number three")
	v := w.visitor(t, one.origin, two.origin, three.origin)
	var tb *tab
	var tokens []string
	for _, a := range []*app{one, two, three} {
		r := a.ask()
		if tb == nil {
			tb, r = v.login(a, "grace")
		} else {
			tb.open(r.url)
			tb.answer("allow")
		}
		token := a.tokens(r).AccessToken
		a.works(token)
		tokens = append(tokens, token)
	}

	tb.open(w.issuer + "/oauth/grants")
	tb.shows("App number one", "App number two", "App number three", w.resource(), "grace@example.com")
	tb.press(`tr:has(form):nth-child(` + tb.row("App number two") + `) button[value=revoke]`)
	tb.at("/oauth/grants")
	two.revoked(tokens[1])
	one.works(tokens[0])
	three.works(tokens[2])
	if text := tb.text(); strings.Contains(text, "App number two") {
		t.Errorf("what was taken back is still listed:\n%s", text)
	}

	tb.answer("revoke-all")
	tb.at("/oauth/grants")
	one.revoked(tokens[0])
	three.revoked(tokens[2])
	if n := tb.count(`button[value=revoke]`); n != 0 {
		t.Errorf("%d grants are left", n)
	}

	tb.answer("sign-out")
	tb.at("/oauth/signed-out")
	tb.open(w.issuer + "/oauth/grants")
	if text := tb.text(); strings.Contains(text, "grace@example.com") {
		t.Errorf("the browser still knows who was there:\n%s", text)
	}
	tb.answer("sign-in")
	tb.atProvider()
	tb.signIn("ada")
	tb.at("/oauth/grants")
	tb.shows("ada@example.com")
}

// row answers which row of the list, from 1, names an app.
func (tb *tab) row(app string) string {
	tb.t.Helper()
	return tb.eval(`app => {
		const rows = [...document.querySelectorAll("tbody tr")]
		return String(rows.findIndex(row => row.innerText.includes(app)) + 1)
	}`, app)
}

// Somebody takes back what another person allowed, with a form of their own: it does not count.
func otherPersonsGrant(t *testing.T, w *world) {
	a, b := w.newApp(t, "Of Ada"), w.newApp(t, "Of Grace")
	ada, grace := w.visitor(t, a.origin), w.visitor(t, b.origin)
	tb, r := ada.login(a, "ada")
	token := a.tokens(r).AccessToken
	theirs, asked := grace.login(b, "grace")
	b.tokens(asked)
	tb.open(w.issuer + "/oauth/grants")
	id := tb.eval(`app => [...document.querySelectorAll("tbody tr")].find(row => row.innerText.includes(app))
		.querySelector("input[name=grant]").value`, "Of Ada")
	theirs.open(w.issuer + "/oauth/grants")
	theirs.eval(`id => { document.querySelector("input[name=grant]").value = id; return "" }`, id)
	theirs.answer("revoke")
	a.works(token)
}

// All of it with the keyboard alone, and no more keys than there are things to reach.
func keyboardOnly(t *testing.T, w *world) {
	a := w.newApp(t, "By hand")
	v := w.visitor(t, a.origin)
	tb, r := v.tab(), a.ask()
	tb.open(r.url)
	tb.enter("Allow")
	tb.atProvider()
	tb.signIn("ada")
	tb.inApp()
	a.tokens(r)
	tb.open(w.issuer + "/oauth/grants")
	before := tb.count(`button[value=revoke]`)
	tb.enter("Take back")
	tb.at("/oauth/grants")
	if after := tb.count(`button[value=revoke]`); after != before-1 {
		t.Errorf("%d grants, and %d after one was taken back", before, after)
	}
	tb.enter("Sign out")
	tb.at("/oauth/signed-out")
	tb.enter("Sign in again")
	tb.at("/oauth/grants")
}

// enter moves the focus with Tab to what is called name, and presses Enter there. What has the focus can be seen.
func (tb *tab) enter(name string) {
	tb.t.Helper()
	var passed []string
	for range 30 {
		tb.key(input.Tab)
		at := tb.eval(`() => document.activeElement?.innerText ?? ""`)
		passed = append(passed, at)
		if !strings.HasPrefix(at, name) {
			continue
		}
		if outline := tb.eval(`() => {
			const style = getComputedStyle(document.activeElement)
			return style.outlineStyle + " " + style.outlineWidth
		}`); strings.HasPrefix(outline, "none") || strings.HasSuffix(outline, " 0px") {
			tb.t.Errorf("nothing shows that %q has the focus: outline %s", name, outline)
		}
		tb.act("press Enter on "+name, func(page *rod.Page) error { return page.Keyboard.Type(input.Enter) })
		return
	}
	tb.t.Fatalf("the keyboard does not reach %q; it reaches %q", name, passed)
}
