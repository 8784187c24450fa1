package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"durward/policies/oauth"
	"durward/policies/policytest"
)

// trusting answers the same gateway with another option clients.
func (w *world) trusting(clients string) *world {
	w.Helper()
	gateway, err := policytest.NewGateway(w.host, oauth.Policy(w.provider),
		inputOf(`{"clientId":"c","gateway":{"clients":`+clients+`}}`, "/mcp/demo"))
	if err != nil {
		w.Fatal(err)
	}
	return &world{T: w.T, host: w.host, provider: w.provider, gateway: gateway, browser: gateway.Client()}
}

func TestA21_TrustAtRegistration(t *testing.T) {
	cursor := `{"redirect_uris":["cursor://anysphere.cursor-mcp/oauth/callback",` +
		`"https://www.cursor.com/agents/mcp/oauth/callback","http://localhost:8787/callback"]}`
	for name, test := range map[string]struct {
		clients, body string
		status        int
	}{
		"allowed":                      {`{"allow":["app.example"]}`, plainRegistration, http.StatusCreated},
		"allowed with all below":       {`{"allow":["*.example"]}`, plainRegistration, http.StatusCreated},
		"below is not itself":          {`{"allow":["*.app.example"]}`, plainRegistration, http.StatusBadRequest},
		"not allowed":                  {`{"allow":["claude.ai"]}`, plainRegistration, http.StatusBadRequest},
		"every host must be":           {`{"allow":["www.cursor.com"]}`, cursor, http.StatusBadRequest},
		"every host is":                {`{"allow":["*.cursor.com","localhost"]}`, cursor, http.StatusCreated},
		"denied":                       {`{"deny":["app.example"]}`, plainRegistration, http.StatusBadRequest},
		"not denied":                   {`{"deny":["evil.example"]}`, plainRegistration, http.StatusCreated},
		"one host denied":              {`{"deny":["localhost"]}`, cursor, http.StatusBadRequest},
		"denied in capitals":           {`{"deny":["app.example"]}`, `{"redirect_uris":["https://APP.example/cb"]}`, http.StatusBadRequest},
		"denied with a dot at its end": {`{"deny":["app.example"]}`, `{"redirect_uris":["https://app.example./cb"]}`, http.StatusBadRequest},
		"denied at a port":             {`{"deny":["app.example"]}`, `{"redirect_uris":["https://app.example:8443/cb"]}`, http.StatusBadRequest},
		"denied by its ending":         {`{"deny":["*.example"]}`, `{"redirect_uris":["https://notexample/cb"]}`, http.StatusCreated},
	} {
		w := newWorld(t).trusting(test.clients)
		got := w.register(test.body)
		if got.StatusCode != test.status {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
		}
		if test.status == http.StatusBadRequest {
			w.wantError(name, got, test.status, "invalid_redirect_uri")
			if events := w.host.Audit.Named("client.refused"); len(events) != 1 || events[0].Reason != "untrusted_host" ||
				events[0].ClientHost == "" {
				t.Errorf("%s: events %+v", name, events)
			}
		}
	}
}

// A host that is denied closes what its clients had, at once and everywhere; allowed again, all is as it was.
func TestA21_TrustIsTakenBack(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	client := w.client()
	w.browser = w.gateway.Client()
	code := w.code(client, "alice")
	page := w.authorize(ask(client))

	closed := w.trusting(`{"deny":["app.example"]}`)
	closed.browser.Jar = w.browser.Jar
	closed.wantCall("token", "/mcp/demo", held.access, http.StatusUnauthorized)
	for name, got := range map[string]answer{
		"refresh": closed.post("/oauth/token", renewal(held.client, held.refresh)),
		"code":    closed.post("/oauth/token", redemption(client, code)),
		"revoke":  closed.revoke(held.client, held.refresh),
	} {
		closed.wantError(name, got, http.StatusBadRequest, "unauthorized_client")
	}
	closed.wantMessage("authorize", closed.authorize(ask(client)), http.StatusBadRequest, "untrusted_app")
	closed.wantMessage("consent", closed.consent(page, "allow"), http.StatusBadRequest, "untrusted_app")
	if closed.host.Store.Purged() != nil {
		t.Error("a grant was ended: the rule may change back")
	}

	open := w.trusting(`{"allow":["app.example"]}`)
	open.wantCall("token", "/mcp/demo", held.access, http.StatusOK)
	open.tokensOf(held.client, open.post("/oauth/token", renewal(held.client, held.refresh)))
	open.tokensOf(client, open.post("/oauth/token", redemption(client, code)))
}

// Of a client with a document the document's host must be allowed, and neither that nor a redirect URI's be denied.
func TestA21_TrustInDocuments(t *testing.T) {
	for name, test := range map[string]struct {
		clients string
		status  int
		fetches bool
	}{
		"its host allowed":         {`{"allow":["vendor.example"]}`, http.StatusOK, true},
		"its redirect URI allowed": {`{"allow":["app.example","localhost"]}`, http.StatusBadRequest, false},
		"its host denied":          {`{"deny":["vendor.example"]}`, http.StatusBadRequest, false},
		"its redirect URI denied":  {`{"deny":["app.example"]}`, http.StatusBadRequest, true},
		"another denied":           {`{"deny":["other.example"]}`, http.StatusOK, true},
	} {
		w, vendor := newSite(t, `"clients":`+test.clients)
		got := w.authorize(ask(documentID))
		if got.StatusCode != test.status {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
		}
		if fetched := vendor.fetches() > 0; fetched != test.fetches {
			t.Errorf("%s: fetched %v", name, fetched)
		}
	}
}

// A client that has shown a key is not let go on without it, though its document allows both (Q26).
func TestA14_Q26_NoStepBackFromAKey(t *testing.T) {
	w, vendor := newSite(t, "")
	c := w.registerAs("private_key_jwt")
	c.id = documentID
	vendor.put(documentID, document("token_endpoint_auth_method", "private_key_jwt",
		"token_endpoint_auth_methods_supported", []string{"private_key_jwt", "none"},
		"jwks", map[string]any{"keys": []any{publicHalf(c)}}))
	proven := w.tokensOf(documentID, w.proven(c, "/oauth/token", redemption("", w.code(documentID, "alice"))))
	w.wantError("without the key", w.post("/oauth/token", renewal(documentID, proven.refresh)),
		http.StatusUnauthorized, "invalid_client")
	w.wantError("revocation without the key", w.revoke(documentID, proven.refresh), http.StatusUnauthorized, "invalid_client")
	w.tokensOf(documentID, w.proven(c, "/oauth/token", renewal("", proven.refresh)))

	w.browser = w.gateway.Client()
	public := w.tokensOf(documentID, w.post("/oauth/token", redemption(documentID, w.code(documentID, "bob"))))
	w.tokensOf(documentID, w.post("/oauth/token", renewal(documentID, public.refresh)))
}

// While a document cannot be read a public client goes on with what was agreed; of one with a key nobody can say who calls.
func TestS58_RevocationWhileTheDocumentCannotBeRead(t *testing.T) {
	w, vendor := newSite(t, "")
	held := w.tokensOf(documentID, w.post("/oauth/token", redemption(documentID, w.code(documentID, "alice"))))
	c := w.registerAs("private_key_jwt")
	c.id = documentID
	vendor.setDown(true)
	w.wantError("introspection", w.proven(c, "/oauth/introspect", url.Values{"token": {held.access}}),
		http.StatusServiceUnavailable, "temporarily_unavailable")
	w.wantRevoked("a public client's token", w.revoke(documentID, held.refresh))
	w.wantCall("then", "/mcp/demo", held.access, http.StatusUnauthorized)
}

// However long a client_id is that somebody makes up, it does not become a line of the audit that long.
func TestA21_UntrustedNamesAreShortened(t *testing.T) {
	w, _ := newSite(t, `"clients":{"deny":["vendor.example"]}`)
	w.authorize(ask(documentID + strings.Repeat("x", 10_000)))
	refused := w.host.Audit.Named("client.refused")
	if len(refused) != 1 || len(refused[0].Client) > 2100 || refused[0].ClientHost != "vendor.example" {
		t.Errorf("audit: %d events, the first with %d bytes", len(refused), len(refused[0].Client))
	}
}
