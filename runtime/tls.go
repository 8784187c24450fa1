package runtime

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"sync/atomic"
	"time"
)

// certificate is what the listener for clients shows to those who come. The pair of the generation in use is shown to
// every new connection; those that are open, or about to be, go on with the one they began with.
type certificate struct {
	shown atomic.Pointer[shownPair]
	// tickets makes and opens session tickets, by keys that it renews by itself. Nothing else is asked of it.
	tickets tls.Config
}

// shownPair is a pair, and how those are spoken to who are shown it.
type shownPair struct {
	config *tls.Config
	ends   time.Time
}

var errNoCertificate = errors.New("there is no certificate yet")

// config answers the listener's settings.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, // that which is in fact spoken is the pair's
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			if now := c.shown.Load(); now != nil {
				return now.config, nil
			}
			return nil, errNoCertificate
		},
	}
}

// show has new connections see a pair.
//
// A session that is taken up again shows no certificate: whoever has been here before would go on by one that was replaced,
// perhaps because its key had leaked. So each ticket names the pair that was shown in its handshake, also if another one has
// come meanwhile, and none opens with another pair than that.
func (c *certificate) show(pair *tls.Certificate) {
	mark := sha256.Sum256(pair.Certificate[0])
	config := &tls.Config{
		MinVersion:   tls.VersionTLS12, // the oldest that counts as sound (RFC 9325 section 3.1.1)
		NextProtos:   []string{"h2", "http/1.1"},
		Certificates: []tls.Certificate{*pair},
		WrapSession: func(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
			session.Extra = append(session.Extra, mark[:])
			return c.tickets.EncryptTicket(state, session)
		},
		UnwrapSession: func(ticket []byte, state tls.ConnectionState) (*tls.SessionState, error) {
			session, err := c.tickets.DecryptTicket(ticket, state)
			if err != nil || session == nil || len(session.Extra) == 0 || !bytes.Equal(session.Extra[0], mark[:]) {
				return nil, err // nil: begin a session anew
			}
			return session, nil
		},
	}
	c.shown.Store(&shownPair{config, pair.Leaf.NotAfter})
}

// expiry answers when the certificate ends that is shown; zero if there is none.
func (c *certificate) expiry() time.Time {
	if now := c.shown.Load(); now != nil {
		return now.ends
	}
	return time.Time{}
}
