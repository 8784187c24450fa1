package providers

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"durward/cmd/durward/demo/browser"
	"durward/conformance/gateway"
	"durward/conformance/official"
	"durward/runtime"
)

// demo is the provider that ships, which gateway.Start starts by itself.
const demo Kind = "demo"

// start starts a gateway at which people sign in with a provider of that kind, and a window on what that sends back.
func start(
	t *testing.T, kind Kind, o Options, edit func(g *gateway.Gateway, p *Provider),
) (*gateway.Gateway, *Provider, *callbacks) {
	t.Helper()
	if kind == demo {
		g := gateway.Start(t, nil)
		seen := &callbacks{base: g.Transport}
		g.Transport = seen
		return g, &Provider{Issuer: g.Parts.Issuer()}, seen
	}
	g, p := Gateway(t, kind, o, edit)
	seen := &callbacks{base: g.Transport}
	g.Transport = seen
	return g, p, seen
}

// What each kind of provider is tried with. A gateway is shared by all that is tried with one kind.
func TestSignIn(t *testing.T) {
	for kind, want := range map[Kind]struct {
		callback []string
		known    string // how the person is named to themselves: by what the ID token holds
	}{
		demo:         {[]string{"code", "scope", "state"}, "ada@example.com"},
		Fosite:       {[]string{"code", "scope", "state"}, Ada().Email},
		Zitadel:      {[]string{"code", "state"}, Ada().Subject},
		OIDCProvider: {[]string{"code", "iss", "state"}, Ada().Email},
	} {
		t.Run(string(kind), func(t *testing.T) {
			g, p, seen := start(t, kind, Options{}, nil)
			t.Run("the official client", func(t *testing.T) {
				signsIn(t, g)
				if diff := cmp.Diff(want.callback, seen.names()); diff != "" {
					t.Errorf("the provider's answer (-want +got):\n%s", diff)
				}
				if iss := seen.last().Get("iss"); iss != "" && iss != p.Issuer {
					t.Errorf("the provider calls itself %s", iss)
				}
			})
			t.Run("who it was", func(t *testing.T) {
				in := g.Wait("login.succeeded", func(l gateway.Line) bool { return l.Field("event") == "login.succeeded" })
				if in.Field("issuer") != p.Issuer || (kind != demo && in.Field("subject") != Ada().Subject) {
					t.Errorf("the audit log says %s", in.Text)
				}
				if page := secondConsent(t, g); !strings.Contains(page.Text, want.known) {
					t.Errorf("a consent page does not say that the browser is %s's: %s", want.known, page.Text)
				}
			})
			if kind != demo {
				t.Run("somebody else", func(t *testing.T) { switches(t, g, p) })
			}
			if kind == Fosite || kind == OIDCProvider { // zitadel's page has no such button
				t.Run("a person says no", func(t *testing.T) { saysNo(t, g, seen) })
			}
			if kind != demo {
				t.Run("a replayed code", func(t *testing.T) { replays(t, g, seen) })
			}
		})
	}
}

// signsIn goes the whole way with the official client: from the MCP URL to a tool's answer, and on with a refreshed
// token.
func signsIn(t *testing.T, g *gateway.Gateway) {
	t.Helper()
	c := official.Connect(t, g, "2026-07-28")
	if got := len(c.Wire.Find("POST", "/oauth/register")); got != 1 {
		t.Errorf("it registered %d times", got)
	}
	if asked := c.SignIns(); len(asked) != 1 || asked[0].Get("code_challenge_method") != "S256" {
		t.Errorf("it sent the person to the browser with %v", asked)
	}
	if diff := cmp.Diff([]string{"add", "count", "echo"}, c.Tools(t)); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
	if got := c.Call(t, "echo", map[string]any{"text": "hello"}); got != "hello" {
		t.Errorf("echo: %q", got)
	}
	before := c.Purse.Now()
	c.Purse.Spoil(func(*oauth2.Token) {})
	if got := c.Call(t, "echo", map[string]any{"text": "again"}); got != "again" {
		t.Errorf("echo: %q", got)
	}
	after := c.Purse.Now()
	if after.AccessToken == before.AccessToken || after.RefreshToken == before.RefreshToken || len(c.SignIns()) != 1 {
		t.Error("the tokens were not refreshed, or not without the person")
	}
}

// secondConsent has Ada sign in for one client, and answers the page that asks her about another.
func secondConsent(t *testing.T, g *gateway.Gateway) *browser.Page {
	t.Helper()
	ada := g.Person(t, Ada().Name)
	if _, err := g.Login(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	other, err := g.Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	page, err := ada.Open(t.Context(), other.AuthorizeURL(oauth2.GenerateVerifier()))
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// switches has Grace sign in where the browser is Ada's, at the gateway and, with oidc-provider, at the provider too: that
// must ask who she is rather than take her for Ada.
func switches(t *testing.T, g *gateway.Gateway, p *Provider) {
	t.Helper()
	b, err := browser.New(g.Transport, gateway.RedirectURI)
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct{ answer, name, subject string }{
		{"allow", Ada().Name, Ada().Subject}, {"switch", Grace().Name, Grace().Subject},
	} {
		c, err := g.Register(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		verifier := oauth2.GenerateVerifier()
		at, err := b.Open(t.Context(), c.AuthorizeURL(verifier))
		if err != nil {
			t.Fatal(err)
		}
		if at, err = b.Press(t.Context(), at.Page, func(b browser.Button) bool { return b.Value == step.answer }); err != nil {
			t.Fatal(err)
		}
		if at.Page == nil || !at.Page.Has("username") {
			t.Fatalf("sign-in %d: nobody was asked who they are: %+v", i, at)
		}
		if at, err = p.SignIn(t.Context(), b, at.Page, step.name); err != nil {
			t.Fatal(err)
		}
		if err := c.Redeem(t.Context(), at.Callback.Get("code"), verifier); err != nil {
			t.Fatal(err)
		}
		g.Wait("the client's grant is "+step.name+"'s", func(l gateway.Line) bool {
			return l.Field("event") == "grant.created" && l.Field("client_id") == c.ID && l.Field("subject") == step.subject
		})
	}
}

// saysNo has a person allow the client at the gateway, and then not sign in at the provider.
func saysNo(t *testing.T, g *gateway.Gateway, seen *callbacks) {
	t.Helper()
	c, err := g.Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := browser.New(g.Transport, gateway.RedirectURI)
	if err != nil {
		t.Fatal(err)
	}
	at, err := b.Open(t.Context(), c.AuthorizeURL(oauth2.GenerateVerifier()))
	for _, answer := range []string{"allow", "deny"} {
		if err != nil {
			t.Fatal(err)
		}
		at, err = b.Press(t.Context(), at.Page, func(b browser.Button) bool { return b.Value == answer })
	}
	if err != nil || at.Callback.Get("error") != "access_denied" || at.Callback.Get("state") == "" ||
		at.Callback.Get("iss") != g.URL || at.Callback.Has("code") {
		t.Errorf("the client is answered %v, %v", at.Callback, err)
	}
	if got := seen.last().Get("error"); got != "access_denied" {
		t.Errorf("the provider said %q", got)
	}
}

// replays puts a code that was redeemed before into another sign-in's callback: the provider knows it again, and nobody
// comes in.
func replays(t *testing.T, g *gateway.Gateway, seen *callbacks) {
	t.Helper()
	if _, err := g.Login(t.Context(), g.Person(t, Ada().Name)); err != nil {
		t.Fatal(err)
	}
	cameIn := func() int {
		return len(g.Log.Lines(func(l gateway.Line) bool { return l.Field("event") == "login.succeeded" }))
	}
	used, before := seen.last().Get("code"), cameIn()
	seen.meddle(func(query url.Values) { query.Set("code", used) })
	_, err := g.Login(t.Context(), g.Person(t, Grace().Name))
	refused(t, g, err, http.StatusBadRequest, "invalid_grant", "")
	if got := cameIn() - before; got != 0 {
		t.Errorf("%d people came in", got)
	}
}

// What the operator has to mend stands in the log, with what to do. The person sees a page that leads to that line.
func TestFaultsOfTheSetUp(t *testing.T) {
	for name, test := range map[string]struct {
		o    Options
		edit func(*gateway.Gateway, *Provider)
		code string
		says string // in the log line
	}{
		"a scope is not ticked": {
			o:    Options{Scopes: []string{"openid", "profile"}},
			code: "invalid_scope", says: "tick openid, profile and email on the OAuth application",
		},
		"the client secret is another": {
			edit: func(g *gateway.Gateway, _ *Provider) {
				g.Setenv("CLERK_CLIENT_SECRET", gateway.Canary+"-of-another-application")
			},
			code: "invalid_client", says: "client secret",
		},
	} {
		t.Run(name, func(t *testing.T) {
			g, _, _ := start(t, Fosite, test.o, test.edit)
			_, err := g.Login(t.Context(), g.Person(t, Ada().Name))
			refused(t, g, err, http.StatusInternalServerError, test.code, test.says)
		})
	}
}

// The operator finds out from the log that the provider's certificate is a private authority's, and mends it.
func TestTheCertificateOfAPrivateAuthority(t *testing.T) {
	var right map[string]any
	g, _, _ := start(t, OIDCProvider, Options{}, func(g *gateway.Gateway, p *Provider) {
		right = map[string]any{"caFile": p.CAFile}
		g.SetOption(t, "browserLoginOverrides", map[string]any{})
	})
	const code, says = "token_endpoint_certificate", "browserLoginOverrides.caFile"
	_, err := g.Login(t.Context(), g.Person(t, Ada().Name))
	refused(t, g, err, http.StatusInternalServerError, code, says)

	reload := func(options map[string]any) {
		t.Helper()
		g.SetOption(t, "browserLoginOverrides", options)
		if r := g.Reload(); r.Result == runtime.Refused {
			t.Fatalf("%+v", r)
		}
	}
	reload(map[string]any{"caFile": newAuthority(t).file})
	_, err = g.Login(t.Context(), g.Person(t, Ada().Name))
	refused(t, g, err, http.StatusInternalServerError, code, says)

	reload(right)
	if _, err := g.Login(t.Context(), g.Person(t, Ada().Name)); err != nil {
		t.Errorf("with the right one: %v", err)
	}
}

// refused says that a sign-in ended at a calm page, and that the page leads to the line of the log that says why.
func refused(t *testing.T, g *gateway.Gateway, err error, status int, code, says string) {
	t.Helper()
	at, ok := errors.AsType[*browser.PageError](err)
	if !ok {
		t.Fatalf("the sign-in ended with %v", err)
	}
	line := g.Wait("sign-in failed, with the id that the page shows", func(l gateway.Line) bool {
		said, _ := l.Fields["log"].(map[string]any) // what a policy says of it
		id, _ := said["request_id"].(string)
		return l.Msg() == "sign-in failed" && id != "" && strings.Contains(at.Page.Text, id)
	})
	if !strings.Contains(line.Text, `"code":"`+code+`"`) || !strings.Contains(line.Text, says) {
		t.Errorf("the log says %s, want %s and %q", line.Text, code, says)
	}
	if at.Page.Status != status || at.Page.Heading == "" {
		t.Errorf("the page is %d %q, want %d", at.Page.Status, at.Page.Heading, status)
	}
	for _, word := range []string{code, "x509", "certificate"} {
		if strings.Contains(at.Page.Text, word) {
			t.Errorf("the page says %q to the person: %s", word, at.Page.Text)
		}
	}
	g.Wait("audit of "+code, func(l gateway.Line) bool {
		return l.Field("event") == "login.failed" && l.Field("reason") == code
	})
}
