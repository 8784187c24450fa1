package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"durward/conformance/gateway"
)

// TestStory tells what happens between two clients, two people and an operator, step by step, and wants just those lines
// of the audit.
func TestStory(t *testing.T) {
	s := begin(t)
	form := func(values ...string) url.Values {
		all := url.Values{}
		for i := 0; i+1 < len(values); i += 2 {
			all.Set(values[i], values[i+1])
		}
		return all
	}
	ada, other := s.gateway.Person(t, "Ada Lovelace"), s.gateway.Person(t, "Ada Lovelace")

	// Registration, and requests that lead nowhere.
	s.post("/oauth/register", "application/json", `{"redirect_uris":["javascript:alert(1)"]}`, 400)
	s.want("registration.refused refused reason=invalid_redirect_uri")
	one := s.register("one", gateway.RedirectURI)
	s.want("client.registered success client_id=one client_host=localhost")
	two := s.register("two", "https://two.example/cb")
	s.want("client.registered success client_id=two client_host=two.example")
	s.get("/oauth/authorize?client_id=nobody", 400) // which may be any text that somebody sends: it is not in the log
	s.want("client.refused refused reason=unknown")
	s.get("/oauth/authorize?client_id="+two+"&redirect_uri=https://evil.example/", 400)
	s.want("authorization.refused refused client_id=two client_host=two.example reason=redirect_uri")
	s.get("/oauth/authorize?client_id="+two+"&response_type=token", 400)
	s.want("authorization.refused refused client_id=two client_host=two.example reason=unsupported_response_type")

	// Consent and sign-in; a code in the wrong hands, and in the right ones twice.
	const of = " issuer=provider subject=ada client_id=one client_host=localhost"
	const asked, granted = " resource=route scope=mcp:tools", " grant=first resource=route scope=mcp:tools"
	client := s.clientOf(one)
	verifier := oauth2.GenerateVerifier()
	answer, err := ada.Allow(t.Context(), client.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)))
	if err != nil {
		t.Fatal(err)
	}
	s.want("consent.given success client_id=one client_host=localhost"+asked, "login.succeeded success"+of+asked)
	code := form("grant_type", "authorization_code", "client_id", two, "code", answer.Get("code"), "code_verifier", verifier)
	s.form("/oauth/token", code, 400)
	s.name("first", "grant")
	s.want("code.refused refused issuer=provider subject=ada client_id=two client_host=two.example" + granted + " reason=other_client")
	code.Set("client_id", one)
	code.Set("code_verifier", oauth2.GenerateVerifier())
	s.form("/oauth/token", code, 400)
	s.want("code.refused refused" + of + granted + " reason=wrong_verifier")
	code.Set("code_verifier", verifier)
	tokens := s.form("/oauth/token", code, 200)
	s.want("code.redeemed success"+of+granted, "grant.created success"+of+granted)

	// Refreshing, once more within the grace, by another client, and after the successor was used.
	refresh := form("grant_type", "refresh_token", "client_id", one, "refresh_token", tokens["refresh_token"].(string))
	next := s.form("/oauth/token", refresh, 200)
	s.want("token.refreshed success" + of + granted)
	s.form("/oauth/token", refresh, 200)
	s.want("token.refreshed success" + of + granted + " reason=repeated")
	refresh.Set("client_id", two)
	s.form("/oauth/token", refresh, 400)
	s.want("token.refused refused client_id=two client_host=two.example grant=first reason=other_client")
	refresh.Set("client_id", one)
	refresh.Set("scope", "mcp:tools offline_access")
	s.form("/oauth/token", refresh, 400)
	s.want("token.refused refused" + of + granted + " reason=invalid_scope")
	refresh.Del("scope")
	last := s.form("/oauth/token", form("grant_type", "refresh_token", "client_id", one, "refresh_token", next["refresh_token"].(string)), 200)
	s.want("token.refreshed success" + of + granted)
	s.form("/oauth/token", refresh, 400)
	s.want("token.replayed refused" + of + granted + " reason=successor_used")

	// What a client takes back, and what a replay does.
	s.form("/oauth/revoke", form("client_id", one, "token", last["access_token"].(string)), 200)
	s.want("token.revoked success" + of + granted + " reason=client")
	s.form("/oauth/token", code, 400)
	s.want("code.replayed refused"+of+granted+" reason=second_use", "grant.revoked success"+of+granted+" reason=code_replayed")

	// What an operator ends. In a browser that is signed in nobody is asked for a second sign-in.
	s.connect(client, ada)
	s.name("second", "grant")
	second := strings.Replace(granted, "first", "second", 1)
	s.want("consent.given success"+of+asked, "code.redeemed success"+of+second, "grant.created success"+of+second)
	s.connect(client, other)
	s.name("third", "grant")
	third := strings.Replace(granted, "first", "third", 1)
	s.want("consent.given success client_id=one client_host=localhost"+asked, "login.succeeded success"+of+asked,
		"code.redeemed success"+of+third, "grant.created success"+of+third)
	s.operator("/grants?grant=" + s.named("third"))
	s.want("grant.revoked success" + of + third + " reason=operator")
	s.operator("/clients?client=" + one)
	s.want("client.revoked success client_id=one client_host=localhost reason=operator",
		"grant.revoked success"+of+second+" reason=operator")
	s.operator("/grants?subject=" + s.named("ada"))
	s.want("session.ended success issuer=provider subject=ada reason=operator",
		"session.ended success issuer=provider subject=ada reason=operator")

	// A flood is told of once.
	for _, status := range []int{401, 401, 401, 429, 429, 429} {
		s.form("/oauth/token", refresh, status)
	}
	for range 3 {
		s.want("client.refused refused client_id=one reason=unknown")
	}
	s.want("limit.reached refused reason=client_failures")

	// What was nobody's leaves no line: this one is the last.
	s.form("/oauth/revoke", form("client_id", two, "token", "dwa_nonsense"), 429)
	s.get("/oauth/callback?state=nonsense&code=x", 400)
	s.get("/oauth/grants", 200)
	s.post("/oauth/register", "text/plain", `{}`, 400)
	s.want("registration.refused refused reason=invalid_client_metadata")
}

// story is what has happened so far, and how far the audit has been read.
type story struct {
	t       *testing.T
	gateway *gateway.Gateway
	read    int
	pending []gateway.Line
	// ids of the answers so far: each line must lead to one of them.
	ids map[string]bool
	// names stand for what is different in each run.
	names map[string]string
}

func begin(t *testing.T) *story {
	s := &story{t: t, ids: map[string]bool{}, names: map[string]string{}}
	s.gateway = gateway.Start(t, func(g *gateway.Gateway) {
		g.Transport = noting{s.ids}
		g.SetOption(t, "gateway", map[string]any{"limits": map[string]any{"clientFailuresPerMinute": 3}})
		g.SetOption(t, "scope", "openid profile email")
	})
	s.gateway.Save("gateway.json", `{"log":{"level":"error"}}`)
	if !gateway.Within(30*time.Second, func() bool { return s.gateway.Status().Number == 2 }) {
		t.Fatalf("the log is not quieter:\n%s", s.gateway.Log.Text())
	}
	s.names[s.gateway.Parts.Issuer()] = "provider"
	s.names[s.gateway.MCP()] = "route"
	s.names["user_dev_ada"] = "ada"
	return s
}

// noting keeps the ids of all requests that were answered.
type noting struct{ ids map[string]bool }

func (n noting) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		n.ids[answer.Header.Get("X-Request-Id")] = true
	}
	return answer, err
}

// next waits for the next line of the audit.
func (s *story) next() gateway.Line {
	s.t.Helper()
	if len(s.pending) > 0 {
		line := s.pending[0]
		s.pending = s.pending[1:]
		return line
	}
	var line gateway.Line
	isAudit := func(l gateway.Line) bool { return l.Msg() == "audit" }
	if !gateway.Within(30*time.Second, func() bool {
		all := s.gateway.Log.Lines(isAudit)
		if len(all) > s.read {
			line = all[s.read]
		}
		return len(all) > s.read
	}) {
		s.t.Fatalf("no line comes in the audit:\n%s", s.gateway.Log.Text())
	}
	s.read++
	return line
}

// name gives a field's value of the last line but a few that name it, once it is there, a name for the rest of the story.
func (s *story) name(name, field string) {
	s.t.Helper()
	var held []gateway.Line
	for {
		line := s.next()
		held = append(held, line)
		if value := line.Field(field); value != "" && s.names[value] == "" {
			s.names[value] = name
			s.pending = append(held, s.pending...)
			return
		}
	}
}

func (s *story) named(name string) string {
	for value, given := range s.names {
		if given == name {
			return value
		}
	}
	s.t.Fatalf("nothing is called %s", name)
	return ""
}

// want reads lines, which must say this and no more.
func (s *story) want(wanted ...string) {
	s.t.Helper()
	for _, want := range wanted {
		line := s.next()
		said := []string{line.Field("event"), line.Field("outcome")}
		for _, field := range []string{"issuer", "subject", "client_id", "client_host", "grant", "resource", "scope", "reason"} {
			value := line.Field(field)
			if value == "" {
				continue
			}
			if name, ok := s.names[value]; ok {
				value = name
			}
			said = append(said, field+"="+value)
		}
		if got := strings.Join(said, " "); got != want {
			s.t.Fatalf("the audit says\n%s, want\n%s\n%s", got, want, line.Text)
		}
		if !s.ids[line.Field("request_id")] {
			s.t.Errorf("request_id is of no answer: %s", line.Text)
		}
		byOperator := line.Field("reason") == "operator"
		if (line.Field("address") == "127.0.0.1") == byOperator || line.Field("policy") != "clerk" || line.Field("time") == "" {
			s.t.Errorf("address, policy or time: %s", line.Text)
		}
	}
}

func (s *story) send(method, address, kind, body string, status int) []byte {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	answer, err := s.gateway.Transport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if answer.StatusCode != status {
		s.t.Fatalf("%s %s: %d, want %d: %s", method, address, answer.StatusCode, status, text)
	}
	return text
}

func (s *story) get(path string, status int) {
	s.t.Helper()
	s.send(http.MethodGet, s.gateway.URL+path, "", "", status)
}

func (s *story) post(path, kind, body string, status int) []byte {
	s.t.Helper()
	return s.send(http.MethodPost, s.gateway.URL+path, kind, body, status)
}

func (s *story) form(path string, form url.Values, status int) map[string]any {
	s.t.Helper()
	text := s.post(path, "application/x-www-form-urlencoded", form.Encode(), status)
	var members map[string]any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &members); err != nil {
			s.t.Fatalf("%s: %s", path, text)
		}
	}
	return members
}

func (s *story) operator(path string) {
	s.t.Helper()
	s.send(http.MethodDelete, s.gateway.Admin+"/-/policies/clerk"+path, "", "", http.StatusOK)
}

func (s *story) register(name, redirect string) string {
	s.t.Helper()
	var client struct {
		ID string `json:"client_id"`
	}
	text := s.post("/oauth/register", "application/json", fmt.Sprintf(`{"redirect_uris":[%q]}`, redirect), http.StatusCreated)
	if err := json.Unmarshal(text, &client); err != nil {
		s.t.Fatal(err)
	}
	s.names[client.ID] = name
	return client.ID
}

func (s *story) clientOf(id string) oauth2.Config {
	return oauth2.Config{
		ClientID: id, RedirectURL: gateway.RedirectURI, Scopes: []string{"mcp:tools"},
		Endpoint: oauth2.Endpoint{
			AuthURL: s.gateway.URL + "/oauth/authorize", TokenURL: s.gateway.URL + "/oauth/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
}

// connect takes a client all the way to its tokens.
func (s *story) connect(client oauth2.Config, who *gateway.Person) {
	s.t.Helper()
	verifier := oauth2.GenerateVerifier()
	answer, err := who.Allow(s.t.Context(), client.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)))
	if err != nil {
		s.t.Fatal(err)
	}
	ctx := context.WithValue(s.t.Context(), oauth2.HTTPClient, &http.Client{Transport: s.gateway.Transport})
	if _, err := client.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(verifier)); err != nil {
		s.t.Fatal(err)
	}
}
