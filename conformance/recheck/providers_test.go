package recheck

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"durward/cmd/durward/demo/browser"
	"durward/conformance/gateway"
	"durward/conformance/providers"
)

// patience bounds what must happen soon, on a machine that does more.
const patience = 30 * time.Second

// setOptions has the provider asked again after that many seconds.
func setOptions(t *testing.T, g *gateway.Gateway, recheckSeconds int) {
	t.Helper()
	g.SetOption(t, "scope", "openid profile email offline_access")
	g.SetOption(t, "gateway", map[string]any{"recheckSeconds": recheckSeconds})
	g.Save("gateway.json", `{"log": {"level": "debug"}}`)
}

// login is a person's browser and the clients that they have allowed with it, at one sign-in.
type login struct {
	*gateway.Person
	clients []*gateway.Client
}

func newLogin(t *testing.T, g *gateway.Gateway, name string, clients int) *login {
	t.Helper()
	l := &login{Person: g.Person(t, name)}
	for range clients {
		client, err := g.Login(t.Context(), l.Person)
		if err != nil {
			t.Fatal(err)
		}
		l.clients = append(l.clients, client)
	}
	return l
}

// refresh refreshes for all clients at once, which must succeed.
func (l *login) refresh(t *testing.T) {
	t.Helper()
	var wg sync.WaitGroup
	for _, client := range l.clients {
		wg.Go(func() {
			if err := client.Refresh(t.Context()); err != nil {
				t.Errorf("refresh: %v", err)
			}
		})
	}
	wg.Wait()
}

// call calls with each client's access token, which must be answered with the status.
func (l *login) call(t *testing.T, status int) {
	t.Helper()
	for _, client := range l.clients {
		if got, body, err := client.Call(t.Context()); err != nil || got != status {
			t.Errorf("call: %d %s, %v; want %d", got, body, err, status)
		}
	}
}

// isGone checks that nothing is left of the login but a browser that has to sign in.
func (l *login) isGone(t *testing.T, g *gateway.Gateway) {
	t.Helper()
	l.call(t, http.StatusUnauthorized)
	for _, client := range l.clients {
		if got := code(client.Refresh(t.Context())); got != "invalid_grant" {
			t.Errorf("refresh: %q", got)
		}
	}
	other, err := g.Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	page, err := l.Open(t.Context(), other.AuthorizeURL(oauth2.GenerateVerifier()))
	if err != nil {
		t.Fatal(err)
	}
	at, err := l.Consent(t.Context(), page)
	if _, refused := errors.AsType[*browser.PageError](err); err != nil && !refused { // the provider may say no on a page
		t.Fatal(err)
	}
	if at.Callback.Has("code") {
		t.Error("the browser is still signed in")
	}
}

// code is the error code of a refused refresh, empty if it was not refused.
func code(err error) string {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return refused.ErrorCode
	}
	return ""
}

// said counts the lines that a policy wrote to its log.
func said(g *gateway.Gateway, msg string) int {
	return len(g.Log.Lines(func(l gateway.Line) bool { return l.Msg() == msg }))
}

// Real providers: the person is asked about again and again with tokens that are replaced each time, by many clients at
// once, until they are disabled.
func TestS33_ADisabledPersonIsFoundOut(t *testing.T) {
	for _, kind := range []providers.Kind{providers.Fosite, providers.Zitadel, providers.OIDCProvider} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			g, p := providers.Gateway(t, kind, providers.Options{
				Scopes: []string{"openid", "profile", "email", "offline_access"},
			}, func(g *gateway.Gateway, _ *providers.Provider) { setOptions(t, g, 1) })
			ada, grace := newLogin(t, g, providers.Ada().Name, 4), newLogin(t, g, providers.Grace().Name, 1)
			for round := 1; round <= 3; round++ {
				if !gateway.Within(patience, func() bool { ada.refresh(t); return said(g, "re-checked") >= round || t.Failed() }) {
					t.Fatalf("the provider was asked %d times", said(g, "re-checked"))
				}
			}
			ada.call(t, http.StatusOK)
			grace.refresh(t)

			p.Disable(providers.Ada())
			var refused string
			if !gateway.Within(patience, func() bool {
				refused = code(ada.clients[0].Refresh(t.Context()))
				return refused != ""
			}) || refused != "invalid_grant" {
				t.Fatalf("refresh: %q", refused)
			}
			ada.isGone(t, g)
			gone := g.Wait("person.gone", func(l gateway.Line) bool { return l.Field("event") == "person.gone" })
			if gone.Field("subject") != providers.Ada().Subject || gone.Field("issuer") != p.Issuer ||
				gone.Field("reason") != "invalid_grant" {
				t.Errorf("audit: %s", gone.Text)
			}
			grace.refresh(t)
			grace.call(t, http.StatusOK)
			if failed := g.Log.Lines(func(l gateway.Line) bool { return l.Field("event") == "recheck.failed" }); len(failed) > 0 {
				t.Errorf("audit: %s", failed[0].Text)
			}
		})
	}
}
