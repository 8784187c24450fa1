package browser

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/proto"
)

// A page is shown to Ada, and answered when the browser's session has become Grace's: nothing is allowed, and the page
// is shown anew, with both named (A43).
func wrongPerson(t *testing.T, w *world) {
	a, other := w.newApp(t, "Left open"), w.newApp(t, "In between")
	v := w.visitor(t, a.origin, other.origin)
	first, asked := v.login(other, "ada")
	other.code(asked)
	tb, r := v.tab(), a.ask()
	tb.open(r.url)
	tb.shows("ada@example.com")

	asked = other.ask()
	first.open(asked.url)
	first.answer("switch")
	first.signIn("grace")
	first.inApp()
	other.code(asked)

	tb.answer("allow")
	tb.at("/oauth/consent")
	tb.shows("Left open", "ada@example.com", "grace@example.com")
	a.unanswered()
	tb.answer("allow")
	tb.inApp()
	a.works(a.tokens(r).AccessToken)
}

// A page names Grace, who signs out meanwhile and has Ada sign in at the provider: the same, and the page comes back from
// there.
func namedPersonGone(t *testing.T, w *world) {
	a, other := w.newApp(t, "Left open"), w.newApp(t, "Before")
	v := w.visitor(t, a.origin, other.origin)
	first, asked := v.login(other, "grace")
	other.code(asked)
	tb, r := v.tab(), a.ask()
	tb.open(r.url)
	tb.shows("grace@example.com")
	first.open(w.issuer + "/oauth/grants")
	first.answer("sign-out")

	tb.answer("allow")
	tb.signIn("ada")
	tb.at("/oauth/callback")
	tb.shows("Left open", "ada@example.com", "grace@example.com")
	a.unanswered()
	tb.answer("allow")
	tb.inApp()
	a.works(a.tokens(r).AccessToken)
}

// Somebody is signed in, and lets an app in as somebody else.
func switchPerson(t *testing.T, w *world) {
	a, b := w.newApp(t, "Ada's"), w.newApp(t, "Grace's")
	v := w.visitor(t, a.origin, b.origin)
	tb, r := v.login(a, "ada")
	a.code(r)
	r = b.ask()
	tb.open(r.url)
	tb.answer("switch")
	tb.atProvider()
	if !strings.Contains(tb.address(), "prompt=login") {
		t.Errorf("the provider is not asked to ask anew: %s", tb.address())
	}
	tb.signIn("grace")
	tb.inApp()
	b.works(b.tokens(r).AccessToken)
	tb.open(a.ask().url)
	tb.shows("grace@example.com")
}

// Two clicks on Allow, as fast as a hand can: the login goes on as if there had been one. The answer to the first click
// is held until the second has been made, so that the browser never sees it: the gateway has it twice to answer.
func doubleClick(t *testing.T, w *world) {
	a := w.newApp(t, "Clicked twice")
	v := w.visitor(t, a.origin)
	for _, signedIn := range []bool{false, true} { // the first ends at the provider, the second at the app
		tb, r := v.tab(), a.ask()
		tb.open(r.url)
		held := w.front.holdConsent(tb.value("request"))
		tb.clickBoth(held, `button[value=allow]`, `button[value=allow]`)
		if !signedIn {
			tb.atProvider()
			tb.signIn("ada")
		}
		tb.inApp()
		a.works(a.tokens(r).AccessToken)
		a.unanswered()
	}
	tb := v.tab()
	tb.open(w.issuer + "/oauth/grants")
	if n := tb.eval(`app => String([...document.querySelectorAll("tbody tr")].filter(r => r.innerText.includes(app)).length)`,
		a.name); n != "2" {
		t.Errorf("%s grants came of two logins", n)
	}
}

// clickBoth clicks on one and, when the gateway's answer to that is held, on the other. Both places are looked up before:
// while a page is on its way, Chromium tells nothing of the one that is still there.
func (tb *tab) clickBoth(held *hold, one, other string) {
	tb.t.Helper()
	spots := map[string]proto.Point{}
	for _, selector := range []string{one, other} {
		element, err := tb.page.Element(selector)
		if err != nil {
			tb.t.Fatal(err)
		}
		spot, err := element.WaitInteractable()
		if err != nil {
			tb.t.Fatal(err)
		}
		spots[selector] = *spot
	}
	tb.act("click on "+one+", then on "+other, func(page *rod.Page) error {
		for _, selector := range []string{one, other} {
			if err := page.Mouse.MoveTo(spots[selector]); err != nil {
				return err
			}
			if err := page.Mouse.Click(proto.InputMouseButtonLeft, 1); err != nil {
				return err
			}
			select {
			case <-held.kept:
			case <-page.GetContext().Done():
				return errors.New("the click did not reach the gateway")
			}
		}
		return nil
	})
}

// A script, or an impatient browser, submits the form several times at once: the same, and an app that is answered twice
// is told the same code, which counts once.
func doubleSubmit(t *testing.T, w *world) {
	a := w.newApp(t, "Sent thrice")
	v := w.visitor(t, a.origin)
	tb, asked := v.login(a, "ada")
	a.code(asked)
	r := a.ask()
	tb.open(r.url)
	tb.act("submit thrice", func(page *rod.Page) error {
		_, err := page.Evaluate(rod.Eval(`() => {
			const allow = document.querySelector("button[name=answer][value=allow]")
			for (let i = 0; i < 3; i++) allow.form.requestSubmit(allow)
		}`).ByUser())
		return err
	})
	tb.inApp()
	code := a.code(r)
	for again := true; again; {
		select {
		case got := <-a.answers:
			if got.Get("code") != code {
				t.Error("the app was told another code, or none, the second time")
			}
		default:
			again = false
		}
	}
	if _, err := a.redeem(code, r); err != nil {
		t.Errorf("redeem code: %v", err)
	}
	if _, err := a.redeem(code, r); err == nil {
		t.Error("the code counts twice")
	}
}

// The way back after all is done, and Allow once more: the browser ends at the app or at a page that says what to do.
func backButton(t *testing.T, w *world) {
	a := w.newApp(t, "Done")
	v := w.visitor(t, a.origin)
	tb, r := v.tab(), a.ask()
	tb.open(r.url)
	former := tb.value("request")
	tb.answer("allow")
	tb.signIn("ada")
	tb.inApp()
	a.works(a.tokens(r).AccessToken)

	tb.back() // to the provider's page
	tb.back()
	tb.at("/oauth/authorize")
	if tb.value("request") == former {
		t.Error("the browser has kept the page that was answered")
	}
	tb.shows("ada@example.com") // a new page, which knows who has signed in meanwhile
	tb.answer("allow")
	tb.inApp()
	a.works(a.tokens(r).AccessToken)
}

// The page is answered twice, and not the same: the second answer gets a page that says so, and the app hears of the
// first alone. The answer to the first click is held, so that there is a page to click on again.
func answeredOtherwise(t *testing.T, w *world) {
	a := w.newApp(t, "Undecided")
	v := w.visitor(t, a.origin)
	tb, r := v.login(a, "ada")
	a.code(r)
	r = a.ask()
	tb.open(r.url)
	held := w.front.holdConsent(tb.value("request"))
	tb.clickBoth(held, `button[value=allow]`, `button[value=deny]`)
	tb.message("answered", http.StatusForbidden)
	a.unanswered()
	tb.look("message-answered")
}

// What one allowed before is said on the page, and asked all the same (A43, S21, S26).
func allowedBefore(t *testing.T, w *world) {
	a := w.newApp(t, "Known already")
	v := w.visitor(t, a.origin)
	tb, r := v.login(a, "ada")
	a.tokens(r)
	r = a.ask()
	tb.open(r.url)
	tb.at("/oauth/authorize")
	tb.shows("last allowed this on " + time.Now().UTC().Format("2 January 2006"))
	a.unanswered()
}

// Cookies are gone between the page and its answer, as when they expire: a page says what to do.
func cookiesGone(t *testing.T, w *world) {
	a := w.newApp(t, "Forgotten")
	v := w.visitor(t, a.origin)
	tb, r := v.tab(), a.ask()
	tb.open(r.url)
	if err := (proto.StorageClearCookies{BrowserContextID: v.browser.BrowserContextID}).Call(v.browser); err != nil {
		t.Fatal(err)
	}
	tb.answer("allow")
	tb.message("other_page", http.StatusForbidden)
	a.unanswered()
}
