package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"durward/cmd/durward/demo/sample"
	"durward/conformance/gateway"
)

// The two protocol eras: with sessions and without.
const (
	withSessions    = "2025-11-25"
	withoutSessions = "2026-07-28"
)

// patience bounds every wait of a test: far more than anything here needs.
const patience = 30 * time.Second

// watched is the sample server, with a window on its tool calls.
type watched struct {
	sample  *sample.Server
	arrived chan string // the tool of a call that has begun
	left    chan string // the tool of a call whose client left before the answer was whole
	over    chan string // the tool of a call that is over, whichever way
}

// startWatched starts a gateway in front of a sample server that is watched.
func startWatched(t *testing.T, edit func(*gateway.Gateway)) (*gateway.Gateway, *watched) {
	t.Helper()
	const calls = 64 // more than any test makes: nobody need look
	u := &watched{
		sample:  sample.New(sample.Options{}),
		arrived: make(chan string, calls), left: make(chan string, calls), over: make(chan string, calls),
	}
	server := httptest.NewServer(u)
	t.Cleanup(func() {
		u.sample.Close()
		server.Close()
	})
	g := gateway.Start(t, func(g *gateway.Gateway) {
		g.Setenv("DURWARD_DEMO_UPSTREAM", server.URL)
		if edit != nil {
			edit(g)
		}
	})
	return g, u
}

func (u *watched) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var call struct{ Params struct{ Name string } }
	if json.Unmarshal(body, &call) == nil && call.Params.Name != "" {
		u.arrived <- call.Params.Name
		stop := context.AfterFunc(r.Context(), func() { u.left <- call.Params.Name })
		defer func() {
			stop() // who is still there when the answer is whole has not left
			u.over <- call.Params.Name
		}()
	}
	u.sample.ServeHTTP(w, r)
}

// soon is how long a departure may take to be seen upstream: far more than it needs, far less than a time limit or a
// probe of a dead connection takes.
const soon = 3 * time.Second

// await waits for a channel, or says what did not happen.
func await[T any](t testing.TB, from <-chan T, what string) T {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case v := <-from:
		return v
	case <-timer.C:
		t.Fatalf("%s: it did not happen within %v", what, patience)
		panic("not reached")
	}
}

// addRoute gives the gateway a second route, path with the operation's id, to the same upstream and behind the same
// policy.
func addRoute(t testing.TB, g *gateway.Gateway, path, id string) {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal([]byte(g.Read("routes.oas.json")), &document); err != nil {
		t.Fatal(err)
	}
	paths := document["paths"].(map[string]any)
	text, err := json.Marshal(paths["/mcp/demo"])
	if err != nil {
		t.Fatal(err)
	}
	paths[path] = json.RawMessage(bytes.Replace(text, []byte(`"operationId":"demo"`), fmt.Appendf(nil, `"operationId":%q`, id), 1))
	if text, err = json.Marshal(document); err != nil {
		t.Fatal(err)
	}
	g.Save("routes.oas.json", string(text))
}
