package providers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"durward/cmd/durward/demo/browser"
)

// SignIn implements gateway.SignIn: it fills in the provider's form, and allows the gateway what it asks for if there is
// a page for that.
func (p *Provider) SignIn(
	ctx context.Context, b *browser.Browser, page *browser.Page, name string,
) (browser.Landing, error) {
	people := []Person{Ada(), Grace()}
	i := slices.IndexFunc(people, func(one Person) bool { return one.Name == name })
	if i < 0 {
		return browser.Landing{}, fmt.Errorf("the provider does not know %q", name)
	}
	at := browser.Landing{Page: page}
	for range 4 { // no provider has more pages
		if at.Page == nil || origin(at.Page.URL) != p.Issuer {
			return at, nil
		}
		if at.Page.Has("username") {
			if err := errors.Join(
				at.Page.Fill("username", people[i].Username), at.Page.Fill("password", people[i].Password),
			); err != nil {
				return at, err
			}
		}
		var err error
		if at, err = b.Press(ctx, at.Page, func(browser.Button) bool { return true }); err != nil { // the first is yes
			return at, err
		}
	}
	return at, nil
}

// Transport carries requests to the provider and to everybody else, and trusts the provider's certificate.
func (p *Provider) Transport() *http.Transport {
	transport := &http.Transport{}
	if p.trusted != nil {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(p.trusted)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	p.t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }
