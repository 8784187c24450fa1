package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"durward/conformance/gateway"
)

// app is an MCP client. It listens where it is answered.
type app struct {
	t        *testing.T
	world    *world
	name, id string
	*listener
	// answers are the queries that browsers brought to its redirect URI.
	answers chan url.Values
	config  oauth2.Config
}

// appHeading is what a browser shows when the app has been answered.
const appHeading = "Back in the app"

const appPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>App</title>
<link rel="icon" href="data:,"><h1>` + appHeading + `</h1>`

// newApp registers an app of that name which listens on this device.
func (w *world) newApp(t *testing.T, name string) *app { return w.newAppAt(t, name, "") }

// newAppAt registers an app that listens under a public name; on this device if host is empty.
func (w *world) newAppAt(t *testing.T, name, host string) *app {
	t.Helper()
	a := &app{t: t, world: w, name: name, listener: listen(t, host), answers: make(chan url.Values, 16)}
	a.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		switch r.URL.Path {
		case "/callback":
			a.answers <- r.URL.Query()
		case "/":
		default:
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, appPage)
	}))
	redirect := a.origin + "/callback"
	body, err := json.Marshal(map[string]any{
		"client_name": name, "redirect_uris": []string{redirect}, "token_endpoint_auth_method": "none",
		"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"},
	})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := w.client.Post(w.issuer+"/oauth/register", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatalf("register: %v", err)
	}
	defer answer.Body.Close()
	var registered struct {
		ID string `json:"client_id"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&registered); err != nil || answer.StatusCode != http.StatusCreated {
		t.Fatalf("register: %s %v", answer.Status, err)
	}
	a.id = registered.ID
	a.config = oauth2.Config{
		ClientID: a.id, RedirectURL: redirect,
		Endpoint: oauth2.Endpoint{
			AuthURL: w.issuer + "/oauth/authorize", TokenURL: w.issuer + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams,
		},
	}
	return a
}

func (w *world) resource() string { return w.origin + "/mcp/demo" }

// request is one authorization request of an app.
type request struct{ url, state, verifier string }

// ask makes an authorization request. more are further parameters, names and values in turn.
func (a *app) ask(more ...string) request {
	r := request{state: oauth2.GenerateVerifier()[:12], verifier: oauth2.GenerateVerifier()}
	options := []oauth2.AuthCodeOption{
		oauth2.S256ChallengeOption(r.verifier), oauth2.SetAuthURLParam("resource", a.world.resource()),
	}
	for i := 0; i < len(more); i += 2 {
		options = append(options, oauth2.SetAuthURLParam(more[i], more[i+1]))
	}
	r.url = a.config.AuthCodeURL(r.state, options...)
	return r
}

// answer waits for an answer to r, with its state and the gateway's iss (RFC 9207).
func (a *app) answer(r request) url.Values {
	a.t.Helper()
	ctx, stop := context.WithTimeout(a.t.Context(), patience)
	defer stop()
	select {
	case got := <-a.answers:
		if got.Get("state") != r.state || got.Get("iss") != a.world.issuer {
			a.t.Errorf("the app was told state %q and iss %q, want %q and %q",
				got.Get("state"), got.Get("iss"), r.state, a.world.issuer)
		}
		return got
	case <-ctx.Done():
		a.t.Fatal("the app was not answered")
		return nil
	}
}

// code waits for a code in answer to r.
func (a *app) code(r request) string {
	a.t.Helper()
	got := a.answer(r)
	if got.Get("code") == "" {
		a.t.Fatalf("the app was told %q, want a code", got.Get("error"))
	}
	return got.Get("code")
}

// refused waits for an answer to r that says access_denied and holds no code.
func (a *app) refused(r request) {
	a.t.Helper()
	got := a.answer(r)
	if got.Get("error") != "access_denied" || got.Has("code") {
		a.t.Errorf("the app was told error %q (a code: %v), want access_denied", got.Get("error"), got.Has("code"))
	}
}

// unanswered fails the test if the app has been answered.
func (a *app) unanswered() {
	a.t.Helper()
	select {
	case got := <-a.answers:
		a.t.Errorf("%s was answered: error %q, a code: %v", a.name, got.Get("error"), got.Has("code"))
	default:
	}
}

// redeem exchanges a code for tokens.
func (a *app) redeem(code string, r request) (*oauth2.Token, error) {
	return a.config.Exchange(context.WithValue(a.t.Context(), oauth2.HTTPClient, a.world.client), code,
		oauth2.VerifierOption(r.verifier), oauth2.SetAuthURLParam("resource", a.world.resource()))
}

// tokens waits for a code in answer to r and exchanges it.
func (a *app) tokens(r request) *oauth2.Token {
	a.t.Helper()
	tokens, err := a.redeem(a.code(r), r)
	if err != nil {
		a.t.Fatalf("redeem code: %v", err)
	}
	return tokens
}

// call calls a tool with an access token and answers the status.
func (a *app) call(token string) int {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, a.world.resource(), strings.NewReader(gateway.Echo))
	if err != nil {
		a.t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer " + token, "Content-Type": "application/json",
		"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28",
		"Mcp-Method": "tools/call", "Mcp-Name": "echo",
	} {
		r.Header.Set(name, value)
	}
	answer, err := a.world.client.Do(r)
	if err != nil {
		a.t.Fatalf("call: %v", err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// works fails the test unless the token opens the resource.
func (a *app) works(token string) {
	a.t.Helper()
	if status := a.call(token); status != http.StatusOK {
		a.t.Errorf("a call with %s's token is answered %d, want 200", a.name, status)
	}
}
