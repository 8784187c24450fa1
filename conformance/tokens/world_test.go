package tokens

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"durward/conformance/gateway"
	"durward/runtime"
)

// waiting bounds what must happen soon, on a machine that does more.
const waiting = 30 * time.Second

// atOnce is how many callers present one thing at the same time.
const atOnce = 100

// rounds is how often everything is played.
func rounds() int {
	if soak() {
		return 10
	}
	return 1
}

func soak() bool { return os.Getenv("DURWARD_SOAK") != "" }

// world is a gateway with people, clients and a route.
type world struct {
	*gateway.Gateway
	http *http.Client
	// policies is policies.json as it ships, mode how refresh tokens are rotated.
	policies, mode string
}

// start starts a gateway, changed by edit if it is not nil.
func start(t *testing.T, edit func(*gateway.Gateway)) *world {
	t.Helper()
	w := &world{mode: "grace"}
	w.Gateway = gateway.Start(t, func(g *gateway.Gateway) {
		transport := &http.Transport{MaxIdleConnsPerHost: atOnce}
		t.Cleanup(transport.CloseIdleConnections)
		g.Transport = &elsewhere{next: transport}
		g.Save("gateway.json", `{"trustedProxies": ["127.0.0.1"]}`)
		if edit != nil {
			edit(g)
		}
	})
	w.http = &http.Client{Transport: w.Transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	w.policies = w.Read("policies.json")
	return w
}

// rotate has the gateway rotate refresh tokens in this way from now on.
func (w *world) rotate(mode string) {
	if mode == w.mode {
		return
	}
	w.mode = mode
	w.SaveAndWait("policies.json", strings.Replace(w.policies, `"frontendApiUrl"`,
		`"gateway": {"refreshTokenRotation": "`+mode+`"}, "frontendApiUrl"`, 1), runtime.Applied)
}

// elsewhere has every request come from another address, so that nobody is taken for a flood.
type elsewhere struct {
	next  http.RoundTripper
	count atomic.Uint32
}

// RoundTrip implements http.RoundTripper.
func (e *elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	n := e.count.Add(1)
	r = r.Clone(r.Context())
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255))
	return e.next.RoundTrip(r)
}

// CloseIdleConnections lets a gateway end that would wait for what might still be sent.
func (e *elsewhere) CloseIdleConnections() {
	if closer, ok := e.next.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// app is a client that somebody has allowed.
type app struct {
	*world
	id     string
	client *gateway.Client
	person *gateway.Person
	// code is what it was told last, verifier what that is redeemed with.
	code, verifier string
}

// allowed registers a client and has Ada allow it, with a browser that was never here.
func (w *world) allowed(t *testing.T) *app {
	t.Helper()
	return w.allowedBy(t, w.Person(t, "Ada Lovelace"))
}

// allowedBy registers a client and has this person allow it.
func (w *world) allowedBy(t *testing.T, person *gateway.Person) *app {
	t.Helper()
	client, err := w.Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := &app{world: w, id: client.ID, client: client, person: person}
	a.allow(t)
	return a
}

// allow has the client's person allow it, and perhaps sign in: there is a code then.
func (a *app) allow(t *testing.T) {
	t.Helper()
	a.verifier = oauth2.GenerateVerifier()
	landing, err := a.person.Allow(t.Context(), a.client.AuthorizeURL(a.verifier))
	if err != nil {
		t.Fatal(err)
	}
	a.code = landing.Get("code")
}

// signedIn is allowed for a client that has its first tokens.
func (w *world) signedIn(t *testing.T) (*app, answer) {
	t.Helper()
	a := w.allowed(t)
	first := a.redeem(t.Context(), a.verifier)
	first.want(t, "the first tokens", granted)
	return a, first
}

// redeem presents the code.
func (a *app) redeem(ctx context.Context, verifier string) answer {
	return a.ask(ctx, "/oauth/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {a.code}, "code_verifier": {verifier},
		"redirect_uri": {gateway.RedirectURI},
	})
}

// refresh presents a refresh token.
func (a *app) refresh(ctx context.Context, token string) answer {
	return a.ask(ctx, "/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// revoke takes a token back: with a refresh token, the whole grant.
func (a *app) revoke(ctx context.Context, token string) answer {
	return a.ask(ctx, "/oauth/revoke", url.Values{"token": {token}})
}

func (a *app) ask(ctx context.Context, path string, form url.Values) answer {
	form.Set("client_id", a.id)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{verdict: unanswered, err: err}
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, body, err := a.send(r)
	return told(status, body, err)
}

func (w *world) send(r *http.Request) (status int, body []byte, err error) {
	response, err := w.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// call calls a tool with an access token.
func (w *world) call(ctx context.Context, token string) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.MCP(), strings.NewReader(gateway.Echo))
	if err != nil {
		return 0, err
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer " + token, "Content-Type": "application/json",
		"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28",
		"Mcp-Method": "tools/call", "Mcp-Name": "echo",
	} {
		r.Header.Set(name, value)
	}
	status, _, err = w.send(r)
	return status, err
}

// wantCalls wants each of these access tokens to be good, or not.
func (w *world) wantCalls(t *testing.T, what string, alive bool, tokens ...string) {
	t.Helper()
	want := http.StatusUnauthorized
	if alive {
		want = http.StatusOK
	}
	for i, token := range tokens {
		if status, err := w.call(t.Context(), token); status != want {
			t.Errorf("%s: access token %d of %d: %d %v, want %d", what, i+1, len(tokens), status, err, want)
		}
	}
}

// wantRefused wants each of these refresh tokens to be good for nothing.
func (a *app) wantRefused(t *testing.T, what string, tokens ...string) {
	t.Helper()
	for i, token := range tokens {
		if got := a.refresh(t.Context(), token); got.verdict != invalidGrant {
			t.Errorf("%s: refresh token %d of %d: %s %v", what, i+1, len(tokens), got.verdict, got.err)
		}
	}
}

// grants is how many grants of the client the operator sees.
func (a *app) grants(t *testing.T) int {
	t.Helper()
	var list struct {
		Grants []struct {
			Client string `json:"client"`
		} `json:"grants"`
	}
	a.wantList(t, "grants", &list)
	for _, grant := range list.Grants {
		if grant.Client != a.id {
			t.Errorf("the operator is shown a grant of %s", grant.Client)
		}
	}
	return len(list.Grants)
}

// wantRegistration wants the operator to see the client, as one that has got tokens or has not.
func (a *app) wantRegistration(t *testing.T, what string, unused bool) {
	t.Helper()
	var list struct {
		Clients []struct {
			Unused bool `json:"unused"`
		} `json:"clients"`
	}
	a.wantList(t, "clients", &list)
	if len(list.Clients) != 1 || list.Clients[0].Unused != unused {
		t.Errorf("%s: the operator is shown the registrations %+v, want one with unused %v", what, list.Clients, unused)
	}
}

// wantList reads what the operator is shown of the client.
func (a *app) wantList(t *testing.T, what string, into any) {
	t.Helper()
	status, body, err := a.operate(t.Context(), http.MethodGet, what)
	if err != nil || status != http.StatusOK || json.Unmarshal(body, into) != nil {
		t.Fatalf("the operator's list of %s: %d %s %v", what, status, body, err)
	}
}

// end has the operator end all grants of the client or, if what is "clients", its registration with them.
func (a *app) end(ctx context.Context, what string) answer {
	status, body, err := a.operate(ctx, http.MethodDelete, what)
	return told(status, body, err)
}

func (a *app) operate(ctx context.Context, method, what string) (status int, body []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, method,
		a.Admin+"/-/policies/clerk/"+what+"?client="+url.QueryEscape(a.id), nil)
	if err != nil {
		return 0, nil, err
	}
	return a.send(r)
}
