package oauth_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"durward/policies"
)

// What was consented to is checked again before the person leaves for the provider, and when they are back.
func TestA18_A45_ClientThatChanged(t *testing.T) {
	forged := func(change func(client map[string]any)) func(*world, string) {
		return func(w *world, id string) {
			w.Helper()
			w.rewriteClient(id, change)
		}
	}
	tests := map[string]func(*world, string){
		"name":           forged(func(client map[string]any) { client["client_name"] = "Another App" }),
		"redirect URI":   forged(func(client map[string]any) { client["redirect_uris"] = []string{"https://other.example/cb"} }),
		"client gone":    forged(nil),
		"resource gone":  func(w *world, _ string) { w.routes("/mcp/other") },
		"one more route": func(w *world, _ string) { w.routes("/mcp/demo", "/mcp/other") },
	}
	for name, change := range tests {
		for _, step := range []string{"allow", "deny", "switch", "callback", "straight"} {
			w := newWorld(t)
			client := w.client()
			if step == "straight" {
				w.code(client, "alice")
			}
			page := w.authorize(ask(client))
			var got answer
			if step == "callback" {
				at := w.consent(page, "allow").location(t)
				change(w, client)
				got = w.callback(at, "alice")
			} else {
				change(w, client)
				got = w.consent(page, strings.Replace(step, "straight", "allow", 1))
			}
			if name == "one more route" {
				got.location(t)
				continue
			}
			w.wantMessage(name+", "+step, got, http.StatusForbidden, "changed")
			if refused := w.host.Audit.Named("consent.refused"); len(refused) != 1 || refused[0].Reason != "client_changed" {
				t.Errorf("%s, %s: audit %+v", name, step, refused)
			}
			for _, record := range w.host.Store.Records() {
				if strings.HasPrefix(record.Key, "code/") && step != "straight" {
					t.Errorf("%s, %s: a code", name, step)
				}
			}
		}
	}
}

// rewriteClient changes a client's record, or deletes it.
func (w *world) rewriteClient(id string, change func(map[string]any)) {
	w.Helper()
	for _, record := range w.host.Store.Records() {
		var outer struct {
			Format int            `json:"format"`
			Data   map[string]any `json:"data"`
		}
		if err := json.Unmarshal(record.Value, &outer); err != nil {
			w.Fatal(err)
		}
		if !strings.HasPrefix(record.Key, "client/") || outer.Data["client_id"] != id {
			continue
		}
		var changed policies.Change
		if change == nil {
			changed.Deletes = []policies.Delete{{Key: record.Key, Expect: record.Version}}
		} else {
			change(outer.Data)
			value, err := json.Marshal(outer)
			if err != nil {
				w.Fatal(err)
			}
			changed.Puts = []policies.Put{{Key: record.Key, Value: value, Expect: record.Version, Expires: record.Expires}}
		}
		if err := w.host.Store.Commit(w.Context(), changed); err != nil {
			w.Fatal(err)
		}
	}
}
