package examples_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// With what its README has put there, the example is safe; without one of the files, or with one that others may read,
// the command that the README gives says so.
func TestTLSExample(t *testing.T) {
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("tls")); err != nil {
		t.Fatal(err)
	}
	certificate, key := newPair(t, "mcp.example.com")
	files := map[string]string{
		"tls/fullchain.pem": certificate, "tls/privkey.pem": key,
		"secrets/clerk-client-secret": "value of the secret\n", "secrets/store-key": strings.Repeat("A", 43) + "=\n",
	}
	readme, err := os.ReadFile("tls/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(readme), "| `"+name+"` |") {
			t.Errorf("the README does not name %s", name)
		}
	}
	variables := map[string]string{"CLERK_CLIENT_ID": "id"}
	for _, name := range []string{"CLERK_CLIENT_SECRET_FILE", "DURWARD_STORE_KEY_FILE"} {
		_, said, _ := strings.Cut(string(readme), name+"=$PWD/")
		file, _, _ := strings.Cut(strings.ReplaceAll(said, "\n", " "), " ")
		variables[name] = filepath.Join(folder, file)
	}
	lookup := func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}
	v := validate(t, folder, lookup)
	for _, p := range slices.Concat(v.Problems, v.Notes, v.Unsafe) {
		t.Errorf("%v", p)
	}
	for name := range files {
		path := filepath.Join(folder, name)
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		if v := validate(t, folder, lookup); (len(v.Unsafe) == 1) != (name != "tls/fullchain.pem") {
			t.Errorf("%s may be read by others: %v", name, v.Unsafe)
		}
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
		if v := validate(t, folder, lookup); len(v.Problems) != 1 {
			t.Errorf("%s is not there: %v", name, v.Problems)
		}
		if err := os.Rename(path+".away", path); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// newPair is a certificate for a host, signed by itself, and its key, as PEM.
func newPair(t *testing.T, host string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: inner}))
}
