package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"

	"durward/conformance/gateway"
)

// sdk is the official client with a person to send to the browser, and a window on what it does.
type sdk struct {
	session  *mcp.ClientSession
	wire     *wire
	purse    *purse
	progress chan time.Time
	changed  chan struct{} // a notifications/tools/list_changed each

	mu         sync.Mutex
	authorized []url.Values // the parameters of each authorization request
}

// connect lets the SDK find its way from the MCP URL alone.
func connect(t *testing.T, g *gateway.Gateway, version string) *sdk {
	t.Helper()
	s := &sdk{wire: &wire{}, purse: &purse{}, progress: make(chan time.Time, 64), changed: make(chan struct{}, 8)}
	person := gateway.NewPerson(t, "Ada Lovelace")
	web := &http.Client{Transport: s.wire}
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{Metadata: &oauthex.ClientRegistrationMetadata{
			ClientName: "go-sdk", RedirectURIs: []string{gateway.RedirectURI}, TokenEndpointAuthMethod: "none",
			GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"},
		}},
		AuthorizationCodeFetcher: func(ctx context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
			if u, err := url.Parse(args.URL); err == nil {
				s.mu.Lock()
				s.authorized = append(s.authorized, u.Query())
				s.mu.Unlock()
			}
			return person.Fetch(ctx, args)
		},
		RequestRefreshToken: true,
		NewTokenSource:      s.purse.fill,
		Client:              web,
	})
	if err != nil {
		t.Fatal(err)
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "conformance", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(context.Context, *mcp.ProgressNotificationClientRequest) { s.progress <- time.Now() },
		ToolListChangedHandler:      func(context.Context, *mcp.ToolListChangedRequest) { s.changed <- struct{}{} },
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s.session, err = client.Connect(ctx, &mcp.StreamableClientTransport{
		Endpoint: g.MCP(), HTTPClient: web, OAuthHandler: handler, MaxRetries: -1,
	}, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() { _ = s.session.Close() }) // most tests have closed it themselves
	if got := s.session.InitializeResult().ProtocolVersion; got != version {
		t.Fatalf("the session speaks %s, want %s", got, version)
	}
	return s
}

// tools answers the names of the tools there are.
func (s *sdk) tools(t *testing.T) (names []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tools, err := s.session.ListTools(ctx, nil)
	if err != nil {
		t.Fatalf("list tools: %v", err)
	}
	for _, tool := range tools.Tools {
		names = append(names, tool.Name)
	}
	return names
}

// call calls a tool and answers what it says.
func (s *sdk) call(t *testing.T, tool string, arguments map[string]any) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	params := &mcp.CallToolParams{Name: tool, Arguments: arguments, Meta: mcp.Meta{}}
	params.SetProgressToken("progress of " + tool)
	result, err := s.session.CallTool(ctx, params)
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

// signIns is how often the person was sent to the browser.
func (s *sdk) signIns() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.authorized
}

// purse is a token source the SDK is given by way of NewTokenSource: x/oauth2's own, whose token a test can spoil.
type purse struct {
	mu     sync.Mutex
	ctx    context.Context
	config *oauth2.Config
	source oauth2.TokenSource
	token  oauth2.Token // as it was given out last
}

func (p *purse) fill(ctx context.Context, c *oauth2.Config, token *oauth2.Token) (oauth2.TokenSource, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ctx, p.config, p.source, p.token = ctx, c, c.TokenSource(ctx, token), *token
	return p, nil
}

// Token implements oauth2.TokenSource.
func (p *purse) Token() (*oauth2.Token, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	token, err := p.source.Token()
	if err == nil {
		p.token = *token
	}
	return token, err
}

// now answers the token that was given out last.
func (p *purse) now() oauth2.Token {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.token
}

// spoil lets the access token look expired, and changes the token as it is told.
func (p *purse) spoil(change func(*oauth2.Token)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	token := p.token
	token.Expiry = time.Now().Add(-time.Minute)
	change(&token)
	p.source = p.config.TokenSource(p.ctx, &token)
}

// sent is one request of the SDK's and the status it was answered with.
type sent struct {
	method, path  string
	status        int
	authorization string
	session       string
	form          url.Values // of a token request
}

// wire carries the SDK's requests and notes them.
type wire struct {
	mu  sync.Mutex
	all []sent
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	one := sent{
		method: r.Method, path: r.URL.Path, authorization: r.Header.Get("Authorization"), session: r.Header.Get("Mcp-Session-Id"),
	}
	if r.GetBody != nil && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if body, err := r.GetBody(); err == nil {
			if text, err := io.ReadAll(body); err == nil {
				one.form, _ = url.ParseQuery(string(text)) // a form that is none shows by what it lacks
			}
		}
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		one.status = res.StatusCode
	}
	w.mu.Lock()
	w.all = append(w.all, one)
	w.mu.Unlock()
	return res, err
}

// first answers the first request of all.
func (w *wire) first() sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all[0]
}

// find answers the requests of a kind, in order.
func (w *wire) find(method, path string) []sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []sent
	for _, one := range w.all {
		if one.method == method && one.path == path {
			found = append(found, one)
		}
	}
	return found
}
