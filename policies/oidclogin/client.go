package oidclogin

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// maxAnswer bounds what is read of one answer of the provider. Key sets and token answers are a few KiB.
const maxAnswer = 1 << 20

var errTooLarge = fmt.Errorf("the provider's answer is larger than %d bytes", maxAnswer)

// newTransport makes a transport to the provider. If roots is not nil, only certificates that lead to it are trusted.
//
// Dialling has a bound of its own: it does not end with the call that began it, for net/http keeps what comes of it for
// the next. Without one, a host that takes connections and says nothing would be given one more by every login.
func newTransport(roots *x509.CertPool, timeout time.Duration) http.RoundTripper {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: timeout}).DialContext,
		TLSHandshakeTimeout:    timeout,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           4,
		IdleConnTimeout:        4 * time.Second, // less than Node's 5: a token request into a closing connection is lost
		MaxResponseHeaderBytes: 64 << 10,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
	}
}

// readRoots reads certificates in PEM. All that is there must be one: a file that holds a key by mistake, or half a
// certificate, is better found now than at somebody's sign-in.
func readRoots(text []byte) (*x509.CertPool, error) {
	if len(text) == 0 {
		return nil, nil
	}
	roots := x509.NewCertPool()
	count := 0
	for rest := text; ; count++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if bytes.Contains(rest, []byte("-----BEGIN")) {
				return nil, errors.New("field RootCAs holds a PEM block that is cut off or damaged")
			}
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, errors.New("field RootCAs must hold certificates only: a PEM block of another kind is among them")
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("field RootCAs holds a certificate that cannot be read")
		}
		roots.AddCert(certificate)
	}
	if count == 0 {
		return nil, errors.New("field RootCAs holds no certificate in PEM")
	}
	return roots, nil
}

// newClient makes a client to talk to the provider with. Bounds in time are its user's.
func newClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: transport,
		// A redirected token request would carry the code, and by 307 the secret, to a place nobody configured; a
		// redirected key fetch would let another host say whose signatures count.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// whole is a transport whose answers have been read to their end, within maxAnswer. So whatever goes wrong on the way
// is an error of the call; the libraries above would make text of it. Every answer is called JSON: all endpoints here
// answer that, some under another name, and x/oauth2 would go by the name.
type whole struct{ base http.RoundTripper }

func (w whole) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := w.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	_ = answer.Body.Close() // what was read of it stands
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxAnswer:
		return nil, errTooLarge
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	answer.Header.Set("Content-Type", "application/json")
	return answer, nil
}
