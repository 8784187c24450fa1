package policies

import (
	"context"
	"encoding/json"
	"errors"
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
	// Validate reports on the provider's options. It is pure, as Type.Validate is. Pointers are relative to the options.
	Validate(options json.RawMessage) ProviderReport
	// Configure takes options into use. It does not touch the network.
	Configure(options json.RawMessage, settings ProviderSettings) (IdentityProvider, error)
}

// ProviderReport is what a kind of provider says of its options before they are used. What follows from it together with
// the options that every provider has in common, the authorization server says.
type ProviderReport struct {
	// Name is what people call the provider: "Clerk". May be empty.
	Name string
	// Problems, Notes, Facts and Files are as in Report.
	Problems, Notes []Problem
	Facts           []Fact
	Files           []string
	// Address is where the options say that the provider is. At an origin of the gateway's own that is a problem.
	Address ProviderAddress
	// Scopes are what the provider is asked for at every login.
	Scopes ProviderScopes
}

// ProviderAddress is a URL of the provider's that stands in its options. The zero value is for a provider without one.
type ProviderAddress struct {
	URL string
	// Option is the JSON pointer of the option that holds it.
	Option string
	// Put says what belongs there, and where it is to be found: "the Frontend API URL, which the dashboard shows".
	Put string
}

// ProviderScopes are the scopes that the provider is asked for at every login, and those among a provider's that options
// of the authorization server need. The zero value is for a provider that has no scopes to choose from.
type ProviderScopes struct {
	// Option is the JSON pointer of the option that lists them, separated by spaces.
	Option string
	// Asked are the scopes that the options come to, by default too.
	Asked []string
	// Organizations is the scope for which the provider says for which organizations a person acts (access.organizations),
	// empty if it needs none.
	Organizations string
	// Offline is the scope for which the provider gives out what Recheck asks with (gateway.recheckSeconds), empty if it
	// needs none.
	Offline string
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
	// Recheck asks the provider whether a person whom it let in is still welcome there, with the handle that the identity
	// came with or the last Standing brought. It is asked once at a time, and never with a handle that was replaced: a
	// provider may take that for a theft. An error is a *LoginError; it says that there was no answer, and nothing against
	// the person. If it is ErrHandle, asking again with this handle will not help. The Standing's Handle counts also
	// beside an error: the provider may have replaced it before something else went wrong.
	Recheck(ctx context.Context, handle []byte) (Standing, error)
}

// ErrHandle says of a handle that no answer will ever come of it, for example because the options name another client at
// the provider by now. To be tested with errors.Is.
var ErrHandle = errors.New("nobody can be asked about with this handle")

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
	// Handle lets Recheck ask again; nil if the provider cannot be asked. At most MaxHandle bytes. It may hold a provider's
	// refresh token: it is stored sealed and goes nowhere else.
	Handle []byte
}

// MaxHandle bounds a handle, in bytes.
const MaxHandle = 64 << 10

// Standing is what Recheck found.
type Standing struct {
	// Gone: the provider no longer lets this person in. Code is its word for that ("invalid_grant").
	Gone bool
	Code string
	// Handle replaces the one that was given, if not nil.
	Handle []byte
	// Identity is the person as the provider describes them now, nil if it did not: then nothing has changed. Issuer and
	// Subject are those of before, its own Handle does not count.
	Identity *Identity
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
