package cimd

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"durward/cmd/durward/demo/browser"
	"durward/conformance/clienthost"
	"durward/conformance/gateway"
)

// world is a gateway that may fetch documents from a host on this machine.
type world struct {
	*gateway.Gateway
	host *clienthost.Host
}

// start starts a gateway beside a host. change, if it is not nil, changes it before the launch.
func start(t *testing.T, change func(w *world)) *world {
	t.Helper()
	w := &world{host: clienthost.Start(t)}
	gateway.Start(t, func(g *gateway.Gateway) {
		w.Gateway = g
		g.SetOption(t, "gateway", map[string]any{"cimdDevelopment": w.host.Development()})
		if change != nil {
			change(w)
		}
	})
	return w
}

// app is a client that knows its document's URL, and how to prove that it is the one, if it does.
type app struct {
	w   *world
	id  string
	key *clienthost.Key
}

// publish publishes the document of an app.
func (w *world) publish(path string, changes map[string]any) *app {
	return &app{w: w, id: w.host.Publish(path, changes)}
}

// ask is where the app sends a person.
func (a *app) ask(verifier string) string {
	config := oauth2.Config{
		ClientID: a.id, RedirectURL: gateway.RedirectURI, Endpoint: oauth2.Endpoint{AuthURL: a.w.URL + "/oauth/authorize"},
	}
	return config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("resource", a.w.MCP()))
}

// answer is what the token endpoint said.
type answer struct {
	Status      int
	Access      string `json:"access_token"`
	Refresh     string `json:"refresh_token"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// call sends a form to one of the gateway's endpoints, as the app.
func (a *app) call(t *testing.T, path string, form url.Values) answer {
	t.Helper()
	form.Set("client_id", a.id)
	if a.key != nil {
		form.Set("client_assertion_type", clienthost.AssertionType)
		form.Set("client_assertion", a.key.Assert(t, clienthost.Claims(a.id, a.w.URL, nil)))
	}
	return a.send(t, path, form)
}

func (a *app) send(t *testing.T, path string, form url.Values) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.w.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got := answer{Status: resp.StatusCode}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil && !errors.Is(err, io.EOF) { // revocation says nothing
		t.Fatalf("%s: %v", path, err)
	}
	return got
}

// redeem exchanges a code.
func (a *app) redeem(t *testing.T, code, verifier string) answer {
	t.Helper()
	return a.call(t, "/oauth/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier}, "redirect_uri": {gateway.RedirectURI},
	})
}

// refresh exchanges a refresh token.
func (a *app) refresh(t *testing.T, token string) answer {
	t.Helper()
	return a.call(t, "/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// allow has a person allow the app, and answers the code and its verifier.
func (a *app) allow(t *testing.T, p *gateway.Person) (code, verifier string) {
	t.Helper()
	verifier = oauth2.GenerateVerifier()
	back, err := p.Allow(t.Context(), a.ask(verifier))
	if err != nil || back.Get("code") == "" {
		t.Fatalf("the person got no code: %v %v", back, err)
	}
	return back.Get("code"), verifier
}

// signIn takes the app all the way.
func (a *app) signIn(t *testing.T, p *gateway.Person) answer {
	t.Helper()
	code, verifier := a.allow(t, p)
	got := a.redeem(t, code, verifier)
	if got.Status != http.StatusOK {
		t.Fatalf("the code was not redeemed: %+v", got)
	}
	return got
}

// works wants an access token that the gateway's route takes, or not.
func (a *app) works(t *testing.T, what, token string, want bool) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.w.MCP(), strings.NewReader(gateway.Echo))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer " + token, "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "echo",
	} {
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.StatusCode == http.StatusOK; got != want {
		t.Errorf("%s: status %d", what, resp.StatusCode)
	}
}

// open opens the app's request in a fresh browser. The error is a *browser.PageError where a page says what is wrong.
func (a *app) open(t *testing.T) error {
	t.Helper()
	_, err := a.w.Person(t, "Ada Lovelace").Open(t.Context(), a.ask(oauth2.GenerateVerifier()))
	return err
}

// refusedPage wants the person to be shown a page of this status that says what is wrong.
func (a *app) refusedPage(t *testing.T, what string, status int, says string) {
	t.Helper()
	err := a.open(t)
	shown, ok := errors.AsType[*browser.PageError](err)
	if !ok || shown.Page.Status != status || !strings.Contains(shown.Page.Text, says) {
		t.Errorf("%s: %v, want a page with %d that says %q", what, err, status, says)
	}
}
