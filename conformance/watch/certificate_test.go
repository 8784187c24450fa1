package watch

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"durward/conformance/gateway"
	"durward/conformance/providers"
	"durward/runtime"
)

// stranger is the certificate of an authority that vouches for nobody here.
func stranger(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "stranger"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// G5: the file of certificates by which the policy that ships trusts its provider is a part of the policy. With another
// authority's in it nobody signs in, and with the right one everybody does again, without a restart of the gateway: the
// policy alone is started anew. Who was signed in stays so. Without the file, or with none in it, everything runs on.
func TestG5_CertificateFile(t *testing.T) {
	t.Parallel()
	g, p := providers.Gateway(t, providers.OIDCProvider, providers.Options{}, nil)
	w := &world{t: t, Gateway: g}
	signedIn := w.MustLogin(t)
	pid := w.Policy("clerk").PID
	text, err := os.ReadFile(p.CAFile)
	must(t, err)
	right := string(text)
	process := func(want bool, why string) {
		t.Helper()
		now := w.Policy("clerk").PID
		if (now != pid) != want {
			t.Errorf("%s: process %d follows %d", why, now, pid)
		}
		pid = now
		if status, body, err := signedIn.Call(t.Context()); err != nil || status != http.StatusOK {
			t.Errorf("%s: who was signed in is answered %d %s %v", why, status, body, err)
		}
	}

	save(t, p.CAFile, right)
	must(t, os.Chmod(p.CAFile, 0o644))
	save(t, p.CAFile, stranger(t))
	w.await(soon, runtime.Applied)
	process(true, "another authority")
	if _, err := w.Login(t.Context(), w.Person(t, "Ada Lovelace")); err == nil {
		t.Error("somebody has signed in at a provider that nobody vouches for")
	}
	w.Wait("a line about the certificate", func(l gateway.Line) bool { return strings.Contains(l.Text, "certificate") })

	must(t, os.Remove(p.CAFile))
	w.await(soon, runtime.Refused)
	if e := w.Status().LastReload.Error; !strings.Contains(e, p.CAFile) {
		t.Errorf("the error does not name the file: %s", e)
	}
	save(t, p.CAFile, "no certificate")
	w.await(soon, runtime.Refused)
	process(false, "no certificate")

	save(t, p.CAFile, right)
	w.await(soon, runtime.Applied)
	process(true, "the right authority")
	w.MustLogin(t)

	must(t, os.Remove(p.CAFile))
	w.await(soon, runtime.Refused)
	save(t, p.CAFile, right)
	w.await(soon, runtime.Unchanged)
	process(false, "the same bytes")
	if n := w.count(); n != w.reloads {
		t.Errorf("there were %d reloads, want %d", n, w.reloads)
	}
}
