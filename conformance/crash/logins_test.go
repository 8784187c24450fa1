package crash

import (
	"net/http"
	"net/url"
	"testing"

	"golang.org/x/oauth2"

	"durward/cmd/durward/demo/browser"
	"durward/conformance/gateway"
)

// logins are sign-ins on their way, one at each place where a person or a client may be when something dies.
type logins struct {
	consent, provider, code login
}

// login is one sign-in, as far as it has come.
type login struct {
	client   *gateway.Client
	person   *gateway.Person
	verifier string
	// page is what the person looks at; answer what the client was told, if it was.
	page   *browser.Page
	answer url.Values
}

func beginLogins(t *testing.T, g *gateway.Gateway) *logins {
	t.Helper()
	l := &logins{consent: atConsent(t, g), provider: atConsent(t, g), code: atConsent(t, g)}
	at, err := l.provider.person.Consent(t.Context(), l.provider.page)
	if err != nil || at.Page == nil {
		t.Fatalf("consent: %+v %v", at, err)
	}
	l.provider.page = at.Page
	if l.code.answer, err = l.code.person.Finish(t.Context(), l.code.page); err != nil {
		t.Fatal(err)
	}
	return l
}

func atConsent(t *testing.T, g *gateway.Gateway) login {
	t.Helper()
	c, err := g.Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l := login{client: c, person: g.Person(t, "Grace Hopper"), verifier: oauth2.GenerateVerifier()}
	if l.page, err = l.person.Open(t.Context(), c.AuthorizeURL(l.verifier)); err != nil {
		t.Fatal(err)
	}
	return l
}

// complete finishes every login from where it was.
func (l *logins) complete(t *testing.T) {
	t.Helper()
	var err error
	if l.consent.answer, err = l.consent.person.Finish(t.Context(), l.consent.page); err != nil {
		t.Errorf("the login that was at the consent page: %v", err)
	}
	if l.provider.answer, err = l.provider.person.SignIn(t.Context(), l.provider.page); err != nil {
		t.Errorf("the login that was at the provider's page: %v", err)
	}
	for where, one := range map[string]login{"consent page": l.consent, "provider's page": l.provider, "code": l.code} {
		if err := one.client.Redeem(t.Context(), one.answer.Get("code"), one.verifier); err != nil {
			t.Errorf("the login that was at the %s: %v", where, err)
			continue
		}
		wantStatus(t, "the token of the login that was at the "+where, one.client, http.StatusOK)
	}
}
