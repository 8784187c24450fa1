//go:build !race

// Command zitadel is an OpenID provider on zitadel/oidc, with Clerk's paths: certified, and unlike Clerk where that has
// hurt others. Its ID tokens hold no email address, which this one leaves to userinfo.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"

	"durward/conformance/providers/internal/program"
)

func main() {
	if err := program.Run(newProvider); err != nil {
		fmt.Fprintln(os.Stderr, "zitadel:", err)
		os.Exit(1)
	}
}

// newProvider is the library's own example server, its login page included, at other paths and with other people.
func newProvider(
	issuer string, s program.Settings, c program.Callback, gone *program.Disabled,
) (http.Handler, error) {
	storage.RegisterClients(storage.WebClient(s.ClientID, s.ClientSecret, c.RedirectURI))
	kept := accounts{storage.NewStorage(people(s.People)), gone}
	return exampleop.SetupServer(issuer, kept, slog.New(slog.DiscardHandler), false,
		op.WithCustomAuthEndpoint(op.NewEndpoint("/oauth/authorize")),
		op.WithCustomTokenEndpoint(op.NewEndpoint("/oauth/token")),
		op.WithCustomUserinfoEndpoint(op.NewEndpoint("/oauth/userinfo")),
		op.WithCustomRevocationEndpoint(op.NewEndpoint("/oauth/token/revoke")),
		op.WithCustomEndSessionEndpoint(op.NewEndpoint("/oauth/end_session")),
		op.WithCustomKeysEndpoint(op.NewEndpoint("/.well-known/jwks.json")),
	), nil
}

// accounts is the library's storage, which forgets nobody by itself.
type accounts struct {
	*storage.Storage
	gone *program.Disabled
}

// TokenRequestByRefreshToken implements op.Storage.
func (a accounts) TokenRequestByRefreshToken(ctx context.Context, token string) (op.RefreshTokenRequest, error) {
	request, err := a.Storage.TokenRequestByRefreshToken(ctx, token)
	if err == nil && a.gone.Has(request.GetSubject()) {
		return nil, errors.New("the account is disabled")
	}
	return request, err
}

// people implements storage.UserStore.
type people []program.Person

func (p people) GetUserByID(id string) *storage.User {
	return p.find(func(one program.Person) bool { return one.Subject == id })
}

func (p people) GetUserByUsername(name string) *storage.User {
	return p.find(func(one program.Person) bool { return one.Username == name })
}

// ExampleClientID is of a service that the library's example has and this has not.
func (people) ExampleClientID() string { return "" }

func (p people) find(is func(program.Person) bool) *storage.User {
	for _, one := range p {
		if is(one) {
			return &storage.User{
				ID: one.Subject, Username: one.Username, Password: one.Password, FirstName: one.Name,
				Email: one.Email, EmailVerified: true,
			}
		}
	}
	return nil
}
