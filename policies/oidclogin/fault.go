package oidclogin

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"durward/policies"
)

// failed makes an error of one of this package's own codes.
func failed(code string, cause error) *policies.LoginError {
	m, _ := find(ownMeanings(), code)
	return &policies.LoginError{Fault: m.fault, Code: code, Hint: m.hint, Err: cause}
}

// fromProvider makes an error of a code that the provider gave. Its meaning hangs on the code alone, for providers differ
// in the HTTP status they put on it. error_description is left out: it is free text, and may well repeat the code or the
// client it complains about.
func fromProvider(code, trace string) *policies.LoginError {
	if m, known := find(providerMeanings(), code); known {
		return &policies.LoginError{Fault: m.fault, Code: code, Hint: m.hint, Trace: trace}
	}
	e := failed("unknown_error", nil)
	e.Code, e.Trace = cmp.Or(code, e.Code), trace
	return e
}

// endpoint is how codes name one of the provider's endpoints.
type endpoint string

const (
	tokenEndpoint endpoint = "token_endpoint"
	keySet        endpoint = "keys"
)

func (at endpoint) failed(what string, cause error) *policies.LoginError {
	return failed(string(at)+"_"+what, cause)
}

// answered says what an answer means that is neither a good one nor an error of RFC 6749.
func (at endpoint) answered(status int, header http.Header, body []byte) *policies.LoginError {
	cause := fmt.Errorf("the provider answered status %d", status)
	e := at.failed("status", cause)
	switch {
	case status == http.StatusTooManyRequests:
		e = failed("rate_limited", cause)
	case status >= 500:
		e = at.failed("failed", cause)
	case status >= 300 && status < 400:
		e = at.failed("redirects", cause)
	}
	if e.Fault == policies.LoginUnreachable {
		e.RetryAfter = retryAfter(header)
	}
	e.Trace = traceOf(body)
	return e
}

// unanswered says what a call came to that brought no answer to be used. Nothing of err's text is kept but what
// networkCause lets through: libraries put URLs and whole answers in it.
func (at endpoint) unanswered(err error) *policies.LoginError {
	if e, ok := errors.AsType[*policies.LoginError](err); ok {
		return e
	}
	_, onTheWay := errors.AsType[*url.Error](err)
	switch cause := networkCause(err); {
	case errors.Is(cause, errTooLarge):
		return at.failed("too_large", cause)
	case errors.Is(cause, context.DeadlineExceeded):
		return at.failed("timeout", cause)
	case errors.Is(cause, context.Canceled):
		return failed("canceled", cause)
	case isCertificate(cause):
		return at.failed("certificate", cause)
	case onTheWay:
		return at.failed("unreachable", cause)
	}
	return at.failed("malformed", errors.New("the provider's answer is not what this endpoint answers"))
}

func isCertificate(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// networkCause answers why a call failed, in words that hold nothing of an answer: of the errors that net/http answers,
// some quote the first line of a broken one, and all quote the URL. Of a certificate they hold the names it is for.
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

// maxRetryAfter is the longest time that a provider is believed to want to be left alone.
const maxRetryAfter = time.Hour

// retryAfter reads Retry-After (RFC 9110 section 10.2.3): seconds, or a date, which counts from the answer's own. What
// is neither, or past, is zero.
func retryAfter(header http.Header) time.Duration {
	value := header.Get("Retry-After")
	seconds, err := strconv.ParseUint(value, 10, 31)
	if err == nil || errors.Is(err, strconv.ErrRange) { // out of range it is the largest there is
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	sent, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		sent = time.Now()
	}
	return min(max(until.Sub(sent), 0), maxRetryAfter)
}

// traceOf finds the provider's own id of a failed call: Clerk's clerk_trace_id, Entra's trace_id.
func traceOf(body []byte) string {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return ""
	}
	if trace := claims(members).text("clerk_trace_id"); trace != "" {
		return trace
	}
	return claims(members).text("trace_id")
}
