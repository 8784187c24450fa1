package assertion

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json" // it knows no folded names and no repeated ones
)

// Type is the client_assertion_type of what is checked here (RFC 7523 section 2.2).
const Type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Bounds of an assertion.
const (
	maxLength = 8 << 10 // bytes
	maxID     = 256     // bytes of jti
	maxTries  = 16      // keys, where several may have signed
	maxAhead  = 10 * time.Minute
	skew      = time.Minute // by which the client's clock may be wrong
)

// ErrInvalid is what errors about an assertion wrap. Any other error of Verify is one of the caller's own.
var ErrInvalid = errors.New("client assertion is not valid")

func invalid(text string) error { return fmt.Errorf("%w: %s", ErrInvalid, text) }

// Algorithms answers those that an assertion may be signed with, by their names in RFC 7518 and RFC 8037. All need a key
// pair, so that nobody signs with what is public.
func Algorithms() []string {
	var names []string
	for _, alg := range algorithms() {
		names = append(names, string(alg))
	}
	return names
}

func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
		jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
	}
}

// Expected is what an assertion is held against.
type Expected struct {
	// Client is the client_id that it must be from and about.
	Client string
	// Audiences are the names of whom it may be meant for: one of them, and nobody else.
	Audiences []string
	// Algorithm is the only one that the client signs with, empty for any.
	Algorithm string
	// Now is the time of the call.
	Now time.Time
}

// Accepted is an assertion with everything right about it but that it may have been used before.
type Accepted struct {
	// ID is its jti. The same ID of the same client must be refused until Until.
	ID    string
	Until time.Time
}

// Client answers whom an assertion says that it is about. Nothing of it has been checked: it is for finding the client
// whose keys are to be asked for. The error wraps ErrInvalid.
func Client(text string) (string, error) {
	_, claims, err := parse(text)
	if err != nil {
		return "", err
	}
	if claims.Subject == "" {
		return "", invalid("sub is missing")
	}
	return claims.Subject, nil
}

// Verify checks an assertion (S43). It asks keys for the client's keys once, with the kid that the assertion names or "",
// when all else about it is right; an error of keys is answered as it is.
func Verify(text string, want Expected, keys func(kid string) ([]jose.JSONWebKey, error)) (Accepted, error) {
	signed, claims, err := parse(text)
	if err != nil {
		return Accepted{}, err
	}
	accepted, err := claims.check(want)
	if err != nil {
		return Accepted{}, err
	}
	header := signed.Signatures[0].Protected
	if want.Algorithm != "" && header.Algorithm != want.Algorithm {
		return Accepted{}, invalid("it is signed with another algorithm than the client is known for")
	}
	found, err := keys(header.KeyID)
	if err != nil {
		return Accepted{}, err
	}
	tries := 0
	for _, key := range found {
		if !fits(key, header.Algorithm, header.KeyID) || tries == maxTries {
			continue
		}
		tries++
		if _, err := signed.Verify(key.Key); err == nil {
			return accepted, nil
		}
	}
	return Accepted{}, invalid("no key of the client verifies the signature")
}

// parse reads an assertion without believing any of it.
func parse(text string) (*jose.JSONWebSignature, claims, error) {
	if len(text) > maxLength {
		return nil, claims{}, invalid("it is longer than 8192 bytes")
	}
	signed, err := jose.ParseSignedCompact(text, algorithms())
	if err != nil || !isCanonical(text) {
		return nil, claims{}, invalid("it is not a JWT, or not signed with an algorithm of the list in the metadata")
	}
	if typ, _ := signed.Signatures[0].Protected.ExtraHeaders[jose.HeaderType].(string); !isType(typ) {
		return nil, claims{}, invalid("typ names another kind of JWT")
	}
	var said claims
	if json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &said) != nil {
		return nil, claims{}, invalid("its claims are not as RFC 7523 has them")
	}
	return signed, said, nil
}

// isCanonical says whether every part is base64url as RFC 7515 section 2 has it: the same bytes are not written in two
// ways, with line ends or odd bits at the end.
func isCanonical(text string) bool {
	for part := range strings.SplitSeq(text, ".") {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil || strings.ContainsAny(part, "\r\n") {
			return false
		}
	}
	return true
}

// isType allows what client assertions are called, and no other kind of JWT that the same key may sign.
func isType(typ string) bool {
	return slices.Contains([]string{"", "jwt", "client-authentication+jwt"}, strings.ToLower(typ))
}
