// Package providers runs OpenID providers that nobody here wrote, as programs of their own, on the paths that Clerk has.
//
// It owns three of them: on ory/fosite, on zitadel/oidc, and on npm's oidc-provider, which is served over TLS with the
// certificate of a private authority. It promises that each listens on 127.0.0.1 alone, knows the exact address at which
// its one client is answered, signs people in by a form of its own, and ends with the test that started it. The Go
// programs are built without the race detector: what it would look at is not ours.
//
// It is not for faults that no real provider has: those need a double that can be told them.
package providers

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"durward/conformance/gateway"
	"durward/conformance/parts"
	"durward/conformance/providers/internal/program"
)

// Kind is one of the providers.
type Kind string

// The kinds. They differ where relying parties have been hurt by it:
//
//	               aud in the ID token   email in it   on the callback besides code and state
//	fosite         a list                yes           scope
//	zitadel        a list                no            -
//	oidc-provider  a string              yes           iss
//
// All replace a refresh token when it is used. Of a used one that comes back, fosite and oidc-provider end whatever came
// of the sign-in; zitadel gives out no refresh token unless offline_access is asked for.
const (
	Fosite       Kind = "fosite"
	Zitadel      Kind = "zitadel"
	OIDCProvider Kind = "oidc-provider"
)

// Person is somebody who can sign in. A gateway.Person of the same name does so as them.
type Person = program.Person

// Ada and Grace can sign in at every provider.
func Ada() Person {
	return Person{
		Subject: "user_ada", Username: "ada", Password: "correct horse", Name: "Ada Lovelace", Email: "ada@example.com",
	}
}

// Grace is the other one.
func Grace() Person {
	return Person{
		Subject: "user_grace", Username: "grace", Password: "battery staple", Name: "Grace Hopper",
		Email: "grace@example.com",
	}
}

// Options say how a provider differs from one that is set up as it should be.
type Options struct {
	// Scopes are those that the client is allowed: openid, profile and email if there are none. Only fosite refuses
	// others, as Clerk does.
	Scopes []string
}

// Provider is a running provider.
type Provider struct {
	// Issuer is its origin.
	Issuer string
	// ClientID and ClientSecret are the gateway's.
	ClientID, ClientSecret string
	// CAFile holds the certificate of the authority that vouches for it; empty where it speaks plain http.
	CAFile string

	t       testing.TB
	program *exec.Cmd
	in      *json.Encoder
	out     *json.Decoder
	trusted []byte // what CAFile holds
}

// startTimeout bounds how long a program may take to say its next line: far more than it needs, on a busy machine.
const startTimeout = 60 * time.Second

// Start starts a provider. It answers nobody until Serve has told it who its client is.
func Start(t testing.TB, kind Kind, o Options) *Provider {
	t.Helper()
	if o.Scopes == nil {
		o.Scopes = []string{"openid", "profile", "email"}
	}
	p := &Provider{t: t, ClientID: "client_" + rand.Text(), ClientSecret: gateway.Canary + rand.Text()}
	settings := program.Settings{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, Scopes: o.Scopes, People: []Person{Ada(), Grace()},
	}
	switch kind {
	case Fosite, Zitadel:
		p.program = exec.Command(binary(t, kind))
	case OIDCProvider:
		p.program = exec.Command(parts.Node(t), filepath.Join(here(), "node", "server.mjs"), parts.Modules(t))
		authority := newAuthority(t)
		p.CAFile, p.trusted = authority.file, authority.certificate
		settings.Certificate, settings.Key = authority.issue(t)
	default:
		t.Fatalf("there is no provider %q", kind)
	}
	p.run()
	var at program.Listening
	p.tell(settings, &at)
	p.Issuer = at.Issuer
	return p
}

// Serve has the provider answer its client, which is the gateway, at callback and nowhere else.
func (p *Provider) Serve(callback string) {
	p.t.Helper()
	var ready program.Serving
	p.tell(program.Callback{RedirectURI: callback}, &ready)
}

// Disable has the person unable to sign in, and their refresh tokens refused, from now on.
func (p *Provider) Disable(person Person) {
	p.t.Helper()
	var changed program.Changed
	p.tell(program.Change{Disable: person.Subject}, &changed)
}

// run starts the program, which ends when the test closes its standard input.
func (p *Provider) run() {
	p.t.Helper()
	in, err := p.program.StdinPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	out, err := p.program.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	var said bytes.Buffer
	p.program.Stderr = &said
	if err := p.program.Start(); err != nil {
		p.t.Fatalf("start provider: %v", err)
	}
	p.in, p.out = json.NewEncoder(in), json.NewDecoder(out)
	p.t.Cleanup(func() {
		_ = in.Close()
		giveUp := time.AfterFunc(startTimeout, func() { _ = p.program.Process.Kill() })
		defer giveUp.Stop()
		_, _ = io.Copy(io.Discard, out) // Wait must not be called before all is read
		if err := p.program.Wait(); err != nil {
			p.t.Errorf("the provider ended: %v\n%s", err, said.String())
		} else if p.t.Failed() {
			p.t.Logf("the provider said:\n%s", said.String())
		}
	})
}

// tell writes the program a line and reads the one that it answers.
func (p *Provider) tell(line, answer any) {
	p.t.Helper()
	giveUp := time.AfterFunc(startTimeout, func() { _ = p.program.Process.Kill() })
	defer giveUp.Stop()
	if err := p.in.Encode(line); err != nil {
		p.t.Fatalf("tell provider: %v", err)
	}
	if err := p.out.Decode(answer); err != nil {
		p.t.Fatalf("hear from provider: %v", err)
	}
}

// here is this package's folder.
func here() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(file)
}

func binary(t testing.TB, kind Kind) string {
	t.Helper()
	path := filepath.Join(gateway.Root(), "bin", "provider-"+string(kind))
	if err := parts.Build(path, here(), "./"+string(kind)); err != nil {
		t.Fatal(err)
	}
	return path
}
