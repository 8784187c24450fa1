package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// The two protocol eras: with sessions and without.
const (
	withSessions    = "2025-11-25"
	withoutSessions = "2026-07-28"
)

// sessions are the MCP client's connections, one of each era. Both send the token of the moment.
type sessions struct {
	transport http.RoundTripper
	endpoint  string
	token     atomic.Pointer[string]
	open      []*mcp.ClientSession
	progress  chan time.Time
}

// RoundTrip adds the token.
func (s *sessions) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if token := s.token.Load(); token != nil {
		r.Header.Set("Authorization", "Bearer "+*token)
	}
	return s.transport.RoundTrip(r)
}

func (s *sessions) close() {
	for _, one := range s.open {
		_ = one.Close() // the check is over either way
	}
}

// countSteps steps at countInterval show whether progress comes as it is made.
const (
	countSteps    = 4
	countInterval = 250 * time.Millisecond
)

func (c *check) toolSteps() []step {
	s := &c.sessions
	s.progress = make(chan time.Time, countSteps)
	return []step{
		{"connect " + withoutSessions, func(ctx context.Context) error { return s.connect(ctx, withoutSessions) }},
		{"connect " + withSessions, func(ctx context.Context) error { return s.connect(ctx, withSessions) }},
		{"tools/list", s.list},
		{"tools/call echo", s.echo},
		{"tools/call add", s.add},
		{"tools/call count, streamed", s.count},
	}
}

func (c *check) callAgain(ctx context.Context) error { return c.sessions.echo(ctx) }

func (s *sessions) connect(ctx context.Context, version string) error {
	client := mcp.NewClient(&mcp.Implementation{Name: "durward-demo-check", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(context.Context, *mcp.ProgressNotificationClientRequest) {
			select {
			case s.progress <- time.Now():
			default: // more than was asked for: count compares the number
			}
		},
	})
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{
		Endpoint: s.endpoint, HTTPClient: &http.Client{Transport: s}, MaxRetries: -1,
	}, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		return err
	}
	s.open = append(s.open, session)
	if got := session.InitializeResult().ProtocolVersion; got != version {
		return fmt.Errorf("the server speaks %s", got)
	}
	return nil
}

func (s *sessions) list(ctx context.Context) error {
	for _, session := range s.open {
		tools, err := session.ListTools(ctx, nil)
		if err != nil {
			return err
		}
		for _, name := range []string{"echo", "add", "count"} {
			if !slices.ContainsFunc(tools.Tools, func(t *mcp.Tool) bool { return t.Name == name }) {
				return fmt.Errorf("there is no tool %s", name)
			}
		}
	}
	return nil
}

func (s *sessions) echo(ctx context.Context) error {
	return s.expect(ctx, "echo", map[string]any{"text": "hello, door"}, "hello, door")
}

func (s *sessions) add(ctx context.Context) error {
	return s.expect(ctx, "add", map[string]any{"a": 40, "b": 2}, "42")
}

// count calls the streaming tool, and checks that its progress did not come all at once.
func (s *sessions) count(ctx context.Context) error {
	for _, session := range s.open {
		params := &mcp.CallToolParams{Name: "count", Meta: mcp.Meta{}, Arguments: map[string]any{
			"steps": countSteps, "intervalMs": countInterval.Milliseconds(),
		}}
		params.SetProgressToken("check")
		if err := call(ctx, session, params, fmt.Sprintf("counted to %d", countSteps)); err != nil {
			return err
		}
		var first, last time.Time
		for i := range countSteps {
			select {
			case last = <-s.progress:
			case <-ctx.Done():
				return fmt.Errorf("%d of %d progress notifications came", i, countSteps)
			}
			if i == 0 {
				first = last
			}
		}
		if last.Sub(first) < countInterval {
			return errors.New("the progress came all at once: something on the way holds the stream back")
		}
	}
	return nil
}

// expect calls a tool on every connection and compares what it says.
func (s *sessions) expect(ctx context.Context, tool string, arguments map[string]any, want string) error {
	for _, session := range s.open {
		if err := call(ctx, session, &mcp.CallToolParams{Name: tool, Arguments: arguments}, want); err != nil {
			return err
		}
	}
	return nil
}

func call(ctx context.Context, session *mcp.ClientSession, params *mcp.CallToolParams, want string) error {
	result, err := session.CallTool(ctx, params)
	if err != nil {
		return err
	}
	if len(result.Content) != 1 {
		return fmt.Errorf("%s answers %d pieces, want one", params.Name, len(result.Content))
	}
	text, ok := result.Content[0].(*mcp.TextContent)
	if !ok || result.IsError || text.Text != want {
		return fmt.Errorf("%s does not answer %q", params.Name, want)
	}
	return nil
}
