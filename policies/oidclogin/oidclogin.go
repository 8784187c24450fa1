// Package oidclogin signs people in at any OpenID provider.
//
// It owns the relying party's half of an OpenID Connect login by authorization code: the URL a browser is sent to, the
// exchange of the code or, later, of a refresh token, and every check of the ID token that OpenID Connect Core section
// 3.1.3.7 asks for, with those that the libraries beneath (golang.org/x/oauth2, coreos/go-oidc) leave to their caller:
// nonce, typ, azp, iat, and the iss parameter of the callback (RFC 9207).
//
// It promises that a [Provider] touches no network until a person signs in, that every call to the provider ends within
// Config.Timeout, reads at most 1 MiB and follows no redirect, that keys are fetched anew for an unknown one, but, while
// they can be had, not more often than every ten seconds, and that no error it answers holds a code, a token or the client
// secret: what the provider wrote never passes into an error, save error codes and trace ids of harmless form, and the
// names in its certificate. What each code means is said in one place, meaning.go.
//
// It is not for deciding who may sign in, for keeping a login's state between its two halves or what a person can be asked
// about with, or for the provider's access token, which is dropped unread. The one thing that opens a door elsewhere is
// in the identity's Handle: the provider's refresh token, with which [Provider.Recheck] asks again.
package oidclogin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"durward/policies"
)

// Config says where the provider is and who we are to it.
type Config struct {
	// Issuer is the provider's issuer identifier, exactly as its ID tokens carry it in iss.
	Issuer string
	// AuthorizeURL, TokenURL and JWKSURL are the provider's endpoints. All are https; http is taken only for a loopback
	// address, and only if the issuer is on one too.
	AuthorizeURL, TokenURL, JWKSURL string
	// ClientID and ClientSecret are our registration at the provider. An empty secret makes us a public client.
	ClientID, ClientSecret string
	// Scopes are requested at every login. They must contain "openid": without it there is no ID token.
	Scopes []string
	// AuthStyle says how the token endpoint is told the client's id and secret. The zero value is
	// oauth2.AuthStyleInHeader (client_secret_basic): never a guess, which would send the secret twice. A public client
	// sends its id in the body, whatever this says.
	AuthStyle oauth2.AuthStyle
	// Algs are the JOSE algorithms an ID token may be signed with; RS256 if empty. Symmetric ones and none are refused.
	Algs []string
	// Timeout bounds each call to the provider, from dialling to the last byte. Required.
	Timeout time.Duration
	// Transport carries the calls. If nil, one of the provider's own is made, with the usual proxy variables.
	Transport http.RoundTripper
	// RootCAs are certificates in PEM. If there are any, no others are trusted; a Transport must then bring its own.
	RootCAs []byte
	// ExtraAuthorize are further parameters of the authorization request, such as prompt or organization. None may be
	// one that this package sets, save prompt, which a fresh login overrides.
	ExtraAuthorize url.Values
	// OrganizationClaim names the ID token's claim that holds the ids of the person's organizations, a string or an array
	// of strings. Empty if the provider has none.
	OrganizationClaim string
}

// Provider is an OpenID provider at which people sign in. It implements policies.IdentityProvider, and its methods may
// be called concurrently.
type Provider struct {
	issuer   string
	clientID string
	timeout  time.Duration
	client   *http.Client
	exchange oauth2.Config
	extra    []oauth2.AuthCodeOption
	keys     oidc.KeySet
	algs     []string

	organizationClaim string
}

var _ policies.IdentityProvider = (*Provider)(nil)

// New makes a provider. It touches no network: keys are fetched when the first ID token is to be verified. The error
// says which field of the configuration is wrong, without quoting it.
func New(c Config) (*Provider, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("configure OpenID provider: %w", err)
	}
	transport := c.Transport
	if transport == nil {
		roots, err := readRoots(c.RootCAs)
		if err != nil {
			return nil, fmt.Errorf("configure OpenID provider: %w", err)
		}
		transport = newTransport(roots, c.Timeout)
	}
	transport = whole{transport}
	keyClient := newClient(&keyFetches{base: transport})
	// go-oidc fetches keys outside of any caller's context, so that this client has to bound the time by itself.
	keyClient.Timeout = c.Timeout
	style := c.AuthStyle
	switch {
	case c.ClientSecret == "": // RFC 6749 section 4.1.3: who has no secret says in the body who it is
		style = oauth2.AuthStyleInParams
	case style == oauth2.AuthStyleAutoDetect:
		style = oauth2.AuthStyleInHeader
	}
	algs := slices.Clone(c.Algs)
	if len(algs) == 0 {
		algs = []string{oidc.RS256}
	}
	var extra []oauth2.AuthCodeOption
	for _, name := range slices.Sorted(maps.Keys(c.ExtraAuthorize)) {
		extra = append(extra, oauth2.SetAuthURLParam(name, c.ExtraAuthorize.Get(name)))
	}
	return &Provider{
		issuer:   c.Issuer,
		clientID: c.ClientID,
		timeout:  c.Timeout,
		client:   newClient(transport),
		exchange: oauth2.Config{
			ClientID:     c.ClientID,
			ClientSecret: c.ClientSecret,
			Endpoint:     oauth2.Endpoint{AuthURL: c.AuthorizeURL, TokenURL: c.TokenURL, AuthStyle: style},
			Scopes:       slices.Clone(c.Scopes),
		},
		extra: extra,
		keys:  oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), keyClient), c.JWKSURL),
		algs:  algs,

		organizationClaim: c.OrganizationClaim,
	}, nil
}

// Issuer is the issuer identifier from the configuration.
func (p *Provider) Issuer() string { return p.issuer }

// Begin answers the URL of an authorization request (OpenID Connect Core section 3.1.2.1) with state, nonce and an S256
// challenge (requirement C2), and with prompt=login if the person is to say anew who they are. It fails only on a login
// that lacks one of them.
func (p *Provider) Begin(_ context.Context, login policies.Login) (string, error) {
	if err := checkLogin(login); err != nil {
		return "", fmt.Errorf("begin sign-in: %w", err)
	}
	config := p.exchange
	config.RedirectURL = login.RedirectURI
	parameters := append(slices.Clone(p.extra), oidc.Nonce(login.Nonce), oauth2.S256ChallengeOption(login.Verifier))
	if login.Fresh {
		parameters = append(parameters, oauth2.SetAuthURLParam("prompt", "login")) // the last one counts
	}
	return config.AuthCodeURL(login.State, parameters...), nil
}

// Complete exchanges the callback's code and answers the identity that the verified ID token names. Every error is a
// *policies.LoginError. The identity's Handle is nil if the provider gave no refresh token.
func (p *Provider) Complete(
	ctx context.Context, login policies.Login, callback policies.Callback,
) (policies.Identity, error) {
	identity, err := p.complete(ctx, login, callback.Query)
	if e, ok := errors.AsType[*policies.LoginError](err); ok {
		return policies.Identity{}, p.confided(
			callback.Query.Get("code"), login.Verifier, login.Nonce, login.State).clean(*e)
	}
	return identity, err
}

// complete is Complete with errors, all *policies.LoginError, in which words of the provider are as it gave them.
func (p *Provider) complete(ctx context.Context, login policies.Login, query url.Values) (policies.Identity, error) {
	if err := checkLogin(login); err != nil {
		return policies.Identity{}, failed("login_incomplete", err)
	}
	code, err := p.readCallback(query)
	if err != nil {
		return policies.Identity{}, err
	}
	raw, refresh, err := p.redeem(ctx, login, code)
	if err != nil {
		return policies.Identity{}, err
	}
	token, err := p.verify(ctx, raw)
	if err != nil {
		return policies.Identity{}, err
	}
	if err := checkNonce(token.claims, login.Nonce); err != nil {
		return policies.Identity{}, err
	}
	who := p.identityOf(token)
	who.Handle = p.handleOf(who.Subject, refresh)
	return who, nil
}

// checkLogin refuses a login that would leave a check without its counterpart: an empty nonce equals a missing one.
func checkLogin(l policies.Login) error {
	switch {
	case l.RedirectURI == "":
		return errors.New("the login has no redirect URI")
	case l.State == "":
		return errors.New("the login has no state")
	case l.Nonce == "":
		return errors.New("the login has no nonce")
	case len(l.Verifier) < 43 || len(l.Verifier) > 128: // RFC 7636 section 4.1
		return errors.New("the login's verifier is not 43 to 128 characters long")
	}
	return nil
}
