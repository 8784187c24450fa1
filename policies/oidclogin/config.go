package oidclogin

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

// check says what is wrong with the configuration, by field and without quoting it.
func (c Config) check() error {
	issuer, err := checkURL("Issuer", c.Issuer)
	if err != nil {
		return err
	}
	if issuer.RawQuery != "" {
		return errors.New("the Issuer must have no query")
	}
	onLoopback := issuer.Scheme == "http"
	for _, endpoint := range []struct{ name, value string }{
		{"AuthorizeURL", c.AuthorizeURL}, {"TokenURL", c.TokenURL}, {"JWKSURL", c.JWKSURL},
	} {
		u, err := checkURL(endpoint.name, endpoint.value)
		if err != nil {
			return err
		}
		if u.Scheme == "http" && !onLoopback {
			return fmt.Errorf("%s must be https, as the Issuer is", endpoint.name)
		}
	}
	switch {
	case c.ClientID == "":
		return errors.New("the ClientID is empty")
	case !slices.Contains(c.Scopes, oidc.ScopeOpenID):
		return errors.New("field Scopes must contain openid")
	case c.Timeout <= 0:
		return errors.New("field Timeout must be greater than zero")
	case c.Transport != nil && len(c.RootCAs) > 0:
		return errors.New("field RootCAs is for the provider's own transport: a Transport brings its own")
	}
	for _, alg := range c.Algs {
		if !slices.Contains(asymmetricAlgs(), alg) {
			return errors.New("field Algs may hold asymmetric signature algorithms only")
		}
	}
	for name := range c.ExtraAuthorize {
		if slices.Contains(ownParameters(), name) {
			return fmt.Errorf("ExtraAuthorize must not set %s", name)
		}
	}
	return nil
}

// checkURL parses an absolute URL that is https, or http to a loopback address.
func checkURL(name, value string) (*url.URL, error) {
	u, err := url.Parse(value)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s is not a URL", name) // the parser's own text would quote it
	case u.Host == "" || u.Opaque != "":
		return nil, fmt.Errorf("%s must be an absolute URL", name)
	case u.User != nil:
		return nil, fmt.Errorf("%s must hold no user and no password", name)
	case strings.Contains(value, "#"):
		return nil, fmt.Errorf("%s must have no fragment", name)
	case u.Scheme == "https":
		return u, nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return u, nil
	}
	return nil, fmt.Errorf("%s must be https; http is taken for a loopback address only", name)
}

func isLoopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") // RFC 6761 section 6.3
}

func asymmetricAlgs() []string {
	return []string{
		oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512,
		oidc.EdDSA,
	}
}

// ownParameters are those of the authorization request that no configuration may set.
func ownParameters() []string {
	return []string{
		"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce",
		"code_challenge", "code_challenge_method", "request", "request_uri",
	}
}
