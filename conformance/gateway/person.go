package gateway

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/auth"

	"durward/cmd/durward/demo/browser"
)

// RedirectURI is where the suites' clients are answered. Nobody listens there.
const RedirectURI = "http://127.0.0.1:41739/callback"

// SignIn tells an identity provider, from its page in the browser on, who the person of this name is, and answers where
// that leads.
type SignIn func(ctx context.Context, b *browser.Browser, page *browser.Page, name string) (browser.Landing, error)

// Person is somebody with a browser who allows what is asked and signs in at the identity provider.
type Person struct {
	// Name is "Ada Lovelace" or "Grace Hopper".
	Name    string
	browser *browser.Browser
	signIn  SignIn
}

// NewPerson makes a person with a fresh browser, who signs in at the demo's provider.
func NewPerson(t testing.TB, name string) *Person {
	return newPerson(t, name, http.DefaultTransport, RedirectURI, nil)
}

// Person makes a person with a fresh browser that uses the gateway's Transport, who signs in at its provider.
func (g *Gateway) Person(t testing.TB, name string) *Person {
	return g.PersonFor(t, name, RedirectURI)
}

// PersonFor is Person for a client that is answered elsewhere than the suites' clients: its browser stops there.
func (g *Gateway) PersonFor(t testing.TB, name, redirectURI string) *Person {
	return newPerson(t, name, g.Transport, redirectURI, g.SignIn)
}

func newPerson(t testing.TB, name string, transport http.RoundTripper, redirectURI string, signIn SignIn) *Person {
	t.Helper()
	b, err := browser.New(transport, redirectURI)
	if err != nil {
		t.Fatal(err)
	}
	if signIn == nil {
		signIn = pressName
	}
	return &Person{Name: name, browser: b, signIn: signIn}
}

// pressName signs in at the demo's provider, which has a button for everybody it knows.
func pressName(ctx context.Context, b *browser.Browser, page *browser.Page, name string) (browser.Landing, error) {
	return b.Press(ctx, page, func(b browser.Button) bool { return strings.Contains(b.Text, name) })
}

// Allow opens an authorization URL, allows the client, signs in unless the browser has a session, and answers what the
// client is told.
func (p *Person) Allow(ctx context.Context, authorizeURL string) (url.Values, error) {
	page, err := p.Open(ctx, authorizeURL)
	if err != nil {
		return nil, err
	}
	return p.Finish(ctx, page)
}

// Open opens an authorization URL and answers the consent page.
func (p *Person) Open(ctx context.Context, authorizeURL string) (*browser.Page, error) {
	at, err := p.browser.Open(ctx, authorizeURL)
	if err != nil {
		return nil, fmt.Errorf("open authorization URL: %w", err)
	}
	if at.Page == nil {
		return nil, fmt.Errorf("the client was answered without asking the person: error %q", at.Callback.Get("error"))
	}
	return at.Page, nil
}

// Finish allows on the consent page and signs in.
func (p *Person) Finish(ctx context.Context, consent *browser.Page) (url.Values, error) {
	at, err := p.Consent(ctx, consent)
	if err != nil || at.Page == nil {
		return at.Callback, err
	}
	return p.SignIn(ctx, at.Page)
}

// Consent allows on the consent page and answers where that leads: to the provider's page or, if the browser has a
// session, to the client.
func (p *Person) Consent(ctx context.Context, consent *browser.Page) (browser.Landing, error) {
	at, err := p.browser.Press(ctx, consent, func(b browser.Button) bool { return b.Value == "allow" })
	if err != nil {
		return at, fmt.Errorf("consent: %w", err)
	}
	return at, nil
}

// Press presses a button on a page and answers where that leads.
func (p *Person) Press(ctx context.Context, page *browser.Page, wanted func(browser.Button) bool) (browser.Landing, error) {
	return p.browser.Press(ctx, page, wanted)
}

// SignIn says on the provider's page who the person is, and answers what the client is told.
func (p *Person) SignIn(ctx context.Context, provider *browser.Page) (url.Values, error) {
	at, err := p.signIn(ctx, p.browser, provider, p.Name)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	if at.Page != nil {
		return nil, fmt.Errorf("the browser shows %q, and the client was not answered", at.Page.Heading)
	}
	return at.Callback, nil
}

// Fetch is an auth.AuthorizationCodeFetcher of the go-sdk: it lets the SDK's client send this person to sign in.
func (p *Person) Fetch(ctx context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
	answer, err := p.Allow(ctx, args.URL)
	if err != nil {
		return nil, err
	}
	return &auth.AuthorizationResult{Code: answer.Get("code"), State: answer.Get("state"), Iss: answer.Get("iss")}, nil
}
