package reload

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"durward/cmd/durward/demo/browser"
	"durward/conformance/gateway"
)

// login is one sign-in in four steps, with edits between them that each replace the policy's process.
type login struct {
	client   *gateway.Client
	browser  *browser.Browser
	verifier string
	page     *browser.Page
	code     string
}

// open registers a client and opens the consent page.
func (l *login) open(t *testing.T, g *gateway.Gateway) {
	t.Helper()
	var err error
	if l.client, err = g.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l.browser, err = browser.New(http.DefaultTransport, gateway.RedirectURI); err != nil {
		t.Fatal(err)
	}
	l.verifier = oauth2.GenerateVerifier()
	at, err := l.browser.Open(t.Context(), l.client.AuthorizeURL(l.verifier))
	if err != nil || at.Page == nil {
		t.Fatalf("open the consent page: %v, %+v", err, at)
	}
	l.page = at.Page
}

// approve allows on the consent page, which leads to the identity provider's.
func (l *login) approve(t *testing.T) {
	t.Helper()
	at, err := l.browser.Press(t.Context(), l.page, func(b browser.Button) bool { return b.Value == "allow" })
	if err != nil || at.Page == nil {
		t.Fatalf("approve: %v, %+v", err, at)
	}
	l.page = at.Page
}

// signIn signs in there, which leads by way of the callback to the client.
func (l *login) signIn(t *testing.T) {
	t.Helper()
	at, err := l.browser.Press(t.Context(), l.page, func(b browser.Button) bool { return strings.Contains(b.Text, "Ada") })
	if err != nil || at.Callback.Get("code") == "" {
		t.Fatalf("sign in: %v, %+v", err, at)
	}
	l.code = at.Callback.Get("code")
}

// redeem exchanges the code, and uses the token.
func (l *login) redeem(t *testing.T) {
	t.Helper()
	if err := l.client.Redeem(t.Context(), l.code, l.verifier); err != nil {
		t.Fatalf("redeem: %v", err)
	}
	if err := echo(t.Context(), http.DefaultClient, l.client); err != nil {
		t.Fatalf("use the token: %v", err)
	}
}
