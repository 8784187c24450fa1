package oidclogin

import (
	"context"
	"crypto/tls"
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

// newClient makes a client to talk to the provider with. Bounds in time are its user's.
func newClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           4,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		}
	}
	return &http.Client{
		Transport: bounded{transport},
		// A redirected token request would carry the code, and by 307 the secret, to a place nobody configured; a
		// redirected key fetch would let another host say whose signatures count.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded is a transport whose answers fail when they grow beyond maxAnswer, instead of filling the memory.
type bounded struct{ base http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = &boundedBody{body: answer.Body, left: maxAnswer}
	return answer, nil
}

type boundedBody struct {
	body io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLarge
	}
	// One byte beyond the bound is asked for, so that an answer of exactly that size still ends in io.EOF.
	n, err := b.body.Read(p[:min(int64(len(p)), b.left+1)])
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, errTooLarge
	}
	return n, err
}

func (b *boundedBody) Close() error { return b.body.Close() }

// networkCause answers why a call failed, in words that hold nothing the provider sent: of the errors that net/http
// answers, some quote the first line of a broken answer, and all quote the URL.
func networkCause(err error) error {
	var (
		dns  *net.DNSError
		op   *net.OpError
		cert *tls.CertificateVerificationError
		wait net.Error
	)
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &wait) && wait.Timeout():
		return context.DeadlineExceeded
	case errors.Is(err, errTooLarge):
		return errTooLarge
	case errors.As(err, &dns):
		return dns
	case errors.As(err, &cert):
		return cert
	case errors.As(err, &op):
		return op
	}
	return errors.New("the provider's answer could not be read")
}
