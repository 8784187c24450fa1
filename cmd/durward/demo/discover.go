package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"
)

// beChallenged calls without a token and learns where the metadata is (RFC 9728 section 5.1).
func (c *check) beChallenged(ctx context.Context) error {
	body := `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.mcpURL, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	answer, err := c.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection can be used again
	if answer.StatusCode != http.StatusUnauthorized {
		return fmt.Errorf("without a token the answer is %s, want 401", answer.Status)
	}
	challenges, err := oauthex.ParseWWWAuthenticate(answer.Header.Values("WWW-Authenticate"))
	if err != nil {
		return fmt.Errorf("read WWW-Authenticate: %w", err)
	}
	i := slices.IndexFunc(challenges, func(one oauthex.Challenge) bool { return one.Scheme == "bearer" })
	if i < 0 {
		return errors.New("the 401 has no Bearer challenge")
	}
	c.metadataURL = challenges[i].Params["resource_metadata"]
	if !sameOrigin(c.metadataURL, c.mcpURL) {
		return errors.New("the challenge names no resource_metadata at this gateway")
	}
	return nil
}

// findResource reads the protected resource's metadata, which must be of the very URL that was called.
func (c *check) findResource(ctx context.Context) (err error) {
	c.resource, err = oauthex.GetProtectedResourceMetadata(ctx, c.metadataURL, c.mcpURL, c.client)
	if err != nil {
		return err
	}
	if len(c.resource.AuthorizationServers) == 0 {
		return errors.New("it names no authorization server")
	}
	return nil
}

// findServer reads the authorization server's metadata and checks what this client needs of it.
func (c *check) findServer(ctx context.Context) (err error) {
	issuer := c.resource.AuthorizationServers[0]
	c.server, err = auth.GetAuthServerMetadata(ctx, issuer, c.client)
	switch {
	case err != nil:
		return err
	case c.server == nil:
		return errors.New("there is none at the well-known places")
	case c.server.Issuer != issuer: // exactly: RFC 8414 section 3.3
		return errors.New("it is of another issuer")
	case !slices.Contains(c.server.CodeChallengeMethodsSupported, "S256"):
		return errors.New("it does not offer S256")
	case !slices.Contains(c.server.ResponseTypesSupported, "code"):
		return errors.New("it does not offer the response type code")
	case !slices.Contains(c.server.TokenEndpointAuthMethodsSupported, "none"):
		return errors.New("it does not offer public clients")
	case c.server.RegistrationEndpoint == "":
		return errors.New("it offers no registration")
	}
	return nil
}

// register makes this client known (RFC 7591).
func (c *check) register(ctx context.Context) error {
	client, err := oauthex.RegisterClient(ctx, c.server.RegistrationEndpoint, &oauthex.ClientRegistrationMetadata{
		RedirectURIs:            []string{callbackURL},
		TokenEndpointAuthMethod: "none",
		GrantTypes:              []string{"authorization_code", "refresh_token"},
		ResponseTypes:           []string{"code"},
		ClientName:              "Durward demo check",
		ApplicationType:         "native",
	}, c.client)
	if err != nil {
		return err
	}
	if !slices.Contains(client.RedirectURIs, callbackURL) {
		return errors.New("the answer does not have our redirect URI")
	}
	c.oauth = oauth2.Config{
		ClientID: client.ClientID, RedirectURL: callbackURL, Scopes: c.resource.ScopesSupported,
		Endpoint: oauth2.Endpoint{
			AuthURL: c.server.AuthorizationEndpoint, TokenURL: c.server.TokenEndpoint,
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
	return nil
}

func sameOrigin(a, b string) bool {
	ua, errA := url.Parse(a)
	ub, errB := url.Parse(b)
	return errA == nil && errB == nil && ua.Host != "" && originOf(ua) == originOf(ub)
}

func originOf(u *url.URL) string { return u.Scheme + "://" + u.Host }
