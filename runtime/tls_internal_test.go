package runtime

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"testing"
	"time"
)

// selfSigned is a pair for localhost.
func selfSigned(t *testing.T, serial int64) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// changing is a key that tells when it is used: when its certificate has been chosen, and no ticket made yet.
type changing struct {
	crypto.Signer
	used func()
}

func (k changing) Sign(random io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	k.used()
	return k.Signer.Sign(random, digest, o)
}

// A pair may be replaced in the midst of a handshake, when its certificate has been shown and no ticket given yet. The ticket
// is that of the old one all the same: whoever comes with it is shown the new one.
func TestTicketOfAHandshakeDuringTheChange(t *testing.T) {
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			var c certificate
			first, second := selfSigned(t, 1), selfSigned(t, 2)
			first.PrivateKey = changing{first.PrivateKey.(crypto.Signer), func() { c.show(second) }}
			c.show(first)
			at, err := tls.Listen("tcp", "127.0.0.1:0", c.config())
			if err != nil {
				t.Fatal(err)
			}
			defer at.Close()
			go func() {
				for {
					conn, err := at.Accept()
					if err != nil {
						return
					}
					_, _ = io.WriteString(conn, "x")
					_ = conn.Close()
				}
			}()
			client := &tls.Config{
				InsecureSkipVerify: true, ServerName: "localhost", MaxVersion: version, // it looks at the number
				ClientSessionCache: tls.NewLRUClientSessionCache(1),
			}
			handshake := func() (serial int64, resumed bool) {
				t.Helper()
				conn, err := tls.Dial("tcp", at.Addr().String(), client)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if _, err := io.ReadAll(conn); err != nil { // the ticket comes before the x
					t.Fatal(err)
				}
				state := conn.ConnectionState()
				return state.PeerCertificates[0].SerialNumber.Int64(), state.DidResume
			}
			if serial, _ := handshake(); serial != 1 {
				t.Fatalf("certificate %d was shown", serial)
			}
			if serial, resumed := handshake(); serial != 2 || resumed {
				t.Errorf("who comes with the ticket is shown certificate %d, resumed %v", serial, resumed)
			}
			if serial, resumed := handshake(); serial != 2 || !resumed {
				t.Errorf("who comes again is shown certificate %d, resumed %v", serial, resumed)
			}
		})
	}
}
