package oidclogin

import (
	"context"
	"errors"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"durward/policies"
)

// idToken is an ID token that has been verified.
type idToken struct {
	claims  claims
	payload []byte // what the claims were read from
}

// verify checks all of an ID token but whose sign-in it answers (requirement C3).
func (p *Provider) verify(ctx context.Context, raw string) (idToken, error) {
	if err := checkHeader(raw, p.algs); err != nil {
		return idToken{}, err
	}
	waiting, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	keys := &witness{keys: p.keys}
	// go-oidc has no clock skew, so the times are checked below; the rest it checks as well as checkClaims does, whose
	// errors are the ones that say which check failed.
	verifier := oidc.NewVerifier(p.issuer, keys,
		&oidc.Config{ClientID: p.clientID, SupportedSigningAlgs: p.algs, SkipExpiryCheck: true})
	_, refused := verifier.Verify(waiting, raw)
	if keys.payload == nil {
		return idToken{}, keys.fault()
	}
	set, err := readClaims(keys.payload)
	if err != nil {
		return idToken{}, err
	}
	if err := checkClaims(set, p.issuer, p.clientID, now(ctx)); err != nil {
		return idToken{}, err
	}
	if refused != nil {
		return idToken{}, failed("id_token_refused", errors.New("the ID token's claims cannot be used"))
	}
	return idToken{set, keys.payload}, nil
}

// identityOf answers whom an ID token names (requirement C5).
func (p *Provider) identityOf(token idToken) policies.Identity {
	set := token.claims
	return policies.Identity{
		Issuer:        p.issuer,
		Subject:       set.text("sub"),
		Email:         printable(set.text("email")),
		EmailVerified: set.affirmed("email_verified"),
		Name:          printable(set.text("name")),
		Organizations: organizations(set, p.organizationClaim),
		Claims:        token.payload,
	}
}

// checkHeader looks at what go-oidc does not: an access token of the same issuer (RFC 9068, typ at+jwt) is signed by
// the same key and may name us as its audience, but is no statement about who just signed in.
func checkHeader(raw string, algs []string) error {
	allowed := make([]jose.SignatureAlgorithm, len(algs))
	for i, alg := range algs {
		allowed[i] = jose.SignatureAlgorithm(alg)
	}
	token, err := jose.ParseSignedCompact(raw, allowed)
	if err != nil {
		if _, wrongAlg := errors.AsType[*jose.ErrUnexpectedSignatureAlgorithm](err); wrongAlg {
			return failed("id_token_alg", errors.New("the ID token is not signed with an algorithm we accept"))
		}
		return failed("id_token_malformed", errors.New("the ID token is not a signed JWT"))
	}
	typ, present := token.Signatures[0].Protected.ExtraHeaders[jose.HeaderType]
	if text, _ := typ.(string); present && !strings.EqualFold(text, "JWT") {
		return failed("id_token_typ", errors.New("the ID token's typ says that it is some other kind of token"))
	}
	return nil
}

// witness keeps what go-oidc's Verify hides: the payload whose signature was good, or why there is none. It serves one
// verification.
type witness struct {
	keys    oidc.KeySet
	payload []byte
	err     error
}

func (w *witness) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	w.payload, w.err = w.keys.VerifySignature(ctx, jwt)
	return w.payload, w.err
}

// fault tells a key set that could not be had from a signature that no key of it made: the remote key set wraps a cause
// in the first case only.
func (w *witness) fault() error {
	cause := errors.Unwrap(w.err)
	if cause == nil {
		return failed("id_token_signature", errors.New("no key of the provider made the ID token's signature"))
	}
	return keySet.unanswered(cause)
}
