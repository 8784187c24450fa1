package oauth_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"durward/policies"
)

// operated is what the admin listener answers, whatever was asked.
type operated struct {
	Grants []struct {
		ID, Subject, Email, Client string
		ClientName                 string    `json:"client_name"`
		ClientHost                 string    `json:"client_host"`
		Redirect                   string    `json:"redirect_uri"`
		Resource                   string    `json:"resource"`
		Scopes                     []string  `json:"scopes"`
		Created, Used, Expires     time.Time `json:",omitzero"`
	}
	Clients []struct {
		ID, Name            string
		Hosts               []string
		AuthMethod          string `json:"auth_method"`
		Unused              bool
		Registered, Expires time.Time
	}
	Unregistered bool
	Revoked      int
	Next         string
}

// operate asks as an operator does: on and on, as long as there is more.
func (w *world) operate(method, path string, query ...string) operated {
	w.Helper()
	var all operated
	after := ""
	for {
		asked := change(url.Values{}, query...)
		if after != "" {
			asked.Set("after", after)
		}
		got := w.do(w.gateway.Client(), w.request(method, path+"?"+asked.Encode(), ""))
		var part operated
		if err := json.Unmarshal([]byte(got.body), &part); got.StatusCode != http.StatusOK || err != nil {
			w.Fatalf("%s %s: %d %s", method, path, got.StatusCode, got.body)
		}
		if len(got.body) > 1<<20 {
			w.Fatalf("%s %s: the host takes no answer of %d bytes", method, path, len(got.body))
		}
		all.Grants, all.Clients = append(all.Grants, part.Grants...), append(all.Clients, part.Clients...)
		all.Revoked += part.Revoked
		all.Unregistered = all.Unregistered || part.Unregistered
		if after = part.Next; after == "" {
			return all
		}
	}
}

// codeOfSession is code for a person who is signed in already.
func (w *world) codeOfSession(client string, changes ...string) string {
	w.Helper()
	return w.consent(w.authorize(ask(client, changes...)), "allow").location(w.T).Query().Get("code")
}

func TestA40_OperatorsSeeAndEndGrants(t *testing.T) {
	w := newWorld(t, "/mcp/a", "/mcp/b")
	first, second := w.signIn("alice", "resource", origin+"/mcp/a"), w.signIn("bob", "resource", origin+"/mcp/b")
	third := w.tokensOf(first.client, w.post("/oauth/token",
		redemption(first.client, w.codeOfSession(first.client, "resource", origin+"/mcp/b"))))
	all := w.operate(http.MethodGet, "/grants").Grants
	if len(all) != 3 {
		t.Fatalf("all grants: %+v", all)
	}
	one := w.operate(http.MethodGet, "/grants", "subject", "alice", "client", first.client).Grants
	if len(one) != 1 || one[0].Subject != "alice" || one[0].Client != first.client || one[0].ClientName != "An App" ||
		one[0].ClientHost != "app.example" || one[0].Redirect != redirect || one[0].Resource != origin+"/mcp/a" ||
		!slices.Equal(one[0].Scopes, []string{"mcp:tools"}) || !one[0].Created.Equal(w.host.Clock.Now()) ||
		!one[0].Expires.Equal(w.host.Clock.Now().Add(30*24*time.Hour)) {
		t.Errorf("a person's grant to a client: %+v", one)
	}
	if got := w.operate(http.MethodGet, "/grants", "client", first.client).Grants; len(got) != 2 {
		t.Errorf("a client's grants: %+v", got)
	}
	if got := w.operate(http.MethodGet, "/grants", "grant", one[0].ID).Grants; len(got) != 1 || got[0].ID != one[0].ID {
		t.Errorf("one grant: %+v", got)
	}
	if got := w.operate(http.MethodDelete, "/grants", "grant", strings.Repeat("A", 26)); got.Revoked != 0 {
		t.Errorf("what is not there: %+v", got)
	}
	if got := w.operate(http.MethodDelete, "/grants", "subject", "alice", "client", second.client); got.Revoked != 0 {
		t.Errorf("what another person allowed: %+v", got)
	}
	if got := w.operate(http.MethodDelete, "/grants", "grant", one[0].ID); got.Revoked != 1 {
		t.Errorf("one: %+v", got)
	}
	w.wantCall("the one", "/mcp/a", first.access, http.StatusUnauthorized)
	w.wantCall("the same client's", "/mcp/b", third.access, http.StatusOK)
	if got := w.operate(http.MethodDelete, "/grants", "client", first.client); got.Revoked != 1 {
		t.Errorf("the rest of a client's: %+v", got)
	}
	w.wantCall("the same client's", "/mcp/b", third.access, http.StatusUnauthorized)
	w.wantCall("another client's", "/mcp/b", second.access, http.StatusOK)
	w.wantError("a refresh", w.post("/oauth/token", renewal(third.client, third.refresh)), http.StatusBadRequest, "invalid_grant")
	if ended := w.host.Audit.Named("session.ended"); len(ended) != 0 {
		t.Errorf("a client's grants ended sessions: %+v", ended)
	}
}

func TestA40_OperatorsSeeAndEndClients(t *testing.T) {
	w := newWorld(t)
	used, other := w.signIn("alice"), w.signIn("bob")
	idle := w.client("http://127.0.0.1/cb", "https://b.example/cb")
	listed := w.operate(http.MethodGet, "/clients").Clients
	if len(listed) != 3 {
		t.Fatalf("all clients: %+v", listed)
	}
	for _, client := range listed {
		want := []string{"app.example"}
		if client.ID == idle {
			want = []string{"b.example", "localhost"}
		}
		if client.Name != "An App" || client.AuthMethod != "none" || !slices.Equal(client.Hosts, want) ||
			client.Unused != (client.ID == idle) || !client.Registered.Equal(w.host.Clock.Now()) ||
			!client.Expires.Equal(w.host.Clock.Now().Add(90*24*time.Hour)) {
			t.Errorf("%+v", client)
		}
	}
	if got := w.operate(http.MethodGet, "/clients", "client", idle).Clients; len(got) != 1 || got[0].ID != idle {
		t.Errorf("one client: %+v", got)
	}
	onItsWay := w.codeOfSession(used.client)
	if got := w.operate(http.MethodDelete, "/clients", "client", used.client); !got.Unregistered || got.Revoked != 2 {
		t.Errorf("revoke a client: %+v", got)
	}
	w.wantCall("its token", "/mcp/demo", used.access, http.StatusUnauthorized)
	w.wantCall("another's", "/mcp/demo", other.access, http.StatusOK)
	w.wantError("its refresh token", w.post("/oauth/token", renewal(used.client, used.refresh)), 401, "invalid_client")
	w.wantError("its code", w.post("/oauth/token", redemption(used.client, onItsWay)), 401, "invalid_client")
	if got := w.operate(http.MethodDelete, "/clients", "client", used.client); got.Unregistered || got.Revoked != 0 {
		t.Errorf("again: %+v", got)
	}
	if got := w.operate(http.MethodDelete, "/clients", "client", idle); !got.Unregistered || got.Revoked != 0 {
		t.Errorf("one without grants: %+v", got)
	}
	for _, record := range w.host.Store.Records() {
		if strings.HasPrefix(record.Key, "unused/") || strings.HasPrefix(record.Key, "spare/") {
			t.Errorf("a client that is gone takes up %s", record.Key)
		}
	}
	ended := w.host.Audit.Named("client.revoked")
	if len(ended) != 2 || ended[0].Client != used.client || ended[0].ClientHost != "app.example" ||
		ended[0].Reason != "operator" || ended[1].ClientHost != "b.example localhost" {
		t.Errorf("audit: %+v", ended)
	}
	for _, query := range []string{"", "?client=", "?id=" + other.client, "?client=a&client=b"} {
		w.wantError("DELETE "+query, w.do(w.browser, w.request(http.MethodDelete, "/clients"+query, "")), 400, "invalid_request")
	}
	w.wantCall("another's", "/mcp/demo", other.access, http.StatusOK)
}

// A fault on the way is told as one. Who asks again ends the rest.
func TestA40_OperatorsAndFaults(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	for _, op := range []string{"get", "list", "commit"} {
		w.host.Store.Intercept(func(now string, _ []string, do func() error) error {
			if now == op {
				return errors.New("disk on fire")
			}
			return do()
		})
		got := w.do(w.browser, w.request(http.MethodDelete, "/clients?client="+held.client, ""))
		w.wantError(op, got, http.StatusServiceUnavailable, "temporarily_unavailable")
	}
	w.host.Store.Intercept(nil)
	if got := w.operate(http.MethodDelete, "/clients", "client", held.client); got.Revoked != 1 {
		t.Errorf("again: %+v", got)
	}
	w.wantCall("its token", "/mcp/demo", held.access, http.StatusUnauthorized)
}

// Lists are as long as strangers make them, and their parts as large: what is too much for one answer comes in the next,
// nothing twice and nothing left out.
func TestA40_OperatorsAskAgainForTheRest(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	var client, grant policies.Record
	for _, record := range w.host.Store.Records() {
		switch {
		case strings.HasPrefix(record.Key, "client/"):
			client = record
		case strings.HasPrefix(record.Key, "grant/"):
			grant = record
		}
	}
	const many = 1300
	copied := func(record policies.Record, key, id, name string) {
		t.Helper()
		value := strings.Replace(string(record.Value), held.client, id, 1)
		put := policies.Put{
			Key: key, Value: []byte(strings.Replace(value, `An App`, name, 1)), Expires: record.Expires,
		}
		if err := w.host.Store.Commit(t.Context(), policies.Change{Puts: []policies.Put{put}}); err != nil {
			t.Fatal(err)
		}
	}
	holder := strings.Split(grant.Key, "/")[1]
	for n := range many {
		copied(client, fmt.Sprintf("client/%064x", n), fmt.Sprintf("dw-%d", n), strings.Repeat("ü", 5000))
		// Of every three grants one is of a client that is to be revoked, in the lists of several people.
		copied(grant, fmt.Sprintf("grant/%x%s/%026d", n%7, holder[1:], n), fmt.Sprintf("dw-%d", n%3), "An App")
	}
	seen := map[string]bool{}
	for _, client := range w.operate(http.MethodGet, "/clients").Clients {
		seen[client.ID] = true
	}
	if len(seen) != many+1 {
		t.Errorf("%d clients, want %d", len(seen), many+1)
	}
	if got := len(w.operate(http.MethodGet, "/grants").Grants); got != many+1 {
		t.Errorf("%d grants, want %d", got, many+1)
	}
	if got := w.operate(http.MethodDelete, "/clients", "client", "dw-1"); got.Revoked != many/3 {
		t.Errorf("%d were revoked, want %d", got.Revoked, many/3)
	}
	if got := len(w.operate(http.MethodGet, "/grants", "client", "dw-1").Grants); got != 0 {
		t.Errorf("%d grants are left", got)
	}
	if got := len(w.operate(http.MethodGet, "/grants", "client", "dw-2").Grants); got != many/3 {
		t.Errorf("%d grants of another, want %d", got, many/3)
	}
	w.wantCall("another's", "/mcp/demo", held.access, http.StatusOK)
}
