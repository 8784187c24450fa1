package providers

import (
	"testing"

	"durward/conformance/gateway"
)

// Gateway starts a provider and a gateway at which people sign in with it. edit, if it is not nil, changes the gateway's
// configuration before the launch; what it sets is not overwritten.
func Gateway(t testing.TB, kind Kind, o Options, edit func(g *gateway.Gateway, p *Provider)) (*gateway.Gateway, *Provider) {
	t.Helper()
	p := Start(t, kind, o)
	g := gateway.Start(t, func(g *gateway.Gateway) {
		g.Setenv("CLERK_FRONTEND_API_URL", p.Issuer)
		g.Setenv("CLERK_CLIENT_ID", p.ClientID)
		g.Setenv("CLERK_CLIENT_SECRET", p.ClientSecret)
		if p.CAFile != "" {
			g.SetOption(t, "browserLoginOverrides", map[string]any{"caFile": p.CAFile})
		}
		g.Transport, g.SignIn = p.Transport(), p.SignIn
		if edit != nil {
			edit(g, p)
		}
	})
	p.Serve(g.URL + "/oauth/callback")
	return g, p
}
