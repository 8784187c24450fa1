package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"durward/conformance/gateway"
	"durward/conformance/official"
)

const (
	initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},` +
		`"clientInfo":{"name":"conformance","version":"1"}}}`
	list = `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`
)

func TestSessionsOfTheLegacyEra(t *testing.T) {
	g, u := startWatched(t, nil)
	bearer := "Bearer " + g.MustLogin(t).Tokens.AccessToken
	in := func(id string) []string {
		return []string{"Authorization", bearer, "MCP-Protocol-Version", withSessions, "Mcp-Session-Id", id}
	}
	begin := func(t *testing.T) string {
		t.Helper()
		answer := ask(t, http.MethodPost, g.MCP(), initialize, "Authorization", bearer)
		id := answer.header.Get("Mcp-Session-Id")
		if answer.status != http.StatusOK || id == "" {
			t.Fatalf("initialize: %d %s, session %q", answer.status, answer.body, id)
		}
		return id
	}

	t.Run("D21 DELETE ends one", func(t *testing.T) {
		id := begin(t)
		if answer := ask(t, http.MethodPost, g.MCP(), list, in(id)...); answer.status != http.StatusOK {
			t.Errorf("tools/list: %d %s", answer.status, answer.body)
		}
		if answer := ask(t, http.MethodDelete, g.MCP(), "", in(id)...); answer.status != http.StatusNoContent || answer.body != "" {
			t.Errorf("DELETE: %d %q", answer.status, answer.body)
		}
		if answer := ask(t, http.MethodPost, g.MCP(), list, in(id)...); answer.status != http.StatusNotFound {
			t.Errorf("tools/list after DELETE: %d %s", answer.status, answer.body)
		}
	})
	t.Run("D22 GET opens a stream that ends with it", func(t *testing.T) {
		id := begin(t)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		stream := open(t, ctx, http.MethodGet, g.MCP(), "", in(id)...)
		defer stream.Body.Close()
		if stream.StatusCode != http.StatusOK || stream.Header.Get("Content-Type") != "text/event-stream" ||
			stream.Header.Get("X-Accel-Buffering") != "no" {
			t.Fatalf("%s %v", stream.Status, stream.Header)
		}
		ended := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, stream.Body)
			ended <- err
		}()
		select {
		case err := <-ended:
			t.Fatalf("the stream ended by itself: %v", err)
		case <-time.After(100 * time.Millisecond):
		}
		if answer := ask(t, http.MethodDelete, g.MCP(), "", in(id)...); answer.status != http.StatusNoContent {
			t.Errorf("DELETE: %d %s", answer.status, answer.body)
		}
		if err := await(t, ended, "the stream ends"); err != nil {
			t.Errorf("the stream was broken off: %v", err)
		}
	})
	t.Run("D19 unknown ones are 404", func(t *testing.T) {
		if answer := ask(t, http.MethodPost, g.MCP(), list, in("unknown")...); answer.status != http.StatusNotFound {
			t.Errorf("%d %s", answer.status, answer.body)
		}
	})
	t.Run("D20 they authenticate nobody", func(t *testing.T) {
		id := begin(t)
		for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
			answer := ask(t, method, g.MCP(), list, "Mcp-Session-Id", id, "MCP-Protocol-Version", withSessions)
			if answer.status != http.StatusUnauthorized {
				t.Errorf("%s with a session and no token: %d", method, answer.status)
			}
		}
		if answer := ask(t, http.MethodPost, g.MCP(), list, in(id)...); answer.status != http.StatusOK {
			t.Errorf("D24: the session is gone: %d", answer.status)
		}
	})
	t.Run("a client that leaves without a word is gone upstream", func(t *testing.T) {
		ctx, leave := context.WithTimeout(t.Context(), patience)
		defer leave()
		count := `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"count","arguments":{"steps":1,"intervalMs":10000}}}`
		id := begin(t)
		r := newRequest(t, ctx, http.MethodPost, g.MCP(), count, in(id)...)
		ended := make(chan error, 1)
		go func() {
			res, err := http.DefaultTransport.RoundTrip(r)
			if err == nil {
				_, err = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
			ended <- err
		}()
		await(t, u.arrived, "the call arrives upstream")
		at := time.Now()
		leave()
		if tool := await(t, u.left, "the client is gone upstream"); tool != "count" || time.Since(at) > soon {
			t.Errorf("%s was left, seen after %v", tool, time.Since(at))
		}
		if err := await(t, ended, "the call ends"); !errors.Is(err, context.Canceled) {
			t.Errorf("the call ended with %v", err)
		}
		// D24: to this era leaving is not cancelling. The tool runs on until it is told.
		told := ask(t, http.MethodPost, g.MCP(), `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}`, in(id)...)
		if told.status != http.StatusAccepted || told.body != "" {
			t.Errorf("D3: a notification is answered %d %q", told.status, told.body)
		}
	})
	t.Run("the official client begins and ends one", func(t *testing.T) {
		s := official.Connect(t, g, withSessions)
		id := s.Session.ID()
		if id == "" {
			t.Fatal("it has no session")
		}
		if err := s.Session.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		deleted := s.Wire.Find(http.MethodDelete, "/mcp/demo")
		if len(deleted) != 1 || deleted[0].Session != id || deleted[0].Status != http.StatusNoContent {
			t.Errorf("it ended its session by %+v", deleted)
		}
		if answer := ask(t, http.MethodPost, g.MCP(), list, in(id)...); answer.status != http.StatusNotFound {
			t.Errorf("after that: %d %s", answer.status, answer.body)
		}
	})
}

// What a server says unasked comes on the GET stream of a session, and in the later era on subscriptions/listen.
func TestServersSpeakUnasked(t *testing.T) {
	eachEra(t, func(t *testing.T, version string) {
		server := mcp.NewServer(&mcp.Implementation{Name: "changing", Version: "1"}, nil)
		add := func(name string) {
			mcp.AddTool(server, &mcp.Tool{Name: name}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
				return nil, nil, errors.New("is never called")
			})
		}
		add("first")
		upstream := httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server },
			&mcp.StreamableHTTPOptions{Stateless: version == withoutSessions, PropagateRequestCancellation: version == withoutSessions}))
		t.Cleanup(func() {
			for session := range server.Sessions() {
				_ = session.Close()
			}
			upstream.CloseClientConnections()
			upstream.Close()
		})
		g := gateway.Start(t, func(g *gateway.Gateway) { g.Setenv("DURWARD_DEMO_UPSTREAM", upstream.URL) })
		s := official.Connect(t, g, version)
		// The SDK opens its stream when it likes: what changes before that, nobody hears of.
		deadline := time.After(patience)
		for i := 0; ; i++ {
			add(fmt.Sprintf("tool-%d", i))
			select {
			case <-s.Changed:
			case <-time.After(200 * time.Millisecond):
				continue
			case <-deadline:
				t.Fatal("the client was never told that the tools have changed")
			}
			break
		}
		if tools := s.Tools(t); len(tools) < 2 {
			t.Errorf("tools: %q", tools)
		}
		if streams := s.Wire.Find(http.MethodGet, "/mcp/demo"); (len(streams) > 0) != (version == withSessions) {
			t.Errorf("GET streams: %+v", streams)
		}
	})
}

// In the later era there is nothing to GET or DELETE; the upstream says so, once it is known who asks.
func TestD8_TheLaterEraIsPostOnly(t *testing.T) {
	g, _ := startWatched(t, nil)
	bearer := "Bearer " + g.MustLogin(t).Tokens.AccessToken
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		answer := ask(t, method, g.MCP(), "", "Authorization", bearer, "MCP-Protocol-Version", withoutSessions)
		if answer.status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d %s", method, answer.status, answer.body)
		}
	}
	t.Run("D12 the upstream's own words", func(t *testing.T) {
		body := strings.Replace(gateway.Echo, withoutSessions, "2099-01-01", 1)
		answer := ask(t, http.MethodPost, g.MCP(), body, "Authorization", bearer, "MCP-Protocol-Version", "2099-01-01",
			"Mcp-Method", "tools/call", "Mcp-Name", "echo")
		if answer.status != http.StatusBadRequest || !strings.Contains(answer.body, "-32022") || !strings.Contains(answer.body, `"supported"`) {
			t.Errorf("an unknown version: %d %s", answer.status, answer.body)
		}
	})
}
