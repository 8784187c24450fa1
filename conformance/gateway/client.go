package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

// Client is an MCP client made by hand, for what the SDK's client hides: its tokens, and single requests.
type Client struct {
	// ID is its client_id, Resource the URL its tokens are for.
	ID, Resource string
	// Tokens are what it was given last.
	Tokens *oauth2.Token
	config oauth2.Config
	http   *http.Client
}

// Login registers a client, has the person allow it and sign in, and redeems the code.
func (g *Gateway) Login(ctx context.Context, p *Person) (*Client, error) {
	c, err := g.Register(ctx)
	if err != nil {
		return nil, err
	}
	return c, c.SignIn(ctx, p)
}

// MustLogin is Login for a test that needs it done.
func (g *Gateway) MustLogin(t testing.TB) *Client {
	t.Helper()
	c, err := g.Login(t.Context(), g.Person(t, "Ada Lovelace"))
	if err != nil {
		t.Fatalf("log in: %v", err)
	}
	return c
}

// Register registers a public client.
func (g *Gateway) Register(ctx context.Context) (*Client, error) {
	body, err := json.Marshal(map[string]any{
		"client_name": "Conformance", "redirect_uris": []string{RedirectURI}, "token_endpoint_auth_method": "none",
		"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"},
	})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL+"/oauth/register", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := g.client().Do(r)
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	defer resp.Body.Close()
	var registered struct {
		ClientID string `json:"client_id"`
	}
	if resp.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(resp.Body) // for the error alone
		return nil, fmt.Errorf("register: %s: %s", resp.Status, text)
	}
	if err := json.NewDecoder(resp.Body).Decode(&registered); err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	return &Client{ID: registered.ClientID, Resource: g.MCP(), http: g.client(), config: oauth2.Config{
		ClientID: registered.ClientID, RedirectURL: RedirectURI,
		Endpoint: oauth2.Endpoint{
			AuthURL: g.URL + "/oauth/authorize", TokenURL: g.URL + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams,
		},
	}}, nil
}

// AuthorizeURL is where the client sends a person. verifier is the PKCE code verifier.
func (c *Client) AuthorizeURL(verifier string) string {
	return c.config.AuthCodeURL("state-of-"+c.ID, oauth2.S256ChallengeOption(verifier),
		oauth2.SetAuthURLParam("resource", c.Resource))
}

// SignIn has the person allow the client, and redeems the code.
func (c *Client) SignIn(ctx context.Context, p *Person) error {
	verifier := oauth2.GenerateVerifier()
	answer, err := p.Allow(ctx, c.AuthorizeURL(verifier))
	if err != nil {
		return err
	}
	return c.Redeem(ctx, answer.Get("code"), verifier)
}

// Redeem exchanges a code. If that fails, the client keeps the tokens it had.
func (c *Client) Redeem(ctx context.Context, code, verifier string) error {
	tokens, err := c.config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, c.http), code,
		oauth2.VerifierOption(verifier), oauth2.SetAuthURLParam("resource", c.Resource))
	if err == nil {
		c.Tokens = tokens
	}
	return err
}

// Refresh exchanges the refresh token. If that fails, the client keeps the tokens it had.
func (c *Client) Refresh(ctx context.Context) error {
	source := c.config.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, c.http),
		&oauth2.Token{RefreshToken: c.Tokens.RefreshToken})
	tokens, err := source.Token()
	if err == nil {
		c.Tokens = tokens
	}
	return err
}

// meta is what a request without a session says of its client (2026-07-28). A tool that can report progress does so.
const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",` +
	`"io.modelcontextprotocol/clientCapabilities":{},` +
	`"io.modelcontextprotocol/clientInfo":{"name":"conformance","version":"1"},"progressToken":"p"}`

// Echo is a request for the tool echo that needs no session.
const Echo = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"},` + meta + `}}`

// Call sends Echo with the access token and answers the status and the body.
func (c *Client) Call(ctx context.Context) (int, string, error) {
	resp, err := c.send(ctx, c.Tokens.AccessToken, "echo", Echo)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// Send calls a tool with a token, which need not be the client's, and arguments in JSON. The caller closes the answer's
// body.
func (c *Client) Send(ctx context.Context, token, tool, arguments string) (*http.Response, error) {
	return c.send(ctx, token, tool, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+tool+
		`","arguments":`+arguments+`,`+meta+`}}`)
}

func (c *Client) send(ctx context.Context, token, tool, message string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Resource, strings.NewReader(message))
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer " + token, "Content-Type": "application/json",
		"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28",
		"Mcp-Method": "tools/call", "Mcp-Name": tool,
	} {
		r.Header.Set(name, value)
	}
	return c.http.Do(r)
}
