package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/runtime/internal/reference"
)

// certifiedAt is when the certificates of these tests begin; they are valid for a day.
var certifiedAt = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// pemOf is a certificate for a host, signed by itself, and its key, both as PEM.
func pemOf(t testing.TB, host string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(255), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: certifiedAt, NotAfter: certifiedAt.Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: inner})
}

// outsideFiles are files by their paths, as Options.ReadFile has them.
type outsideFiles map[string]reference.Content

func (f outsideFiles) read(path string, limit int) reference.Content {
	c, there := f[path]
	switch {
	case !there:
		return reference.Content{Missing: true, Sum: "missing"}
	case len(c.Data) > limit:
		return reference.Content{Fault: "holds more than it may", Sum: "large"}
	}
	if c.Sum == "" {
		c.Sum = "sum of " + path
	}
	return c
}

// loadWith loads a configuration without policies, of this gateway.json.
func loadWith(t testing.TB, gateway string, files outsideFiles, change func(*Options)) Result {
	t.Helper()
	l := newLoader(t, fstest.MapFS{
		"policies.json":   {Data: []byte(`{"policies": []}`)},
		"routes.oas.json": {Data: []byte(`{"openapi": "3.1.0", "paths": {}}`)},
		"gateway.json":    {Data: []byte(gateway)},
	}, map[string]string{"ADMIN_TOKEN": "canary-admin-token-1"})
	l.options.Folder, l.options.ReadFile = "/etc/durward", files.read
	l.options.Now = func() time.Time { return certifiedAt.Add(time.Hour) }
	if change != nil {
		change(&l.options)
	}
	return l.Load()
}

func TestCertificate(t *testing.T) {
	cert, key := pemOf(t, "mcp.example.com")
	otherCert, otherKey := pemOf(t, "mcp.example.com")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)})
	content := func(data []byte) reference.Content { return reference.Content{Data: data} }
	const gateway = `{"tls": {"certFile": "tls/cert.pem", "keyFile": "/run/key.pem"}, "publicUrl": "https://mcp.example.com"}`
	for _, row := range []struct {
		name      string
		gateway   string // "" is the one above
		cert, key reference.Content
		later     time.Duration
		want      []string // problems, and notes after "note "
	}{
		{name: "pair", cert: content(cert), key: content(key)},
		{name: "with the chain behind it", cert: content(slices.Concat(cert, otherCert)), key: content(key)},
		{name: "with text between", cert: content(slices.Concat([]byte("subject=…\n"), cert)), key: content(key)},
		{name: "not there", cert: reference.Content{Missing: true}, key: content(key), want: []string{
			"config/gateway.json:1:22: /tls/certFile: there is no such file in /etc/durward, where a relative name leads"}},
		{name: "the key itself", gateway: strings.Replace(gateway, "/run/key.pem", "-----BEGIN PRIVATE KEY-----canary", 1), cert: content(cert), want: []string{
			"config/gateway.json:1:49: /tls/keyFile: must be the name of a file, and not what is in it"}},
		{name: "empty", cert: content(cert), key: content(nil), want: []string{
			"config/gateway.json:1:49: /tls/keyFile: the file is empty"}},
		{name: "unreadable", cert: content(cert), key: reference.Content{Fault: "cannot be read: permission denied"}, want: []string{
			"config/gateway.json:1:49: /tls/keyFile: the file cannot be read: permission denied"}},
		{name: "too large", cert: content(bytes.Repeat([]byte("x"), maxPEM+1)), key: content(key), want: []string{
			"config/gateway.json:1:22: /tls/certFile: the file holds more than it may"}},
		{name: "the wrong way round", cert: content(key), key: content(cert), want: []string{
			"config/gateway.json:1:22: /tls/certFile: holds a private key, and keyFile a certificate: exchange them"}},
		{name: "the key twice", cert: content(key), key: content(key), want: []string{
			"config/gateway.json:1:22: /tls/certFile: holds no certificate: is it the file for keyFile?"}},
		{name: "the certificate twice", cert: content(cert), key: content(cert), want: []string{
			"config/gateway.json:1:49: /tls/keyFile: holds no private key: is it the file for certFile?"}},
		{name: "no PEM", cert: content([]byte("canary")), key: content([]byte("canary")), want: []string{
			"config/gateway.json:1:22: /tls/certFile: holds no certificate as PEM, which begins with -----BEGIN",
			"config/gateway.json:1:49: /tls/keyFile: holds no private key as PEM, which begins with -----BEGIN"}},
		{name: "another key", cert: content(cert), key: content(otherKey), want: []string{
			"config/gateway.json:1:49: /tls/keyFile: holds another key than that of the certificate in certFile: put both files of the pair there"}},
		{name: "a key of another kind", cert: content(cert), key: content(pkcs1), want: []string{
			"config/gateway.json:1:49: /tls/keyFile: holds another key than that of the certificate in certFile: put both files of the pair there"}},
		{name: "encrypted key", cert: content(cert), key: content(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})),
			want: []string{"config/gateway.json:1:49: /tls/keyFile: holds an encrypted key: decrypt it, and protect the file by its mode"}},
		{name: "damaged key", cert: content(cert), key: content(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})),
			want: []string{"config/gateway.json:1:49: /tls/keyFile: holds a private key that cannot be read: it is cut off or damaged, or of an unknown kind"}},
		{name: "damaged certificate in the chain", cert: content(slices.Concat(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}))),
			key: content(key), want: []string{"config/gateway.json:1:22: /tls/certFile: certificate 2 in the file cannot be read: it is cut off or damaged"}},
		{name: "expired", cert: content(cert), key: content(key), later: 24 * time.Hour, want: []string{
			"note config/gateway.json:1:22: /tls/certFile: the certificate has expired, at 2026-03-02 12:00 UTC: clients refuse it"}},
		{name: "not yet valid", cert: content(cert), key: content(key), later: -2 * time.Hour, want: []string{
			"note config/gateway.json:1:22: /tls/certFile: the certificate is not valid before 2026-03-01 12:00 UTC: until then clients refuse it"}},
		{name: "another host", cert: content(cert), key: content(key),
			gateway: strings.Replace(gateway, `"https://mcp.example.com"`, `["https://mcp.example.com", "https://a.example", "https://b.example:8443"]`, 1),
			want: []string{"note config/gateway.json:1:22: /tls/certFile: the certificate is not for a.example and b.example, which publicUrl names: " +
				"clients refuse it there"}},
		{name: "publicUrl http", cert: content(cert), key: content(key),
			gateway: strings.Replace(gateway, `"https://mcp.example.com"`, `["https://mcp.example.com", "http://localhost:9000"]`, 1),
			want:    []string{`config/gateway.json:1:107: /publicUrl/1: must be https, since the gateway itself speaks https ("tls")`}},
		{name: "a half pair", gateway: `{"tls": {"certFile": "tls/cert.pem"}}`, cert: content(cert), want: []string{
			`config/gateway.json:1:9: /tls: missing property "keyFile"`}},
		{name: "no object", gateway: `{"tls": true}`, want: []string{"config/gateway.json:1:9: /tls: must be an object"}},
		{name: "a variable", gateway: `{"tls": {"certFile": "$env(ADMIN_TOKEN)", "keyFile": "/run/key.pem"}}`, key: content(key), want: []string{
			"config/gateway.json:1:23: /tls/certFile: $env(...) is not resolved here"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			text := gateway
			if row.gateway != "" {
				text = row.gateway
			}
			result := loadWith(t, text, outsideFiles{"/etc/durward/tls/cert.pem": row.cert, "/run/key.pem": row.key}, func(o *Options) {
				o.Now = func() time.Time { return certifiedAt.Add(time.Hour + row.later) }
			})
			var got []string
			for _, p := range result.Problems {
				got = append(got, p.String())
				if strings.Contains(p.Excerpt.Line, canary) {
					t.Errorf("G10: what a file holds is shown: %s", p.Excerpt.Line)
				}
			}
			if cfg := result.Config; cfg != nil {
				for _, n := range cfg.Notes {
					if n.File == "config/gateway.json" { // there are no routes, which is noted, too
						got = append(got, "note "+n.String())
					}
				}
				if cfg.Gateway.TLS == nil || cfg.Gateway.TLS.Certificate.Leaf == nil {
					t.Error("the pair is not in the configuration")
				}
			}
			if strings.Contains(strings.Join(got, "\n"), canary) {
				t.Errorf("G10: what a file holds is printed: %s", got)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// Both files are watched, also while they are not right: a pair is written one file after the other.
func TestCertificateIsWatched(t *testing.T) {
	cert, _ := pemOf(t, "mcp.example.com")
	result := loadWith(t, `{"tls": {"certFile": "tls/cert.pem", "keyFile": "../key.pem"}}`, outsideFiles{
		"/etc/durward/tls/cert.pem": {Data: cert, Sum: "the certificate"},
	}, nil)
	want := []File{{"/etc/durward/tls/cert.pem", "the certificate"}, {"/etc/key.pem", "missing"}}
	if diff := cmp.Diff(want, result.Outside); diff != "" || len(result.Problems) != 1 {
		t.Errorf("files (-want +got):\n%s\nproblems: %v", diff, result.Problems)
	}
}

func TestCertificateChanges(t *testing.T) {
	const gateway = `{"tls": {"certFile": "/cert.pem", "keyFile": "/key.pem"}}`
	load := func(host string) *Config {
		cert, key := pemOf(t, host)
		return loadWith(t, gateway, outsideFiles{"/cert.pem": {Data: cert}, "/key.pem": {Data: key}}, nil).Config
	}
	old, next := load("a.example"), load("a.example")
	if d := Compare(old, old); len(d.Gateway) != 0 {
		t.Errorf("the same differs: %v", d.Gateway)
	}
	d := Compare(old, next)
	want := `certificate: "until 2026-03-02T12:00:00Z, serial ff" -> "until 2026-03-02T12:00:00Z, serial ff"`
	if len(d.Gateway) != 1 || d.Gateway[0].String() != want {
		t.Errorf("a new certificate is told as %v", d.Gateway)
	}
}

// A key in base64 where the name of its file belongs is not shown, though it looks like a name.
func TestKeyInPlaceOfItsFile(t *testing.T) {
	cert, key := pemOf(t, "a.example")
	for _, name := range []string{base64.StdEncoding.EncodeToString(key), "keys/" + base64.URLEncoding.EncodeToString(key)} {
		problems := loadWith(t, `{"tls": {"certFile": "/cert.pem", "keyFile": "`+name+`"}}`,
			outsideFiles{"/cert.pem": {Data: cert}}, nil).Problems
		if want := `{"tls": {"certFile": "/cert.pem", "keyFile": "…"}}`; len(problems) != 1 || problems[0].Excerpt.Line != want {
			t.Errorf("problems: %v", problems)
		}
	}
}

// A chain that was not whole is the usual reason to renew a file: the certificate itself stays.
func TestCertificateChainChanges(t *testing.T) {
	cert, key := pemOf(t, "a.example")
	above, _ := pemOf(t, "ca.example")
	load := func(cert []byte) *Config {
		return loadWith(t, `{"tls": {"certFile": "/cert.pem", "keyFile": "/key.pem"}}`,
			outsideFiles{"/cert.pem": {Data: cert}, "/key.pem": {Data: key}}, nil).Config
	}
	alone, chain := load(cert), load(slices.Concat(cert, above))
	d := Compare(alone, chain)
	want := `certificate: "until 2026-03-02T12:00:00Z, serial ff" -> "until 2026-03-02T12:00:00Z, serial ff, with 1 more"`
	if len(d.Gateway) != 1 || d.Gateway[0].String() != want {
		t.Errorf("a chain that has become whole is told as %v", d.Gateway)
	}
	if d := Compare(chain, load(slices.Concat(cert, above))); len(d.Gateway) != 0 {
		t.Errorf("the same chain differs: %v", d.Gateway)
	}
}
