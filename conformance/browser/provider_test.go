package browser

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"durward/cmd/durward/demo/idp"
	"durward/conformance/gateway"
)

// provider is the demo's identity provider, which can be told to fail.
type provider struct {
	*idp.Provider
	mu     sync.Mutex
	faults []func(http.ResponseWriter, *http.Request) bool
}

// newProvider starts the provider. It answers at these callbacks; without any, at every loopback address.
func newProvider(t *testing.T, callbacks []string, now func() time.Time) *provider {
	t.Helper()
	l := listen(t, "")
	made, err := idp.New(idp.Options{
		Issuer: l.origin, ClientSecret: gateway.Canary + "-of-the-provider", RedirectURIs: callbacks, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{Provider: made}
	l.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		faults := p.faults
		p.mu.Unlock()
		for _, fails := range faults {
			if fails(w, r) {
				return
			}
		}
		made.ServeHTTP(w, r)
	}))
	return p
}

// env is what the configuration that ships asks the environment for.
func (p *provider) env() map[string]string {
	return map[string]string{
		"CLERK_FRONTEND_API_URL": p.Issuer(),
		"CLERK_CLIENT_ID":        p.ClientID(),
		"CLERK_CLIENT_SECRET":    p.ClientSecret(),
	}
}

// fail has fault answer each request first until the test ends; false leaves the request to the provider. The test must
// not run beside others that sign in.
func (p *provider) fail(t *testing.T, fault func(http.ResponseWriter, *http.Request) bool) {
	set := func(faults ...func(http.ResponseWriter, *http.Request) bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.faults = faults
	}
	set(fault)
	t.Cleanup(func() { set() })
}
