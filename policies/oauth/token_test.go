package oauth_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestA50_TokenResponse(t *testing.T) {
	w := newWorldWith(t, `{"clientId":"c","gateway":{"accessTokenTtlSeconds":1200}}`)
	client := w.client()
	got := w.post("/oauth/token", redemption(client, w.code(client, "alice")))
	members := got.json(t)
	if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", got.Header)
	}
	if members["token_type"] != "Bearer" || members["expires_in"] != 1200.0 || members["scope"] != "mcp:tools" {
		t.Errorf("answer %v", members)
	}
	for name, prefix := range map[string]string{"access_token": "dwa_", "refresh_token": "dwr_"} {
		if text, _ := members[name].(string); !strings.HasPrefix(text, prefix) || len(text) != 52 {
			t.Errorf("%s has the form %.4s… of %d characters", name, text, len(text))
		}
	}
}

func TestA36_A47_S12_S50_S51_WrongRedemptions(t *testing.T) {
	w := newWorld(t, "/mcp/a", "/mcp/b")
	client, other := w.client(), w.client()
	code := w.code(client, "alice", "resource", origin+"/mcp/a")
	wrong := strings.Repeat("w", 43)
	tests := map[string]struct {
		form   url.Values
		status int
		code   string
	}{
		"S12 no verifier":       {redemption(client, code, "code_verifier", ""), 400, "invalid_grant"},
		"S50 wrong verifier":    {redemption(client, code, "code_verifier", wrong), 400, "invalid_grant"},
		"short verifier":        {redemption(client, code, "code_verifier", "x"), 400, "invalid_grant"},
		"S51 another client":    {redemption(other, code), 400, "invalid_grant"},
		"S51 another redirect":  {redemption(client, code, "redirect_uri", redirect+"/"), 400, "invalid_grant"},
		"A53 another resource":  {redemption(client, code, "resource", origin+"/mcp/b"), 400, "invalid_target"},
		"A53 unknown resource":  {redemption(client, code, "resource", origin+"/x"), 400, "invalid_target"},
		"unknown client":        {redemption("dw-unknown", code), 401, "invalid_client"},
		"no client":             {redemption(client, code, "client_id", ""), 400, "invalid_request"},
		"a secret from nowhere": {redemption(client, code, "client_secret", "x"), 401, "invalid_client"},
		"no code":               {redemption(client, "", "code", ""), 400, "invalid_request"},
		"noise":                 {redemption(client, "dwc_noise"), 400, "invalid_grant"},
		"wrong checksum":        {redemption(client, code[:51]+flip(code[51:])), 400, "invalid_grant"},
		"no grant type":         {redemption(client, code, "grant_type", ""), 400, "invalid_request"},
		"unknown grant type":    {redemption(client, code, "grant_type", "password"), 400, "unsupported_grant_type"},
	}
	for name, test := range tests {
		w.wantError("before: "+name, w.post("/oauth/token", test.form), test.status, test.code)
	}
	elsewhere := w.post("https://other.example/oauth/token", redemption(client, code))
	w.wantError("at another issuer", elsewhere, http.StatusBadRequest, "invalid_grant")
	// A49: none of it used the code up.
	held := w.tokensOf(client, w.post("/oauth/token", redemption(client, code, "resource", origin+"/mcp/a")))
	// S50: after the real exchange it changes nothing either.
	for name, test := range tests {
		w.wantError("after: "+name, w.post("/oauth/token", test.form), test.status, test.code)
	}
	w.wantCall("the real one's token", "/mcp/a", held.access, http.StatusOK)
	if len(w.host.Store.Purged()) != 0 {
		t.Error("a wrong redemption purged something")
	}
}

func TestRedirectURIMayBeLeftOutAtTheTokenEndpoint(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	w.tokensOf(client, w.post("/oauth/token", redemption(client, w.code(client, "alice"), "redirect_uri", "")))
}

func TestA48_S49_ReplayedCodeEndsTheGrant(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	code := w.code(client, "alice")
	held := w.tokensOf(client, w.post("/oauth/token", redemption(client, code)))
	held = w.tokensOf(client, w.post("/oauth/token", renewal(client, held.refresh)))
	w.wantError("replay", w.post("/oauth/token", redemption(client, code)), http.StatusBadRequest, "invalid_grant")
	w.wantCall("token of the first", "/mcp/demo", held.access, http.StatusUnauthorized)
	w.wantError("refresh of the first", w.post("/oauth/token", renewal(client, held.refresh)),
		http.StatusBadRequest, "invalid_grant")
	if purged := w.host.Store.Purged(); len(purged) != 1 || !strings.HasPrefix(purged[0], "grant:") {
		t.Errorf("purged %v", purged)
	}
	for _, name := range []string{"code.replayed", "grant.revoked"} {
		events := w.host.Audit.Named(name)
		if len(events) != 1 || events[0].Grant == "" || events[0].Subject != "alice" || events[0].Client != client {
			t.Errorf("%s: %+v", name, events)
		}
	}
}

func TestS51_CodeExpires(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	code := w.code(client, "alice")
	w.host.Clock.Advance(time.Minute)
	w.wantError("after a minute", w.post("/oauth/token", redemption(client, code)), http.StatusBadRequest, "invalid_grant")
}

func TestS52_ParallelRedemptions(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	code := w.code(client, "alice")
	const callers = 8
	w.host.Store.Intercept(together("code/", callers))
	var wg sync.WaitGroup
	answers := make(chan answer, callers)
	for range callers {
		wg.Go(func() { answers <- w.post("/oauth/token", redemption(client, code)) })
	}
	wg.Wait()
	close(answers)
	succeeded := 0
	for got := range answers {
		if got.StatusCode == http.StatusOK {
			succeeded++
			continue
		}
		w.wantError("loser", got, http.StatusBadRequest, "invalid_grant")
	}
	if succeeded != 1 {
		t.Errorf("%d redemptions succeeded, want exactly one", succeeded)
	}
}

func TestA52_S60_FormsOnly(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	code := w.code(client, "alice")
	good := redemption(client, code).Encode()
	for name, test := range map[string]struct{ body, media string }{
		"JSON":                {`{"grant_type":"authorization_code"}`, "application/json"},
		"two types":           {good, "application/json, application/x-www-form-urlencoded"},
		"none":                {good, ""},
		"bad percent":         {good + "&x=%zz", "application/x-www-form-urlencoded"},
		"repeated parameter":  {good + "&client_id=" + client, "application/x-www-form-urlencoded"},
		"semicolon separator": {good + ";x=y", "application/x-www-form-urlencoded"},
		"too large":           {good + "&x=" + strings.Repeat("x", 33<<10), "application/x-www-form-urlencoded"},
	} {
		var header []string
		if test.media != "" {
			header = []string{"Content-Type", test.media}
		}
		got := w.do(&http.Client{Transport: w.gateway}, w.request(http.MethodPost, "/oauth/token", test.body, header...))
		w.wantError(name, got, http.StatusBadRequest, "invalid_request")
	}
	twice := w.request(http.MethodPost, "/oauth/token", good+"&resource=a&resource=b",
		"Content-Type", "application/x-www-form-urlencoded")
	w.wantError("two resources", w.do(w.browser, twice), http.StatusBadRequest, "invalid_target")
	w.wantError("parameters in the URL", w.post("/oauth/token?"+good, nil), http.StatusBadRequest, "invalid_request")

	basic := w.post("/oauth/token", redemption(client, code), "Authorization", "Basic eDp5")
	w.wantError("S59 Basic", basic, http.StatusUnauthorized, "invalid_client")
	if !strings.HasPrefix(basic.Header.Get("WWW-Authenticate"), "Basic ") {
		t.Error("A50: no Basic challenge")
	}
	w.tokensOf(client, w.do(w.browser, w.request(http.MethodPost, "/oauth/token", good,
		"Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")))
}

func TestS58_StoreFaultIsNotAVerdict(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	code := w.code(client, "alice")
	fire := errors.New("disk on fire")
	during := func(what string, form url.Values) {
		t.Helper()
		for _, kind := range []string{"client/", "code/", "refresh/", "grant/"} {
			for _, op := range []string{"get", "commit"} {
				hit := false
				w.host.Store.Intercept(func(on string, keys []string, do func() error) error {
					if on == op && strings.HasPrefix(keys[0], kind) {
						hit = true
						return fire
					}
					return do()
				})
				if !hits(what, kind, op) {
					continue
				}
				got := w.post("/oauth/token", form)
				w.wantError(what+": "+op+" "+kind, got, http.StatusServiceUnavailable, "temporarily_unavailable")
				if got.Header.Get("Retry-After") == "" || strings.Contains(got.body, "fire") || !hit {
					t.Errorf("%s: %s %s: hit %v, headers %v", what, op, kind, hit, got.Header)
				}
			}
		}
		w.host.Store.Intercept(nil)
	}
	during("redeem", redemption(client, code))
	held := w.tokensOf(client, w.post("/oauth/token", redemption(client, code)))
	during("refresh", renewal(client, held.refresh))
	w.tokensOf(client, w.post("/oauth/token", renewal(client, held.refresh)))
}

// hits says which calls a request makes; a commit is known by its first key.
func hits(what, kind, op string) bool {
	if what == "redeem" {
		return op == "get" && kind != "refresh/" || op == "commit" && kind == "code/"
	}
	return op == "get" && kind != "code/" || op == "commit" && kind == "refresh/"
}
