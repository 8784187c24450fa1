package runtime

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"sync/atomic"
)

// certificate is what the listener for clients shows to those who come. The pair of the generation in use is shown to
// every new connection; those that are open go on with the one they began with.
type certificate struct {
	pair atomic.Pointer[tls.Certificate]
}

var errNoCertificate = errors.New("there is no certificate yet")

// config answers the listener's own settings: TLS 1.2 is the oldest that counts as sound (RFC 9325 section 3.1.1).
func (c *certificate) config() *tls.Config {
	own := &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if pair := c.pair.Load(); pair != nil {
				return pair, nil
			}
			return nil, errNoCertificate
		},
	}
	// A session that is taken up again shows no certificate: without this, who has been here before would not see a new
	// one, and go on by one that was replaced because its key had leaked.
	own.WrapSession = func(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		session.Extra = append(session.Extra, c.mark())
		return own.EncryptTicket(state, session)
	}
	own.UnwrapSession = func(ticket []byte, state tls.ConnectionState) (*tls.SessionState, error) {
		session, err := own.DecryptTicket(ticket, state)
		if err != nil || session == nil || len(session.Extra) == 0 || !bytes.Equal(session.Extra[0], c.mark()) {
			return nil, err // nil: begin a session anew
		}
		return session, nil
	}
	return own
}

// mark tells the certificate that is shown now from any other.
func (c *certificate) mark() []byte {
	pair := c.pair.Load()
	if pair == nil {
		return nil
	}
	sum := sha256.Sum256(pair.Certificate[0])
	return sum[:]
}
