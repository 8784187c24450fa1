package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"

	"durward/cmd/durward/demo/browser"
)

// CheckOptions say what is checked.
type CheckOptions struct {
	// MCPURL is the route to be called, "http://127.0.0.1:9000/mcp/demo". Behind it must be the sample server.
	MCPURL string
	// Person is the name on the sign-in page's button; "Ada Lovelace" if empty.
	Person string
	// Out gets a line a step. Nothing is written if it is nil.
	Out io.Writer
	// Transport carries all requests. If nil, one is made and closed again.
	Transport http.RoundTripper
}

// check is one client on its way from nothing to a refreshed token. What one step finds, later steps use.
type check struct {
	mcpURL, person string
	client         *http.Client     // the MCP client's own requests
	browser        *browser.Browser // the person's

	metadataURL string
	resource    *oauthex.ProtectedResourceMetadata
	server      *oauthex.AuthServerMeta
	oauth       oauth2.Config
	state       string
	verifier    string
	page        *browser.Page
	callback    url.Values
	tokens      *oauth2.Token
	sessions    sessions
}

// callbackURL is where the client is answered. Nobody listens there: the browser stops before it, as it holds all that
// a listener would be told.
const callbackURL = "http://127.0.0.1:41739/callback"

// Check does what a person with an MCP client does, against a running gateway, and answers the first step that failed.
func Check(ctx context.Context, o CheckOptions) error {
	if o.Transport == nil {
		own := &http.Transport{Proxy: http.ProxyFromEnvironment}
		defer own.CloseIdleConnections()
		o.Transport = own
	}
	c, err := newCheck(o)
	if err != nil {
		return err
	}
	defer c.sessions.close()
	began := time.Now()
	for _, step := range c.steps() {
		if err := run(ctx, o.Out, step); err != nil {
			return err
		}
	}
	return report(o.Out, "ok", "all of it", time.Since(began), "")
}

func newCheck(o CheckOptions) (*check, error) {
	if u, err := url.Parse(o.MCPURL); err != nil || u.Host == "" {
		return nil, errors.New("check: the MCP URL must be absolute")
	}
	if o.Person == "" {
		o.Person = "Ada Lovelace"
	}
	named := agent{base: o.Transport, name: "durward-demo-check"}
	b, err := browser.New(named, callbackURL)
	if err != nil {
		return nil, err
	}
	return &check{
		mcpURL: o.MCPURL, person: o.Person, browser: b,
		client: &http.Client{Transport: named, Timeout: 30 * time.Second},
		state:  oauth2.GenerateVerifier(), verifier: oauth2.GenerateVerifier(),
		sessions: sessions{transport: named, endpoint: o.MCPURL},
	}, nil
}

// step is one thing a client does.
type step struct {
	name string
	do   func(context.Context) error
}

func (c *check) steps() []step {
	return append([]step{
		{"challenge", c.beChallenged},
		{"resource metadata", c.findResource},
		{"server metadata", c.findServer},
		{"registration", c.register},
		{"authorize", c.authorize},
		{"consent", c.consent},
		{"sign-in", c.signIn},
		{"token", c.redeem},
	}, append(c.toolSteps(), []step{
		{"refresh", c.refresh},
		{"tools/call after refresh", c.callAgain},
	}...)...)
}

// run does a step and says how it went.
func run(ctx context.Context, out io.Writer, s step) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	began := time.Now()
	err := s.do(ctx)
	took := time.Since(began)
	if err == nil {
		return report(out, "ok", s.name, took, "")
	}
	err = plainly(err)
	return errors.Join(fmt.Errorf("%s: %w", s.name, err), report(out, "failed", s.name, took, err.Error()))
}

func report(out io.Writer, outcome, name string, took time.Duration, why string) error {
	if out == nil {
		return nil
	}
	if why != "" {
		why = "  " + why
	}
	_, err := fmt.Fprintf(out, "%-6s  %-26s %6d ms%s\n", outcome, name, took.Milliseconds(), why)
	return err
}

// plainly keeps codes and tokens out of what is shown: net/http puts whole URLs into its errors, and x/oauth2 whole
// answers.
func plainly(err error) error {
	if answered, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return fmt.Errorf("status %d, error %q, %s", answered.Response.StatusCode, answered.ErrorCode,
			answered.ErrorDescription)
	}
	if sent, ok := errors.AsType[*url.Error](err); ok {
		where := withoutQuery(sent.URL)
		return fmt.Errorf("%s %s: %w", sent.Op, where, sent.Err)
	}
	return err
}

func withoutQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "a URL that is none"
	}
	u.RawQuery, u.Fragment, u.User = "", "", nil
	return u.String()
}

// agent names the client to the servers.
type agent struct {
	base http.RoundTripper
	name string
}

func (a agent) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", a.name)
	return a.base.RoundTrip(r)
}
