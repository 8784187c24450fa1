package oauth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"durward/policies"
	"durward/policies/oauth"
	"durward/policies/policytest"
)

const (
	origin   = "https://mcp.example.com"
	redirect = "https://app.example/cb"
	verifier = "verifier-verifier-verifier-verifier-verifier"
)

// world is a gateway with one policy, and somebody who talks to it over HTTP only: with a browser (here) and as an MCP
// client (holder_test.go).
type world struct {
	*testing.T
	host     *policytest.Host
	provider *policytest.Provider
	gateway  *policytest.Gateway
	browser  *http.Client
	base     string // where the policy lies: what is below /oauth/ is meant below it
}

func newWorld(t *testing.T, routes ...string) *world {
	t.Helper()
	return newWorldWith(t, `{"clientId":"c","clientSecret":"canary-secret"}`, routes...)
}

func newWorldWith(t *testing.T, options string, routes ...string) *world {
	t.Helper()
	if len(routes) == 0 {
		routes = []string{"/mcp/demo"}
	}
	provider := policytest.NewProvider()
	provider.Welcome("alice", "alice")
	provider.Welcome("bob", "bob")
	host := policytest.NewHost()
	gateway, err := policytest.NewGateway(host, oauth.Policy(provider), inputOf(options, routes...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { asDocumented(t, host.Audit.Events()) })
	return &world{T: t, host: host, provider: provider, gateway: gateway, browser: gateway.Client()}
}

func inputOf(options string, routes ...string) policies.Input {
	input := policies.Input{Name: "clerk", Options: json.RawMessage(options)}
	for _, path := range routes {
		input.Routes = append(input.Routes, policies.Route{ID: "r" + strings.ReplaceAll(path, "/", "-"), Path: path})
	}
	return input
}

// answer is an HTTP answer that has been read.
type answer struct {
	*http.Response
	body string
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(a.body), &members); err != nil {
		t.Fatalf("status %d, not JSON: %v: %s", a.StatusCode, err, a.body)
	}
	return members
}

func (a answer) location(t *testing.T) *url.URL {
	t.Helper()
	target, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.Header.Get("Location") == "" {
		t.Fatalf("status %d, no redirect (%v): %s", a.StatusCode, err, a.body)
	}
	return target
}

func (w *world) do(client *http.Client, r *http.Request) answer {
	w.Helper()
	response, err := client.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.Fatal(err)
	}
	return answer{response, string(body)}
}

func (w *world) request(method, target, body string, header ...string) *http.Request {
	w.Helper()
	if strings.HasPrefix(target, "/oauth/") {
		target = w.base + target
	}
	if strings.HasPrefix(target, "/") {
		target = origin + target
	}
	r, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func (w *world) get(target string, header ...string) answer {
	w.Helper()
	return w.do(w.browser, w.request(http.MethodGet, target, "", header...))
}

// post sends a form without cookies, as an MCP client does.
func (w *world) post(target string, form url.Values, header ...string) answer {
	w.Helper()
	header = append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)
	return w.do(&http.Client{Transport: w.gateway}, w.request(http.MethodPost, target, form.Encode(), header...))
}

func (w *world) register(body string) answer {
	w.Helper()
	return w.do(&http.Client{Transport: w.gateway},
		w.request(http.MethodPost, "/oauth/register", body, "Content-Type", "application/json"))
}

// client registers a client with these redirect URIs and answers its id.
func (w *world) client(redirects ...string) string {
	w.Helper()
	if len(redirects) == 0 {
		redirects = []string{redirect}
	}
	body, _ := json.Marshal(map[string]any{"client_name": "An App", "redirect_uris": redirects})
	registered := w.register(string(body))
	if registered.StatusCode != http.StatusCreated {
		w.Fatalf("register: %d %s", registered.StatusCode, registered.body)
	}
	return registered.json(w.T)["client_id"].(string)
}

// ask answers the query of a good authorization request, changed by pairs: an empty value takes the parameter away.
func ask(client string, changes ...string) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	query := url.Values{
		"response_type":         {"code"},
		"client_id":             {client},
		"redirect_uri":          {redirect},
		"state":                 {"st/+ &=é"},
		"code_challenge":        {base64.RawURLEncoding.EncodeToString(sum[:])},
		"code_challenge_method": {"S256"},
	}
	return change(query, changes...)
}

func change(values url.Values, changes ...string) url.Values {
	for i := 0; i+1 < len(changes); i += 2 {
		values.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			values.Del(changes[i])
		}
	}
	return values
}

func (w *world) authorize(query url.Values) answer {
	w.Helper()
	return w.get("/oauth/authorize?" + query.Encode())
}

var hidden = regexp.MustCompile(`name="(request|csrf)" value="([^"]+)"`)

// formOf reads the hidden fields of a consent page.
func (w *world) formOf(page answer) url.Values {
	w.Helper()
	if page.StatusCode != http.StatusOK {
		w.Fatalf("not a consent page: %d %s", page.StatusCode, page.body)
	}
	return w.hiddenOf(page)
}

// hiddenOf reads the hidden fields of a page with a question.
func (w *world) hiddenOf(page answer) url.Values {
	w.Helper()
	form := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(page.body, -1) {
		form.Set(field[1], field[2])
	}
	if len(form) != 2 {
		w.Fatalf("not a page with a question: %d %s", page.StatusCode, page.body)
	}
	return form
}

// consent answers a consent page in the browser.
func (w *world) consent(page answer, reply string) answer {
	w.Helper()
	return w.submit(w.browser, change(w.formOf(page), "answer", reply))
}

func (w *world) submit(client *http.Client, form url.Values, header ...string) answer {
	w.Helper()
	if len(header) == 0 {
		header = []string{"Origin", origin, "Sec-Fetch-Site", "same-origin"}
	}
	header = append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)
	return w.do(client, w.request(http.MethodPost, "/oauth/consent", form.Encode(), header...))
}

// atProvider consents to a good request and answers the provider's URL at which the browser ends.
func (w *world) atProvider(client string, changes ...string) *url.URL {
	w.Helper()
	return w.atProviderBy(client, "allow", changes...)
}

func (w *world) atProviderBy(client, reply string, changes ...string) *url.URL {
	w.Helper()
	sent := w.consent(w.authorize(ask(client, changes...)), reply)
	target := sent.location(w.T)
	if target.Host != "idp.example" {
		w.Fatalf("consent led to %s: %s", target, sent.body)
	}
	return target
}

func (w *world) callback(provider *url.URL, person string) answer {
	w.Helper()
	query := url.Values{"state": {provider.Query().Get("state")}, "code": {person}}
	return w.get("/oauth/callback?" + query.Encode())
}

// code signs a person in and answers the code that the client got.
func (w *world) code(client, person string, changes ...string) string {
	w.Helper()
	back := w.callback(w.atProvider(client, changes...), person).location(w.T)
	if back.Query().Get("code") == "" {
		w.Fatalf("no code came back: %s", back)
	}
	return back.Query().Get("code")
}

// wantPage checks that a person is shown an error and sent nowhere.
func (w *world) wantPage(what string, got answer, status int) {
	w.Helper()
	if got.StatusCode != status || got.Header.Get("Location") != "" {
		w.Errorf("%s: status %d, Location %q; want a page with %d", what, got.StatusCode, got.Header.Get("Location"), status)
	}
	if !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
		w.Errorf("%s: content type %q, want a page", what, got.Header.Get("Content-Type"))
	}
	if !strings.Contains(got.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
		got.Header.Get("X-Frame-Options") != "DENY" {
		w.Errorf("%s: the page may be framed (S15)", what)
	}
}

// handleOf is how a cookie's name follows from the state.
func handleOf(state string) string {
	sum := sha256.Sum256([]byte(state))
	return hex.EncodeToString(sum[:])[:16]
}

// together makes callers race: nobody goes on from a first reading of such a record before all have read it.
func together(kind string, callers int) policytest.Interceptor {
	var read sync.WaitGroup
	read.Add(callers)
	first := make(chan struct{}, callers)
	return func(op string, keys []string, do func() error) error {
		err := do()
		if op == "get" && strings.HasPrefix(keys[0], kind) {
			select {
			case first <- struct{}{}:
				read.Done()
				read.Wait()
			default: // read again after losing
			}
		}
		return err
	}
}
