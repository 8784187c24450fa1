package oauth_test

import (
	"net/http"
	"net/url"
	"testing"
)

// Q48: for clients that stumble over it, answers carry no iss, and nothing says that they do; else each carries it.
func TestQ48_IssParameter(t *testing.T) {
	for options, sent := range map[string]bool{
		`{"clientId":"c"}`: true,
		`{"clientId":"c","gateway":{"issParameterEnabled":true}}`:  true,
		`{"clientId":"c","gateway":{"issParameterEnabled":false}}`: false,
	} {
		w := newWorldWith(t, options)
		const flag = "authorization_response_iss_parameter_supported"
		for _, path := range []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"} {
			if said, there := w.get(path).json(t)[flag]; there != sent || sent && said != true {
				t.Errorf("%s: %s says %v", options, path, said)
			}
		}
		client := w.client()
		answers := map[string]url.Values{
			"declined": w.consent(w.authorize(ask(client)), "deny").location(t).Query(),
		}
		at := w.atProvider(client)
		refused := w.get("/oauth/callback?" + url.Values{"state": {at.Query().Get("state")}, "error": {"access_denied"}}.Encode())
		answers["refused at the provider"] = refused.location(t).Query()
		answers["allowed"] = w.callback(w.atProvider(client), "alice").location(t).Query()
		answers["allowed again"] = w.consent(w.authorize(ask(client)), "allow").location(t).Query()
		answers["wrong"] = w.authorize(ask(client, "response_type", "token")).location(t).Query()
		for what, query := range answers {
			if query.Has("iss") != sent || sent && query.Get("iss") != origin || query.Has("code") == query.Has("error") {
				t.Errorf("%s: %s: %v", options, what, query)
			}
		}
		held := w.tokensOf(client, w.post("/oauth/token", redemption(client, answers["allowed"].Get("code"))))
		w.wantCall(options, "/mcp/demo", held.access, http.StatusOK)
	}
}
