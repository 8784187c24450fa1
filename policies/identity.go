package policies

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"
)

// ProviderType is a kind of identity provider: what somebody writes who adds one. An authorization server (package
// oauth) turns it into a policy type.
type ProviderType interface {
	// Describe gives the schema of the provider's own options. Those that every provider has in common (token
	// lifetimes, login time-outs) belong to the authorization server and are added by it.
	Describe() Description
	// Validate reports on the provider's options: problems, notes and facts. It is pure, as Type.Validate is. Pointers
	// are relative to the options.
	Validate(options json.RawMessage) Report
	// Configure takes options into use. It does not touch the network.
	Configure(options json.RawMessage, settings ProviderSettings) (IdentityProvider, error)
}

// ProviderSettings are what the authorization server tells every provider.
type ProviderSettings struct {
	// Timeout bounds each call to the provider.
	Timeout time.Duration
	// RootCAs are PEM certificates. If there are any, a provider is trusted only if its certificate leads to one of them;
	// else the system's count.
	RootCAs []byte
}

// IdentityProvider signs a person in. It holds no state between Begin and Complete: the caller keeps what a login needs.
type IdentityProvider interface {
	// Issuer names the provider: with a subject it makes an identity. Never empty, and constant.
	Issuer() string
	// Begin answers the URL at the provider to which the person's browser is sent.
	Begin(context.Context, Login) (string, error)
	// Complete turns the provider's callback into an identity. The caller has matched the state and the browser. A
	// failure is a *LoginError.
	Complete(context.Context, Login, Callback) (Identity, error)
	// Recheck asks whether the person is still welcome, with the handle that the identity came with. It is in the contract
	// so that a provider can answer it; the authorization server of this release does not ask.
	Recheck(ctx context.Context, handle []byte) (Standing, error)
}

// Login is one attempt to sign a person in.
type Login struct {
	// RedirectURI is the gateway's callback: the same at Begin and Complete.
	RedirectURI string
	// State and Nonce are fresh random values.
	State, Nonce string
	// Verifier is the PKCE code verifier (RFC 7636). Begin sends only its S256 challenge.
	Verifier string
	// Fresh asks the provider to let the person say anew who they are, even if it knows this browser (prompt=login).
	Fresh bool
}

// Callback is what the provider's redirect brought.
type Callback struct {
	Query url.Values
}

// Identity is who signed in.
type Identity struct {
	// Issuer and Subject identify the person (requirement C5).
	Issuer, Subject string
	Email           string
	EmailVerified   bool
	Name            string
	// Organizations are the provider's ids of those that the person acts for.
	Organizations []string
	// Claims is all that the provider vouches for, as a JSON object, for rules on who may come in. It may hold what is
	// nobody's business: it is never logged, and no more of it is kept than the rules name.
	Claims json.RawMessage
	// Handle lets Recheck ask again; nil if the provider cannot. It may hold a provider's refresh token: it is stored
	// sealed and goes nowhere else.
	Handle []byte
}

// Standing is what Recheck found.
type Standing struct {
	// Gone: the provider no longer lets this person in.
	Gone bool
	// Handle replaces the one that was given, if not nil.
	Handle []byte
}

// LoginFault says who can do something about a failed login.
type LoginFault int

// The faults.
const (
	// LoginRefused: the person, or the provider on its own terms, said no.
	LoginRefused LoginFault = iota + 1
	// LoginMisconfigured: the operator must change something here or at the provider; Hint says what.
	LoginMisconfigured
	// LoginUnreachable: the provider did not answer properly; trying again may help.
	LoginUnreachable
	// LoginInvalid: the answer failed a check, or says what nobody here knows, and must not be trusted.
	LoginInvalid
)

// LoginError is why a login failed. Its texts hold no token, code or secret.
type LoginError struct {
	Fault LoginFault
	// Code is the provider's error code ("access_denied") or a word of ours ("nonce_mismatch").
	Code string
	// Hint tells the operator what to do. It goes to the log, not to the person.
	Hint string
	// Trace is the provider's own id for the failed call, if it gave one.
	Trace string
	// RetryAfter is how long the provider asked to be left alone, or zero.
	RetryAfter time.Duration
	// Err is the cause.
	Err error
}

func (e *LoginError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("sign in: %s: %v", e.Code, e.Err)
	}
	return "sign in: " + e.Code
}

func (e *LoginError) Unwrap() error { return e.Err }
