package streams

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"durward/cmd/durward/demo/browser"
	"durward/conformance/gateway"
)

// G4: taking back a grant ends every stream and call under it, and no other: not those of another grant of the same
// person, nor those of anybody else. Whoever may take it back may do so: the operator one grant or all of a person, the
// person on the page of their grants.
func TestG4_RevokedGrant(t *testing.T) {
	t.Parallel()
	u := startUpstream(t)
	g := gateway.Start(t, func(g *gateway.Gateway) {
		withRoutes(t, g, map[string]string{"demo": u.URL + "/demo", "other": u.URL + "/other"})
	})
	ada, grace := g.Person(t, "Ada Lovelace"), g.Person(t, "Grace Hopper")
	first, second, third := login(t, g, ada, "demo"), login(t, g, ada, "demo"), login(t, g, ada, "other")
	hers := login(t, g, grace, "demo")
	one := openAll(t, u, "first", first)
	one = append(one, open(t, u, "first again", first, call), open(t, u, "first once more", first, get))
	two := append(openAll(t, u, "second", second), openAll(t, u, "third", third)...)
	three := openAll(t, u, "Grace", hers)
	wantStreams(t, g, map[string]int64{"demo": 3*3 + 2, "other": 3})

	subject := subjectOf(t, g, first)
	revoke(t, g, url.Values{"subject": {subject}, "grant": {grantOf(t, g, subject, first)}})
	wantEnds(t, one, revoked, http.StatusUnauthorized)
	goOn(t, append(two, three...))
	wantStreams(t, g, map[string]int64{"demo": 2 * 3, "other": 3})

	revoke(t, g, url.Values{"subject": {subject}})
	wantEnds(t, two, revoked, http.StatusUnauthorized)
	goOn(t, three)
	wantStreams(t, g, map[string]int64{"demo": 3, "other": 0})

	takeBack(t, g, grace)
	wantEnds(t, three, revoked, http.StatusUnauthorized)
	wantStreams(t, g, map[string]int64{"demo": 0, "other": 0})
	all := uint64(len(one) + len(two) + len(three))
	if ended := g.Status().Ended; ended["revoked"] != all || ended["drained"]+ended["expired"] != 0 {
		t.Errorf("status: %v answers were ended, want %d revoked", ended, all)
	}
	lines := g.Log.Lines(func(l gateway.Line) bool { return l.Msg() == "request" && l.Field("ended") == "revoked" })
	if uint64(len(lines)) != all {
		t.Errorf("the access log says of %d answers that they were ended, want %d", len(lines), all)
	}
}

func wantEnds(t *testing.T, all []*exchange, text string, heldStatus int) {
	t.Helper()
	for _, x := range all {
		x.wantEnd(t, text, heldStatus)
	}
}

func goOn(t *testing.T, all []*exchange) {
	t.Helper()
	for _, x := range all {
		x.goesOn(t)
	}
}

// wantStreams wants so many event streams to be open on each route.
func wantStreams(t *testing.T, g *gateway.Gateway, want map[string]int64) {
	t.Helper()
	for id, n := range want {
		var got int64
		if !gateway.Within(patience, func() bool {
			for _, r := range g.Status().Routes {
				if r.ID == id {
					got = r.Streams
				}
			}
			return got == n
		}) {
			t.Errorf("status: %d streams are open on %s, want %d", got, id, n)
		}
	}
}

// operate does what an operator does with grants, and reads the answer.
func operate(t *testing.T, g *gateway.Gateway, method string, query url.Values, into any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, g.Admin+"/-/policies/"+policy+"/grants?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s grants: %s %s, %v", method, answer.Status, body, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatal(err)
	}
}

// revoke has the operator take back what the query names.
func revoke(t *testing.T, g *gateway.Gateway, query url.Values) {
	t.Helper()
	var answer struct{ Revoked int }
	operate(t, g, http.MethodDelete, query, &answer)
	if answer.Revoked == 0 {
		t.Error("nothing was taken back")
	}
}

// grantOf answers the id of a client's grant.
func grantOf(t *testing.T, g *gateway.Gateway, subject string, c *gateway.Client) string {
	t.Helper()
	var list struct {
		Grants []struct{ ID, Client string }
	}
	operate(t, g, http.MethodGet, url.Values{"subject": {subject}}, &list)
	for _, grant := range list.Grants {
		if grant.Client == c.ID {
			return grant.ID
		}
	}
	t.Fatalf("no grant of client %s among %v", c.ID, list.Grants)
	return ""
}

// subjectOf answers who the person behind a client is, from the log: the client's redeeming of its code stands there.
func subjectOf(t *testing.T, g *gateway.Gateway, c *gateway.Client) string {
	t.Helper()
	return g.Wait("who signed in", func(l gateway.Line) bool {
		return l.Field("client_id") == c.ID && l.Field("subject") != ""
	}).Field("subject")
}

// takeBack has a person take back everything on the page of their grants.
func takeBack(t *testing.T, g *gateway.Gateway, p *gateway.Person) {
	t.Helper()
	page, err := p.Open(t.Context(), g.URL+"/oauth/grants")
	if err != nil {
		t.Fatal(err)
	}
	at, err := p.Press(context.WithoutCancel(t.Context()), page, func(b browser.Button) bool { return b.Value == "revoke-all" })
	if err != nil || at.Page == nil || strings.Contains(at.Page.Heading, "error") {
		t.Fatalf("take back: %+v, %v", at, err)
	}
}
