package oauth_test

import (
	"net/http"
	"net/url"
)

// What an MCP client does with a code and with tokens.

func redemption(client, code string, changes ...string) url.Values {
	return change(url.Values{
		"grant_type": {"authorization_code"}, "client_id": {client}, "code": {code},
		"redirect_uri": {redirect}, "code_verifier": {verifier},
	}, changes...)
}

func renewal(client, token string, changes ...string) url.Values {
	return change(url.Values{
		"grant_type": {"refresh_token"}, "client_id": {client}, "refresh_token": {token},
	}, changes...)
}

// tokens are what a client holds.
type tokens struct{ client, access, refresh string }

func (w *world) tokensOf(client string, got answer) tokens {
	w.Helper()
	if got.StatusCode != http.StatusOK {
		w.Fatalf("token: %d %s", got.StatusCode, got.body)
	}
	members := got.json(w.T)
	return tokens{client, members["access_token"].(string), members["refresh_token"].(string)}
}

// signIn takes a new client all the way, in a new browser.
func (w *world) signIn(person string, changes ...string) tokens {
	w.Helper()
	w.browser = w.gateway.Client()
	client := w.client()
	return w.tokensOf(client, w.post("/oauth/token", redemption(client, w.code(client, person, changes...))))
}

// call uses an access token on a route.
func (w *world) call(path, token string) answer {
	w.Helper()
	return w.do(&http.Client{Transport: w.gateway},
		w.request(http.MethodPost, path, "{}", "Authorization", "Bearer "+token))
}

func (w *world) wantCall(what, path, token string, status int) {
	w.Helper()
	if got := w.call(path, token); got.StatusCode != status {
		w.Errorf("%s: call on %s: status %d, want %d: %s", what, path, got.StatusCode, status, got.body)
	}
}

// wantError checks a JSON error.
func (w *world) wantError(what string, got answer, status int, code string) {
	w.Helper()
	if got.StatusCode != status {
		w.Errorf("%s: status %d, want %d: %s", what, got.StatusCode, status, got.body)
		return
	}
	if members := got.json(w.T); members["error"] != code {
		w.Errorf("%s: error %q, want %q (%v)", what, members["error"], code, members["error_description"])
	}
	if got.Header.Get("Cache-Control") != "no-store" {
		w.Errorf("%s: an error that may be cached: %q", what, got.Header.Get("Cache-Control"))
	}
}
