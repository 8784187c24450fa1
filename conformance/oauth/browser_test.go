package oauth

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// browser is a person's browser as far as servers see one: a cookie jar, and the headers by which they tell who sent a
// request. It follows no redirect: a row looks at each step, and decides who takes the next one.
type browser struct {
	w    *world
	who  someone
	http *http.Client
}

// browser is one of a person whom no other row knows.
func (w *world) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := *w.http
	c.Jar = jar
	name := "ada-" + strings.Map(func(r rune) rune {
		if r == '/' {
			return '-'
		}
		return r
	}, t.Name())
	return &browser{w: w, who: someone{"user_" + name, name + "@example.com", "Ada Lovelace"}, http: &c}
}

// get opens an address of the gateway's, as a link does that somebody clicks on.
func (b *browser) get(t testing.TB, address string) *answer {
	t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.w.origin + address
	}
	return send(t, b.http, http.MethodGet, address, "", "Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate",
		"Sec-Fetch-Dest", "document")
}

// press sends the form that has a button of this answer, as pressing the button does: from a page that sends no referrer
// and so Origin: null.
func (b *browser) press(t testing.TB, page *answer, button string) *answer {
	t.Helper()
	f := page.form(t, button)
	f.fields.Set("answer", button)
	return send(t, b.http, http.MethodPost, f.action, f.fields.Encode(), "Sec-Fetch-Site", "same-origin", "Origin", "null",
		"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
}

// asked opens the client's authorization URL and answers the consent page.
func (b *browser) asked(t testing.TB, a *app, params ...string) *answer {
	t.Helper()
	page := b.get(t, a.ask(params...))
	if page.status != http.StatusOK {
		t.Fatalf("no consent page: %s", page)
	}
	page.form(t, "allow")
	return page
}

// allowed has the person press allow on a page, and sign in unless the browser has a session. It answers what comes of
// it.
func (b *browser) allowed(t testing.TB, page *answer) *answer {
	t.Helper()
	got := b.press(t, page, "allow")
	if to := got.to(); to != nil && strings.HasPrefix(to.String(), b.w.provider.URL+"/") {
		got = b.get(t, b.w.provider.signIn(t, to, b.who))
	}
	return got
}

// signIn gives the browser a session, by way of the page of the person's grants.
func (b *browser) signIn(t testing.TB) {
	t.Helper()
	got := b.press(t, b.get(t, b.w.base+"/oauth/grants"), "sign-in")
	if got = b.get(t, b.w.provider.signIn(t, got.to(), b.who)); got.status != http.StatusSeeOther {
		t.Fatalf("sign in: %s", got)
	}
}

// answered wants a code for the client, and answers the whole of what the client is told.
func (b *browser) answered(t testing.TB, a *app, got *answer) url.Values {
	t.Helper()
	query := got.answerTo(t, "allowed", a)
	if len(query["code"]) != 1 || query.Get("code") == "" || query.Has("error") {
		t.Fatalf("the client gets no code: %s", got)
	}
	return query
}

// code has the person allow what a client asks for, and answers the code.
func (b *browser) code(t testing.TB, a *app, params ...string) string {
	t.Helper()
	return b.answered(t, a, b.allowed(t, b.asked(t, a, params...))).Get("code")
}

// tokens does a whole sign-in and redeems the code.
func (b *browser) tokens(t testing.TB, a *app, params ...string) tokens {
	t.Helper()
	return a.redeem(t, b.code(t, a, params...)).tokens(t)
}

// cookies answers the names of the cookies that the browser would send to the gateway.
func (b *browser) cookies(t testing.TB) []string {
	t.Helper()
	at, err := url.Parse(b.w.origin)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range b.http.Jar.Cookies(at) {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}
