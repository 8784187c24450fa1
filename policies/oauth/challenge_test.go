package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"durward/policies"
)

const challenge = `Bearer resource_metadata="` + origin + `/.well-known/oauth-protected-resource/mcp/demo", ` +
	`scope="mcp:tools"`

func TestB5_B6_B10_Challenge(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	good := "Bearer " + held.access
	tests := map[string]struct {
		headers []string
		status  int
		code    string
	}{
		"no credential":           {nil, 401, ""},
		"another scheme":          {[]string{"Basic dTpw"}, 401, ""},
		"S56 refresh token":       {[]string{"Bearer " + held.refresh}, 401, "invalid_token"},
		"S56 provider's token":    {[]string{"Bearer a.b.c"}, 401, "invalid_token"},
		"S65 alg none":            {[]string{"Bearer eyJhbGciOiJub25lIn0.e30."}, 401, "invalid_token"},
		"one character changed":   {[]string{good[:50] + flip(good[50:])}, 401, "invalid_token"},
		"B10 lower-case scheme":   {[]string{"bearer " + held.access}, 200, ""},
		"S64 two headers":         {[]string{good, good}, 400, "invalid_request"},
		"S64 two tokens":          {[]string{good + ", Bearer x"}, 400, "invalid_request"},
		"S64 no token":            {[]string{"Bearer"}, 400, "invalid_request"},
		"S64 Bearer twice":        {[]string{"Bearer " + good}, 400, "invalid_request"},
		"quotes in the challenge": {[]string{`Bearer "x"`}, 400, "invalid_request"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := w.request(http.MethodPost, "/mcp/demo", "{}")
			for _, value := range test.headers {
				r.Header.Add("Authorization", value)
			}
			got := w.do(&http.Client{Transport: w.gateway}, r)
			if got.StatusCode != test.status {
				t.Fatalf("status %d, want %d: %s", got.StatusCode, test.status, got.body)
			}
			if test.status == http.StatusOK {
				return
			}
			lines := got.Header.Values("WWW-Authenticate")
			if len(lines) != 1 || !strings.HasPrefix(lines[0], challenge) {
				t.Fatalf("challenge %q", lines)
			}
			rest := strings.TrimPrefix(lines[0], challenge)
			if test.code == "" && rest != "" || test.code != "" && !strings.HasPrefix(rest, `, error="`+test.code+`"`) {
				t.Errorf("challenge ends in %q, want error %q", rest, test.code)
			}
			got.json(t)
		})
	}
}

// flip changes the last character of a token to another of its alphabet.
func flip(text string) string {
	last := "A"
	if strings.HasSuffix(text, last) {
		last = "B"
	}
	return text[:len(text)-1] + last
}

func TestB11_TokenInQueryIsIgnored(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	if got := w.get("/mcp/demo?access_token=" + held.access); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d", got.StatusCode)
	}
}

func TestB12_S62_TokenOfAnotherRoute(t *testing.T) {
	w := newWorld(t, "/mcp/a", "/mcp/b")
	held := w.signIn("alice", "resource", origin+"/mcp/a")
	w.wantCall("its own", "/mcp/a", held.access, http.StatusOK)
	w.wantCall("another", "/mcp/b", held.access, http.StatusUnauthorized)
	w.wantCall("its own, elsewhere", "https://other.example/mcp/a", held.access, http.StatusUnauthorized)
}

func TestRefusedCredentialIsMarked(t *testing.T) {
	w := newWorld(t)
	ctx := policies.WithCall(context.Background(), policies.Call{Time: w.host.Clock.Now()})
	for token, marked := range map[string]bool{"": false, "Bearer x": true, "Basic dTpw": true} {
		request := policies.Request{Route: "r-mcp-demo", Origin: origin, Header: http.Header{}}
		if token != "" {
			request.Header.Set("Authorization", token)
		}
		decision, err := w.gateway.Policy.Evaluate(ctx, request)
		if err != nil || decision.Outcome != policies.Respond || decision.RefusedCredential != marked {
			t.Errorf("credential %q: %+v, %v", token, decision, err)
		}
		if marked && (decision.TTL <= 0 || decision.TTL > time.Second) {
			t.Errorf("a refused credential is remembered for %v, want a second at most", decision.TTL)
		}
	}
}

// A token that does not cover the tools is known all the same: what is decided on it holds as long as an allow would, and
// ends with the grant.
func TestNarrowTokenIsDecidedOnce(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice", "scope", "offline_access")
	narrow := w.tokensOf(held.client, w.refresh(held, "scope", "offline_access"))
	ctx := policies.WithCall(context.Background(), policies.Call{Time: w.host.Clock.Now()})
	decide := func(token string) policies.Decision {
		decision, err := w.gateway.Policy.Evaluate(ctx, policies.Request{
			Route: "r-mcp-demo", Origin: origin, Header: http.Header{"Authorization": {"Bearer " + token}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return decision
	}
	want, got := decide(held.access), decide(narrow.access)
	if got.Outcome != policies.Respond || got.Response.Status != http.StatusForbidden || got.RefusedCredential {
		t.Fatalf("decision %+v", got)
	}
	if got.TTL != want.TTL || !slices.Equal(got.Tags, want.Tags) {
		t.Errorf("the refusal holds %v under %v, an allow %v under %v", got.TTL, got.Tags, want.TTL, want.Tags)
	}
}

// A fault is never an answer about the token, and a call that says too little is never an allow.
func TestEvaluateFailsClosed(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	request := policies.Request{
		Route: "r-mcp-demo", Origin: origin, Header: http.Header{"Authorization": {"Bearer " + held.access}},
	}
	now := policies.WithCall(context.Background(), policies.Call{Time: w.host.Clock.Now()})
	if decision, err := w.gateway.Policy.Evaluate(now, request); err != nil || decision.Outcome != policies.Allow {
		t.Fatalf("a good token: %+v, %v", decision, err)
	}
	if _, err := w.gateway.Policy.Evaluate(context.Background(), request); err == nil {
		t.Error("a call without time was decided")
	}
	unknown := request
	unknown.Route = "other"
	if _, err := w.gateway.Policy.Evaluate(now, unknown); err == nil {
		t.Error("an unknown route was decided")
	}
	for _, kind := range []string{"access/", "grant/"} {
		w.host.Store.Intercept(func(_ string, keys []string, do func() error) error {
			if strings.HasPrefix(keys[0], kind) {
				return errors.New("disk on fire")
			}
			return do()
		})
		if decision, err := w.gateway.Policy.Evaluate(now, request); err == nil {
			t.Errorf("with a fault at %s: %+v", kind, decision)
		}
	}
}

func TestEvaluateAsksTheStoreOnlyForWhatMayBeOurs(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	gets := 0
	w.host.Store.Intercept(func(_ string, _ []string, do func() error) error { gets++; return do() })
	w.wantCall("wrong checksum", "/mcp/demo", held.access[:51]+flip(held.access[51:]), http.StatusUnauthorized)
	if gets != 0 {
		t.Errorf("noise cost %d store calls", gets)
	}
	w.wantCall("good", "/mcp/demo", held.access, http.StatusOK)
	if gets != 2 {
		t.Errorf("a good token cost %d store calls, want 2", gets)
	}
}

func TestRecordsOfAnotherFormatAreAFault(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	for _, record := range w.host.Store.Records() {
		if !strings.HasPrefix(record.Key, "access/") {
			continue
		}
		later := strings.Replace(string(record.Value), `"format":1`, `"format":2`, 1)
		if err := w.host.Store.Commit(context.Background(), policies.Change{Puts: []policies.Put{
			{Key: record.Key, Value: []byte(later), Expect: record.Version, Expires: record.Expires},
		}}); err != nil {
			t.Fatal(err)
		}
	}
	w.wantCall("format 2", "/mcp/demo", held.access, http.StatusServiceUnavailable)
}
