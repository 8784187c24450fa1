package reload

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"durward/conformance/gateway"
	"durward/conformance/hostile/kind"
)

// users are the crowd of a gateway: callers and streams on every route, clients that refresh their tokens, strangers, and
// people who sign in.
type users struct {
	*crowd
	g *gateway.Gateway
	// logins counts those that were completed.
	logins atomic.Int64
}

// newUsers starts all of them. What needs to be signed in is, when it returns.
func newUsers(test testing.TB, g *gateway.Gateway, u *upstream) *users {
	test.Helper()
	all := &users{crowd: newCrowd(test), g: g}
	client, err := g.Register(test.Context())
	if err != nil {
		test.Fatal(err)
	}
	client.Resource = g.URL + "/mcp/" + guarded
	if err := client.SignIn(test.Context(), g.Person(test, "Ada Lovelace")); err != nil {
		test.Fatal(err)
	}
	all.load(u, []way{
		{guarded, client.Resource, client.Tokens.AccessToken},
		{keeper, g.URL + "/mcp/" + keeper, grant(test, g, keeper)},
		{steady, g.URL + "/mcp/" + steady, ""},
		{edited, g.URL + "/mcp/" + edited, grant(test, g, edited)},
	})
	all.refresher(test)
	all.caller("stranger", every, all.challenged)
	all.caller("newcomer", time.Second, func(ctx context.Context, _ *http.Client) error {
		client, err := g.Login(ctx, gateway.NewPerson(test, "Grace Hopper"))
		if err != nil {
			return fmt.Errorf("log in: %w", err)
		}
		all.logins.Add(1)
		return echo(ctx, http.DefaultClient, client)
	})
	for _, version := range []string{withSessions, withoutSessions} {
		all.counter(test, version)
	}
	all.awake(test)
	return all
}

// grant has a policy of the suites' own allow somebody, and answers the token.
func grant(test testing.TB, g *gateway.Gateway, policy string) string {
	test.Helper()
	r, err := http.NewRequestWithContext(test.Context(), http.MethodPost, g.URL+"/"+policy+"/grant?subject=ada", nil)
	if err != nil {
		test.Fatal(err)
	}
	if status, body, err := do(http.DefaultClient, r); err != nil || status != http.StatusNoContent {
		test.Fatalf("grant: %d %s %v", status, body, err)
	}
	return strings.TrimPrefix(kind.Credential("ada"), "Bearer ")
}

// refresher refreshes its tokens again and again, and uses the new one at once.
func (u *users) refresher(test testing.TB) {
	client := u.g.MustLogin(test)
	u.caller("refresher", 3*every, func(ctx context.Context, c *http.Client) error {
		if err := client.Refresh(context.WithValue(ctx, oauth2.HTTPClient, c)); err != nil {
			return fmt.Errorf("refresh: %w", err)
		}
		return echo(ctx, c, client) // with a token that nobody has seen before
	})
}

// challenged is what a client does that has no token: it asks, is refused, and reads where to sign in.
func (u *users) challenged(ctx context.Context, c *http.Client) error {
	for _, request := range []struct {
		method, url, want string
		status            int
	}{
		{http.MethodPost, u.g.MCP(), "", http.StatusUnauthorized},
		{http.MethodGet, u.g.URL + "/.well-known/oauth-protected-resource/mcp/demo", u.g.MCP(), http.StatusOK},
		{http.MethodGet, u.g.URL + "/.well-known/oauth-authorization-server", u.g.URL, http.StatusOK},
	} {
		r, err := http.NewRequestWithContext(ctx, request.method, request.url, nil)
		if err != nil {
			return err
		}
		status, body, err := do(c, r)
		if err != nil {
			return err
		}
		if status != request.status || !strings.Contains(body, request.want) {
			return fmt.Errorf("%s: answered %d: %.300s", request.url, status, body)
		}
	}
	return nil
}

// echo calls the tool with a client's token.
func echo(ctx context.Context, c *http.Client, client *gateway.Client) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, client.Resource, strings.NewReader(gateway.Echo))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer " + client.Tokens.AccessToken, "Content-Type": "application/json",
		"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": withoutSessions,
		"Mcp-Method": "tools/call", "Mcp-Name": "echo",
	} {
		r.Header.Set(name, value)
	}
	status, body, err := do(c, r)
	if err == nil && (status != http.StatusOK || !strings.Contains(body, "hello")) {
		err = fmt.Errorf("answered %d: %.300s", status, body)
	}
	return err
}
