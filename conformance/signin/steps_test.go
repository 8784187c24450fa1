package signin

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The steps of a sign-in. Each takes the browser one step further and fails the test if that step is not the one that
// comes next.

// asked opens the client's authorization URL and answers the consent page.
func (b *browser) asked(a *app, params ...string) *answer {
	b.t.Helper()
	page := b.get(a.ask(params...))
	if page.status != http.StatusOK {
		b.t.Fatalf("no consent page: %d %s", page.status, page.text())
	}
	page.form(b.t, "allow")
	return page
}

// press sends the form that has a button of this answer, as pressing the button does. changes are names and values in
// turn, which take the place of the form's own.
func (b *browser) press(page *answer, answer string, changes ...string) *answer {
	b.t.Helper()
	f := page.form(b.t, answer)
	f.fields.Set("answer", answer)
	for i := 0; i < len(changes); i += 2 {
		f.fields.Set(changes[i], changes[i+1])
	}
	return b.post(f.action, f.fields)
}

// approved has the person allow the client, and answers the URL at the provider to which the browser is sent.
func (b *browser) approved(a *app, params ...string) *url.URL {
	b.t.Helper()
	return b.sentToProvider(b.press(b.asked(a, params...), "allow"))
}

func (b *browser) sentToProvider(got *answer) *url.URL {
	b.t.Helper()
	if got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), b.w.provider.URL+"/") {
		b.t.Fatalf("the browser is not sent to the provider: %d %s %s", got.status, got.header.Get("Location"), got.text())
	}
	return got.to()
}

// signedIn does a whole sign-in, by way of the provider unless the browser has a session, and answers what the client is
// told.
func (b *browser) signedIn(t *testing.T, a *app, who someone, change ...func(*visit)) url.Values {
	t.Helper()
	got := b.press(b.asked(a), "allow")
	if to := got.header.Get("Location"); !strings.HasPrefix(to, a.redirect) {
		back, _ := b.w.provider.signIn(t, b.sentToProvider(got), who, change...)
		got = b.get(back.String())
	}
	return b.answered(a, got)
}

// answered wants a code for the client, and answers the whole of what the client is told.
func (b *browser) answered(a *app, got *answer) url.Values {
	b.t.Helper()
	query := got.query()
	if got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), a.redirect+"?") ||
		query.Get("code") == "" {
		b.t.Fatalf("the client gets no code: %d %s %s", got.status, got.header.Get("Location"), got.text())
	}
	return query
}

// tokensOf does a whole sign-in and redeems the code.
func (b *browser) tokensOf(t *testing.T, a *app, who someone, change ...func(*visit)) tokens {
	t.Helper()
	got := a.redeem(t, b.signedIn(t, a, who, change...).Get("code"))
	if got.Access == "" || got.Refresh == "" {
		t.Fatalf("no tokens: %s", got.text)
	}
	return got
}

// wantPage wants a page that leads nowhere by itself.
func wantPage(t testing.TB, what string, got *answer, status int) {
	t.Helper()
	if got.status != status || got.header.Get("Location") != "" ||
		!strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
		t.Errorf("%s: %d %s %s, want a page with status %d", what, got.status, got.header.Get("Location"), got.text(), status)
	}
}

// wantCall wants a status of a call with a token.
func (w *world) wantCall(t testing.TB, what, token string, want int) {
	t.Helper()
	if status, _ := w.call(t, token); status != want {
		t.Errorf("%s: a call is answered %d, want %d", what, status, want)
	}
}
