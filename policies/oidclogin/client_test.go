package oidclogin

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// overTLS is a fake provider with a certificate of an authority that nobody else trusts, and that certificate in PEM.
func overTLS(t *testing.T) (*fakeProvider, []byte) {
	t.Helper()
	f := &fakeProvider{fetches: make(chan string, 100), answers: map[string]http.HandlerFunc{}}
	f.Server = httptest.NewUnstartedServer(f)
	f.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are meant to fail
	f.StartTLS()
	t.Cleanup(f.Close)
	return f.begin(t), inPEM("CERTIFICATE", f.Certificate().Raw)
}

func inPEM(kind string, content []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
}

// anotherAuthority is a certificate that has signed nothing.
func anotherAuthority(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return inPEM("CERTIFICATE", raw)
}

func TestRootCAsAreAllThatIsTrusted(t *testing.T) {
	f, own := overTLS(t)
	another := anotherAuthority(t)
	tests := map[string]struct {
		roots []byte
		code  string
	}{
		"its authority":              {own, ""},
		"its authority among others": {bytes.Join([][]byte{[]byte("ours:\n"), another, own}, nil), ""},
		"another authority":          {another, "token_endpoint_certificate"},
		"none: the system's decide":  {nil, "token_endpoint_certificate"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := f.config()
			c.RootCAs = test.roots
			p, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			_, err = complete(t, p)
			if test.code != "" {
				wantFault(t, err, isMisconfigured, test.code)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheKeySetsCertificateCountsToo(t *testing.T) {
	f, _ := overTLS(t)
	plain := newFake(t)
	c := plain.config()
	c.JWKSURL = f.URL + "/keys"
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	_, err = complete(t, p)
	wantFault(t, err, isMisconfigured, "keys_certificate")
}

func TestRootCAsThatCannotBeUsed(t *testing.T) {
	good := anotherAuthority(t)
	tests := map[string]struct {
		change func(*Config)
		want   string
	}{
		"no PEM":         {func(c *Config) { c.RootCAs = []byte("canary") }, "RootCAs holds no certificate"},
		"cut off":        {func(c *Config) { c.RootCAs = good[:len(good)-40] }, "RootCAs holds a PEM block that is cut off"},
		"one cut off":    {func(c *Config) { c.RootCAs = append(good, good[:60]...) }, "RootCAs holds a PEM block that is cut off"},
		"no certificate": {func(c *Config) { c.RootCAs = inPEM("CERTIFICATE", []byte("canary")) }, "cannot be read"},
		"a key among them": {
			func(c *Config) { c.RootCAs = append(inPEM("PRIVATE KEY", []byte("canary")), good...) }, "certificates only",
		},
		"and a transport": {
			func(c *Config) { c.RootCAs, c.Transport = good, http.DefaultTransport }, "a Transport brings its own",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newFake(t).config()
			test.change(&c)
			_, err := New(c)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// A call that has run out of time leaves no connection behind that waits for the other side's word for ever: net/http goes
// on dialling for those who may call next.
func TestACallLeavesNoHandshakeBehind(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	ended := make(chan struct{})
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.Copy(io.Discard, conn) // hears the handshake begin, and answers nothing
		close(ended)
	}()
	c := newFake(t).config()
	c.Issuer = "https://" + listener.Addr().String()
	c.AuthorizeURL, c.TokenURL, c.JWKSURL = c.Issuer+"/authorize", c.Issuer+"/token", c.Issuer+"/keys"
	c.Timeout = 200 * time.Millisecond
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	_, err = complete(t, p)
	wantFault(t, err, isUnreachable, "token_endpoint_timeout")
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Error("the connection is still open")
	}
}

func TestFreshLoginsAskAnew(t *testing.T) {
	for name, test := range map[string]struct {
		extra url.Values
		fresh bool
		want  []string
	}{
		"as ever":                    {nil, false, nil},
		"fresh":                      {nil, true, []string{"login"}},
		"a prompt of the options'":   {url.Values{"prompt": {"consent"}}, false, []string{"consent"}},
		"fresh, whatever they say":   {url.Values{"prompt": {"none"}}, true, []string{"login"}},
		"with other parameters more": {url.Values{"organization": {"org_1"}}, true, []string{"login"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newFake(t).config()
			c.ExtraAuthorize = test.extra
			p, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			login := testLogin()
			login.Fresh = test.fresh
			address, err := p.Begin(t.Context(), login)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			query := u.Query()
			if got := query["prompt"]; strings.Join(got, " ") != strings.Join(test.want, " ") {
				t.Errorf("prompt %q, want %q", got, test.want)
			}
			if query.Get("organization") != test.extra.Get("organization") {
				t.Errorf("the other parameters are lost: %s", address)
			}
		})
	}
}
