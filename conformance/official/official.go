// Package official is the MCP client that the go-sdk has, as suites use it.
//
// It owns a session that the SDK itself has found its way to, from the MCP URL alone: discovery, registration, PKCE,
// resource, tokens and their refresh are the SDK's. It promises to help it with nothing but the person it needs, and to
// change nothing of what it sends: it only lets a test look at that, and make a token look expired.
//
// It expects nothing of the gateway: that is for the suites.
package official

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"durward/conformance/gateway"
)

// patience bounds every wait: far more than anything here needs.
const patience = 30 * time.Second

// Client is the official client with a person to send to the browser, and a window on what it does.
type Client struct {
	// Session is the SDK's.
	Session *mcp.ClientSession
	// Wire is what it sends, Purse its tokens.
	Wire  *Wire
	Purse *Purse
	// Progress is when each notification of progress came, Changed has one for each notifications/tools/list_changed.
	Progress chan time.Time
	Changed  chan struct{}

	mu         sync.Mutex
	authorized []url.Values // the parameters of each authorization request
}

// Connect lets the SDK find its way from the MCP URL alone, with Ada Lovelace to sign in, to a session that speaks the
// given version of the protocol. It ends with the test.
func Connect(t testing.TB, g *gateway.Gateway, version string) *Client {
	t.Helper()
	c, err := ConnectTo(t, g, g.MCP(), "Ada Lovelace", version)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	return c
}

// ConnectTo is Connect to one of several MCP servers, and with a person of one's choice, who may be refused: an error says
// that there is no session, and the client what it did.
func ConnectTo(t testing.TB, g *gateway.Gateway, endpoint, name, version string) (*Client, error) {
	t.Helper()
	c := &Client{
		Wire: &Wire{base: g.Transport}, Purse: &Purse{}, Progress: make(chan time.Time, 64), Changed: make(chan struct{}, 8),
	}
	person := g.Person(t, name)
	web := &http.Client{Transport: c.Wire}
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{Metadata: &oauthex.ClientRegistrationMetadata{
			ClientName: "go-sdk", RedirectURIs: []string{gateway.RedirectURI}, TokenEndpointAuthMethod: "none",
			GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"},
		}},
		AuthorizationCodeFetcher: func(ctx context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
			if u, err := url.Parse(args.URL); err == nil {
				c.mu.Lock()
				c.authorized = append(c.authorized, u.Query())
				c.mu.Unlock()
			}
			return person.Fetch(ctx, args)
		},
		RequestRefreshToken: true,
		NewTokenSource:      c.Purse.fill,
		Client:              web,
	})
	if err != nil {
		t.Fatal(err)
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "conformance", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(context.Context, *mcp.ProgressNotificationClientRequest) { c.Progress <- time.Now() },
		ToolListChangedHandler:      func(context.Context, *mcp.ToolListChangedRequest) { c.Changed <- struct{}{} },
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c.Session, err = client.Connect(ctx, &mcp.StreamableClientTransport{
		Endpoint: endpoint, HTTPClient: web, OAuthHandler: handler, MaxRetries: -1,
	}, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		return c, err
	}
	t.Cleanup(func() { _ = c.Session.Close() }) // most tests have closed it themselves
	if got := c.Session.InitializeResult().ProtocolVersion; got != version {
		t.Fatalf("the session speaks %s, want %s", got, version)
	}
	return c, nil
}

// Tools answers the names of the tools there are.
func (c *Client) Tools(t testing.TB) (names []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tools, err := c.Session.ListTools(ctx, nil)
	if err != nil {
		t.Fatalf("list tools: %v", err)
	}
	for _, tool := range tools.Tools {
		names = append(names, tool.Name)
	}
	return names
}

// Call calls a tool and answers what it says.
func (c *Client) Call(t testing.TB, tool string, arguments map[string]any) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	params := &mcp.CallToolParams{Name: tool, Arguments: arguments, Meta: mcp.Meta{}}
	params.SetProgressToken("progress of " + tool)
	result, err := c.Session.CallTool(ctx, params)
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	if len(result.Content) != 1 || result.IsError {
		t.Fatalf("%s answers %+v", tool, result)
	}
	text, ok := result.Content[0].(*mcp.TextContent)
	if !ok {
		t.Fatalf("%s answers a %T", tool, result.Content[0])
	}
	return text.Text
}

// SignIns are the parameters of each authorization request that the person was sent to the browser with.
func (c *Client) SignIns() []url.Values {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.authorized
}
