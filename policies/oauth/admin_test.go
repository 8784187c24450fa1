package oauth_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"durward/policies"
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
		if answered.StatusCode != http.StatusOK || json.Unmarshal([]byte(answered.body), &got) != nil || got.Grants == nil ||
			!strings.HasSuffix(answered.body, "}\n") {
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
	for _, query := range []string{
		"", "?subject=", "?subject=alice&grant=x", "?subject=alice&grant=", "?subject=alice&id=x", "?subject=alice&subject=bob",
		"?after=x", "?client=", "?subject=alice&after=%0a",
	} {
		if got := del(query); got.StatusCode != http.StatusBadRequest || !strings.HasSuffix(got.body, "}\n") {
			t.Errorf("DELETE %q: %d %q", query, got.StatusCode, got.body)
		}
	}
	id := hers[0]["id"].(string)
	if got := del("?subject=bob&grant=" + id); got.body != "{\"revoked\":0}\n" {
		t.Errorf("of another person: %s", got.body)
	}
	if got := del("?subject=alice&grant=" + id); got.StatusCode != http.StatusOK || got.body != "{\"revoked\":1}\n" {
		t.Errorf("one: %s", got.body)
	}
	if got := del("?subject=alice"); got.body != "{\"revoked\":1}\n" {
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
		if (path.Path == "/grants" || path.Path == "/clients") != path.Admin {
			t.Errorf("%+v: who may reach it?", path)
		}
	}
}

// Whom the operator puts out is out: no browser of theirs makes a grant any more without a new login.
func TestA40_AdminEndsSessions(t *testing.T) {
	w := newWorld(t)
	var hers []*http.Client
	for range 2 {
		w.signIn("alice")
		hers = append(hers, w.browser)
	}
	w.signIn("bob")
	his := w.browser
	signedIn := func(browser *http.Client) bool {
		t.Helper()
		w.browser = browser
		return w.consent(w.authorize(ask(w.client())), "allow").location(t).Host != "idp.example"
	}
	del := func(query string) answer {
		t.Helper()
		return w.do(w.gateway.Client(), w.request(http.MethodDelete, "/grants"+query, ""))
	}
	w.browser = hers[0]
	if del("?subject=alice&grant=" + w.grants().ids[0]); !signedIn(hers[0]) {
		t.Error("taking back one grant ended the session")
	}
	w.host.Store.Intercept(func(op string, keys []string, do func() error) error {
		if op == "take" || op == "list" && keys[0] == "session/" {
			return errors.New("disk on fire")
		}
		return do()
	})
	w.wantError("a fault", del("?subject=alice"), http.StatusServiceUnavailable, "temporarily_unavailable")
	w.host.Store.Intercept(nil)
	for n := range 230 { // more than are read at once
		key := fmt.Sprintf("session/%064x", n)
		put := policies.Put{Key: key, Value: w.sessionRecord("alice"), Expires: w.host.Clock.Now().Add(time.Hour)}
		if err := w.host.Store.Commit(t.Context(), policies.Change{Puts: []policies.Put{put}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := del("?subject=alice"); got.StatusCode != http.StatusOK {
		t.Fatalf("everything: %d %s", got.StatusCode, got.body)
	}
	if signedIn(hers[0]) || signedIn(hers[1]) {
		t.Error("she is still signed in")
	}
	if !signedIn(his) {
		t.Error("another person's session was ended")
	}
	ended := w.host.Audit.Named("session.ended")
	if len(ended) != 2+230 || ended[0].Subject != "alice" || ended[0].Reason != "operator" {
		t.Errorf("%d events, want 232; the first is %+v", len(ended), ended[:min(1, len(ended))])
	}
}

// sessionRecord answers a session of a person as it lies in the store.
func (w *world) sessionRecord(subject string) []byte {
	w.Helper()
	for _, record := range w.host.Store.Records() {
		if strings.HasPrefix(record.Key, "session/") && strings.Contains(string(record.Value), `"subject":"`+subject+`"`) {
			return record.Value
		}
	}
	w.Fatalf("%s has no session", subject)
	return nil
}

// Anybody may register, under any name, and an operator reads the list on a terminal.
func TestA40_AdminGrantsShowNamesThatCanBeShown(t *testing.T) {
	w := newWorld(t)
	var client struct {
		ID string `json:"client_id"`
	}
	registered := w.register(`{"client_name": "An\u009b31m\u202e\u001b[2J App", "redirect_uris": ["` + redirect + `"]}`)
	if err := json.Unmarshal([]byte(registered.body), &client); err != nil || client.ID == "" {
		t.Fatalf("register: %s", registered.body)
	}
	w.post("/oauth/token", redemption(client.ID, w.code(client.ID, "alice")))
	if listed := w.get("/grants?subject=alice"); !strings.Contains(listed.body, `"client_name":"An31m[2J App"`) {
		t.Errorf("the list: %q", listed.body)
	}
}
