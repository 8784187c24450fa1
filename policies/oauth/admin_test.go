package oauth_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"durward/policies/oauth"
)

func TestA40_AdminGrants(t *testing.T) {
	w := newWorld(t)
	first, second, other := w.signIn("alice"), w.signIn("alice"), w.signIn("bob")
	list := func(query string) []map[string]any {
		t.Helper()
		var got struct {
			Grants []map[string]any `json:"grants"`
		}
		answered := w.get("/grants" + query)
		if answered.StatusCode != http.StatusOK || json.Unmarshal([]byte(answered.body), &got) != nil || got.Grants == nil {
			t.Fatalf("list: %d %s", answered.StatusCode, answered.body)
		}
		return got.Grants
	}
	hers := list("?subject=alice")
	if len(hers) != 2 || hers[0]["client_name"] != "An App" || hers[0]["resource"] != origin+"/mcp/demo" ||
		hers[0]["redirect_uri"] != redirect || len(list("?subject=nobody")) != 0 {
		t.Errorf("grants: %v", hers)
	}
	del := func(query string) answer {
		t.Helper()
		return w.do(w.browser, w.request(http.MethodDelete, "/grants"+query, ""))
	}
	for _, query := range []string{"", "?subject=", "?subject=alice&grant=x", "?subject=alice&subject=bob"} {
		if got := del(query); got.StatusCode != http.StatusBadRequest {
			t.Errorf("DELETE %q: %d", query, got.StatusCode)
		}
	}
	id := hers[0]["id"].(string)
	if got := del("?subject=bob&grant=" + id); got.body != `{"revoked":0}` {
		t.Errorf("of another person: %s", got.body)
	}
	if got := del("?subject=alice&grant=" + id); got.StatusCode != http.StatusOK || got.body != `{"revoked":1}` {
		t.Errorf("one: %s", got.body)
	}
	if got := del("?subject=alice"); got.body != `{"revoked":1}` {
		t.Errorf("the rest: %s", got.body)
	}
	w.wantCall("first", "/mcp/demo", first.access, http.StatusUnauthorized)
	w.wantCall("second", "/mcp/demo", second.access, http.StatusUnauthorized)
	w.wantCall("another person's", "/mcp/demo", other.access, http.StatusOK)
	for _, event := range w.host.Audit.Named("grant.revoked") {
		if event.Reason != "operator" || event.Subject != "alice" {
			t.Errorf("audit: %+v", event)
		}
	}
	for _, path := range oauth.Policy(w.provider).Validate(w.gateway.Input).Paths {
		if (path.Path == "/grants") != path.Admin {
			t.Errorf("%+v: who may reach it?", path)
		}
	}
}
