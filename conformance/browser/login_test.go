package browser

import (
	"strings"
	"testing"
)

// Nothing is known of a browser: it is asked, signs in at the provider, and the app gets a code that works. The provider
// is reached, and state is kept in the browser, only after the person has allowed (A42, A45, S19, S25, S27).
func firstLogin(t *testing.T, w *world) {
	a := w.newApp(t, "Notes for Ada")
	v := w.visitor(t, a.origin)
	tb, r := v.tab(), a.ask()
	tb.open(r.url)
	tb.at("/oauth/authorize")
	tb.shows("Notes for Ada", w.resource(), a.config.RedirectURL)
	for _, cookie := range v.cookies() {
		if strings.Contains(cookie.Name, "login-") {
			t.Errorf("S25: cookie %s before anything was allowed", cookie.Name)
		}
	}
	tb.answer("allow")
	tb.atProvider()
	tb.signIn("ada")
	tb.inApp()
	tokens := a.tokens(r)
	a.works(tokens.AccessToken)
	for _, cookie := range v.cookies() {
		hostOnly := !strings.HasPrefix(cookie.Domain, ".")
		if !cookie.HTTPOnly || cookie.SameSite != "Lax" || cookie.Path != "/" || !hostOnly ||
			cookie.Secure != (w.front != nil) || strings.HasPrefix(cookie.Name, "__Host-") != (w.front != nil) {
			t.Errorf("S27: cookie %s: host only %v, path %s, secure %v, http only %v, same site %s",
				cookie.Name, hostOnly, cookie.Path, cookie.Secure, cookie.HTTPOnly, cookie.SameSite)
		}
	}
}

// A second app is asked about anew, but the person does not sign in again (A43, S21).
func secondApp(t *testing.T, w *world) {
	first, second := w.newApp(t, "The first app"), w.newApp(t, "The second app")
	v := w.visitor(t, first.origin, second.origin)
	tb, r := v.login(first, "ada")
	first.code(r)
	r = second.ask()
	tb.open(r.url)
	tb.at("/oauth/authorize")
	tb.shows("The second app", "ada@example.com")
	second.unanswered()
	tb.answer("allow")
	tb.inApp()
	second.works(second.tokens(r).AccessToken)
}

// A person says no: the app is told so, and nothing is known of the person.
func refuse(t *testing.T, w *world) {
	a := w.newApp(t, "Unwanted")
	v := w.visitor(t, a.origin)
	tb, r := v.tab(), a.ask()
	tb.open(r.url)
	tb.answer("deny")
	tb.inApp()
	a.refused(r)
}

// Two logins in two tabs of a browser: each comes to its own end (S23).
func twoTabs(t *testing.T, w *world) {
	left, right := w.newApp(t, "Left"), w.newApp(t, "Right")
	v := w.visitor(t, left.origin, right.origin)
	one, other := v.tab(), v.tab()
	asked, askedToo := left.ask(), right.ask()
	one.open(asked.url)
	other.open(askedToo.url)
	one.answer("allow")
	other.answer("allow")
	other.signIn("grace")
	one.signIn("ada")
	one.inApp()
	other.inApp()
	left.works(left.tokens(asked).AccessToken)
	right.works(right.tokens(askedToo).AccessToken)
}

// A web app has the person sign in in a window of its own, and hears from it when that is done: our pages leave the tie
// between the two as it is, while nobody may read them through it.
func popup(t *testing.T, w *world) {
	a := w.newAppAt(t, "In a window", "app."+foreignSite)
	v := w.visitor(t, a.origin)
	opener := v.tab()
	opener.open(a.origin + "/")
	r := a.ask()
	tb := v.opened(opener, func() {
		opener.eval(`url => { window.popup = open(url, "", "popup"); return "" }`, r.url)
	})
	tb.at("/oauth/authorize")
	if got := opener.eval(`() => { try { return popup.location.href } catch (e) { return e.name } }`); got != "SecurityError" {
		t.Errorf("the opener reads of our page: %s", got)
	}
	tb.answer("allow")
	tb.signIn("ada")
	tb.inApp()
	if got := opener.eval(`() => popup.location.pathname`); got != "/callback" {
		t.Errorf("the opener finds its window at %q", got)
	}
	a.works(a.tokens(r).AccessToken)
}
