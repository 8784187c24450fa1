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
	"sync"
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
	id, verifier string
	// code is its code, which it has not redeemed.
	code string
}

// allowed registers a client and has a person allow it.
func (w *world) allowed(t *testing.T) *app {
	t.Helper()
	registered, err := w.Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := &app{world: w, id: registered.ID, verifier: oauth2.GenerateVerifier()}
	told, err := w.Person(t, "Ada Lovelace").Allow(t.Context(), registered.AuthorizeURL(a.verifier))
	if err != nil {
		t.Fatal(err)
	}
	a.code = told.Get("code")
	return a
}

// signedIn is allowed for a client that has its first tokens.
func (w *world) signedIn(t *testing.T) (*app, answer) {
	t.Helper()
	a := w.allowed(t)
	first := a.redeem(t.Context(), a.verifier)
	first.want(t, "the first tokens", granted)
	return a, first
}

// verdict is what an answer comes to.
type verdict string

const (
	granted      verdict = "200"
	invalidGrant verdict = "400 invalid_grant"
	unavailable  verdict = "503 temporarily_unavailable"
	unanswered   verdict = "no answer"
)

// answer is what the token endpoint answers.
type answer struct {
	verdict verdict
	access  string
	refresh string
	err     error
}

// want wants a verdict.
func (a answer) want(t *testing.T, what string, want verdict) {
	t.Helper()
	if a.verdict != want {
		t.Fatalf("%s: %s %v, want %s", what, a.verdict, a.err, want)
	}
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
	if err != nil {
		return answer{verdict: unanswered, err: err}
	}
	var told struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Error   string `json:"error"`
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &told); err != nil {
			return answer{verdict: verdict(fmt.Sprintf("%d without JSON", status)), err: err}
		}
	}
	return answer{
		verdict: verdict(strings.TrimSuffix(fmt.Sprintf("%d %s", status, told.Error), " ")),
		access:  told.Access, refresh: told.Refresh,
	}
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
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		a.Admin+"/-/policies/clerk/grants?client="+url.QueryEscape(a.id), nil)
	if err != nil {
		t.Fatal(err)
	}
	status, body, err := a.send(r)
	var list struct {
		Grants []struct {
			Client string `json:"client"`
		} `json:"grants"`
	}
	if err != nil || status != http.StatusOK || json.Unmarshal(body, &list) != nil {
		t.Fatalf("the operator's list: %d %s %v", status, body, err)
	}
	for _, grant := range list.Grants {
		if grant.Client != a.id {
			t.Errorf("the operator is shown a grant of %s", grant.Client)
		}
	}
	return len(list.Grants)
}

// together has n callers do something at the same moment, and answers what they were answered.
func together(n int, do func(i int) answer) []answer {
	answers := make([]answer, n)
	var ready, work sync.WaitGroup
	ready.Add(n)
	for i := range n {
		work.Go(func() {
			ready.Done()
			ready.Wait()
			answers[i] = do(i)
		})
	}
	work.Wait()
	return answers
}

// tally counts the verdicts of answers.
func tally(answers []answer) map[verdict]int {
	count := map[verdict]int{}
	for _, a := range answers {
		count[a.verdict]++
	}
	return count
}

// tokensIn answers what was handed out: every access token, and each refresh token once.
func tokensIn(answers []answer) (access, refresh []string) {
	seen := map[string]bool{"": true}
	for _, a := range answers {
		if a.access != "" {
			access = append(access, a.access)
		}
		if !seen[a.refresh] {
			seen[a.refresh] = true
			refresh = append(refresh, a.refresh)
		}
	}
	return access, refresh
}
