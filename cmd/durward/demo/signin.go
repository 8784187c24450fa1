package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/oauth2"

	"durward/cmd/durward/demo/browser"
)

// authorize opens the authorization request in the browser: the consent page must appear before anything else.
func (c *check) authorize(ctx context.Context) error {
	address := c.oauth.AuthCodeURL(c.state, oauth2.S256ChallengeOption(c.verifier),
		oauth2.SetAuthURLParam("resource", c.resource.Resource))
	at, err := c.browser.Open(ctx, address)
	if err != nil {
		return err
	}
	if at.Page == nil {
		return errors.New("the client was answered without asking the person")
	}
	if !sameOrigin(at.Page.URL.String(), c.server.AuthorizationEndpoint) {
		return fmt.Errorf("the browser is at %s before the person was asked", originOf(at.Page.URL))
	}
	c.page = at.Page
	return nil
}

// consent allows the client. The identity provider's page must follow, since this browser has signed in nowhere.
func (c *check) consent(ctx context.Context) error {
	at, err := c.browser.Press(ctx, c.page, func(b browser.Button) bool {
		return b.Value == "approve" || b.Value == "allow"
	})
	if err != nil {
		return err
	}
	if at.Page == nil {
		return errors.New("the client was answered before the person signed in")
	}
	c.page = at.Page
	return nil
}

// signIn chooses the person, which brings the browser back through the gateway to the client.
func (c *check) signIn(ctx context.Context) error {
	at, err := c.browser.Press(ctx, c.page, func(b browser.Button) bool { return strings.Contains(b.Text, c.person) })
	if err != nil {
		return err
	}
	if at.Page != nil {
		return fmt.Errorf("the browser shows %q, and the client was not answered", at.Page.Heading)
	}
	c.callback = at.Callback
	return nil
}

// redeem checks the answer that the client got and exchanges its code.
func (c *check) redeem(ctx context.Context) (err error) {
	switch {
	case c.callback.Get("state") != c.state:
		return errors.New("the answer has another state")
	case c.callback.Has("error"):
		return fmt.Errorf("the answer is the error %q", c.callback.Get("error"))
	case c.server.AuthorizationResponseIssParameterSupported && c.callback.Get("iss") != c.server.Issuer: // RFC 9207
		return errors.New("the answer is not of this issuer")
	case c.callback.Get("code") == "":
		return errors.New("the answer has no code")
	}
	c.tokens, err = c.oauth.Exchange(c.withClient(ctx), c.callback.Get("code"), oauth2.VerifierOption(c.verifier),
		oauth2.SetAuthURLParam("resource", c.resource.Resource))
	if err != nil {
		return err
	}
	if !strings.EqualFold(c.tokens.TokenType, "Bearer") || c.tokens.RefreshToken == "" || c.tokens.ExpiresIn <= 0 {
		return errors.New("the answer must be a Bearer token that expires, with a refresh token")
	}
	c.sessions.token.Store(&c.tokens.AccessToken)
	return nil
}

// refresh gets a new pair of tokens for the old one.
func (c *check) refresh(ctx context.Context) error {
	old := &oauth2.Token{RefreshToken: c.tokens.RefreshToken}
	fresh, err := c.oauth.TokenSource(c.withClient(ctx), old).Token()
	if err != nil {
		return err
	}
	switch {
	case fresh.AccessToken == c.tokens.AccessToken:
		return errors.New("the access token is still the same")
	case fresh.RefreshToken == c.tokens.RefreshToken:
		return errors.New("the refresh token was not rotated")
	}
	c.tokens = fresh
	c.sessions.token.Store(&fresh.AccessToken)
	return nil
}

func (c *check) withClient(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, c.client)
}
