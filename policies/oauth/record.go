package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/access"
	"durward/policies/oauth/internal/secret"
)

// recordFormat is the version written into records. Members are only ever added, so a predecessor reads what a successor
// wrote; it rises only when that is no longer true, and then a predecessor refuses to decide rather than guess.
const recordFormat = 1

// Keys of the store, by kind. What follows the slash is a digest wherever it comes from outside or is secret.
func clientKey(id string) string           { return clientKeys + secret.Digest(id) }
func consentKey(cookie string) string      { return "consent/" + secret.Digest(cookie) }
func loginKey(state string) string         { return "login/" + secret.Digest(state) }
func sessionKey(cookie string) string      { return sessionKeys + secret.Digest(cookie) }
func codeKey(code string) string           { return "code/" + secret.Digest(code) }
func accessKey(token string) string        { return "access/" + secret.Digest(token) }
func refreshKey(token string) string       { return "refresh/" + secret.Digest(token) }
func grantKey(person, grant string) string { return grantKeys + person + "/" + grant }

// What the keys of all records of a kind begin with.
const (
	clientKeys  = "client/"
	sessionKeys = "session/"
	grantKeys   = "grant/"
)

// What decisions depend on, by the names under which they are purged.
func personTag(who access.Person) string { return "person:" + who.Key() }
func grantTag(id string) string          { return "grant:" + id }

// authorization is what a client asked for, checked. It travels from the authorization request to the code.
type authorization struct {
	// Issuer is the server's name at the origin at which the client asked: the iss of the answer (RFC 9207).
	Issuer string `json:"issuer"`
	Client string `json:"client"`
	// ClientName is what the client called itself when it asked.
	ClientName string `json:"client_name,omitempty"`
	// ClientPrint and ClientHosts are the client's Fingerprint and Hosts at that time.
	ClientPrint string   `json:"client_print,omitempty"`
	ClientHosts []string `json:"client_hosts,omitempty"`
	Redirect    string   `json:"redirect"`
	State       string   `json:"state,omitempty"`
	// Challenge is the S256 code challenge (RFC 7636).
	Challenge string   `json:"challenge"`
	Resource  string   `json:"resource"`
	Scopes    []string `json:"scopes"`
}

// purpose is what a login is for.
type purpose string

const (
	purposeAuthorize purpose = ""       // a client's authorization request
	purposeGrants    purpose = "grants" // the person's own page of what they have allowed
)

// consentRecord is a page with a question to a person: whether a client may have access or, to one who was kept out,
// what to do now.
type consentRecord struct {
	// Asked is the client's request. Of a page that no client asked for it holds the Issuer alone.
	Asked   authorization `json:"asked"`
	Purpose purpose       `json:"purpose,omitempty"`
	// Denied says that the page tells somebody that they may not come in: allowing is no answer to it.
	Denied bool `json:"denied,omitempty"`
	// Fresh says that the client wants the person to say anew who they are.
	Fresh bool `json:"fresh,omitempty"`
	// CSRF is the digest of the token in the form.
	CSRF string `json:"csrf"`
	// Shown is the person whose session the page named, or nil: nobody else's session is used with it.
	Shown *access.Person `json:"shown,omitempty"`
	// Answer is set when the page has been answered, with Sealed, an onward that only the browser's cookie opens.
	Answer string `json:"answer,omitempty"`
	Sealed []byte `json:"sealed,omitempty"`
}

// loginRecord is a login whose person is at the identity provider.
type loginRecord struct {
	Asked   authorization `json:"asked"`
	Purpose purpose       `json:"purpose,omitempty"`
	Fresh   bool          `json:"fresh,omitempty"`
	// Provider is the issuer of the identity provider that the browser was sent to.
	Provider string `json:"provider"`
	// Named is the person whom the consent page named, nil if it named nobody or the person chose to sign in as another.
	Named *access.Person `json:"named,omitempty"`
	// Browser is the digest of the cookie that only the consenting browser has.
	Browser  string `json:"browser"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
}

// sessionRecord is a browser of a signed-in person.
type sessionRecord struct {
	Person access.Person `json:"person"`
	// Login names the standing of the login that began it, if it has one (standing.go). So it does in codes and grants.
	Login string `json:"login,omitempty"`
	// Ended is how many grants the person has just taken back, to be said once.
	Ended int `json:"ended,omitempty"`
}

// codeRecord is an authorization code. It is kept after use, until it expires, so that a replay is known as one.
type codeRecord struct {
	Asked  authorization `json:"asked"`
	Person access.Person `json:"person"`
	Login  string        `json:"login,omitempty"`
	// Grant is the grant that the code is for.
	Grant string `json:"grant"`
	// Used says that it has been redeemed.
	Used bool `json:"used,omitempty"`
}

// grantRecord is what a person allowed a client to do. Without it no code and no token of it is good.
type grantRecord struct {
	Issuer string        `json:"issuer"`
	Person access.Person `json:"person"`
	Login  string        `json:"login,omitempty"`
	Client string        `json:"client"`
	// ClientName, ClientPrint and ClientHosts are what the client was when the person allowed it, as in authorization.
	ClientName  string   `json:"client_name,omitempty"`
	ClientPrint string   `json:"client_print,omitempty"`
	ClientHosts []string `json:"client_hosts,omitempty"`
	// AuthMethod is how the client identified itself when it came for its first tokens. Grants of a time before it was
	// kept have none: their clients are public.
	AuthMethod string `json:"auth_method,omitempty"`
	// Redirect is where the code went. Grants of a time before it was kept have none.
	Redirect string    `json:"redirect,omitempty"`
	Resource string    `json:"resource"`
	Scopes   []string  `json:"scopes"`
	Created  time.Time `json:"created"`
	// Used is when its life was last prolonged by use. Grants of a time before it was kept have none.
	Used time.Time `json:"used,omitzero"`
}

// accessRecord is an access token.
type accessRecord struct {
	Client   string   `json:"client"`
	Resource string   `json:"resource"`
	Scopes   []string `json:"scopes"`
	// Issued is when it was, in seconds since 1970. Tokens of a time before it was kept have none.
	Issued int64 `json:"issued,omitempty"`
	// Person and Grant make the grant's key.
	Person string `json:"person"`
	Grant  string `json:"grant"`
}

// refreshRecord is a refresh token.
type refreshRecord struct {
	Client string `json:"client"`
	Person string `json:"person"`
	Grant  string `json:"grant"`
	// Used says that the token was used and not rotated.
	Used bool `json:"used,omitempty"`
	// Rotated is when the token was first used; zero while it is the current one.
	Rotated time.Time `json:"rotated,omitzero"`
	// Next is the key of the successor's record, Sealed the successor itself under a key that only the token gives.
	Next   string `json:"next,omitempty"`
	Sealed []byte `json:"sealed,omitempty"`
}

// envelope is the form of every record's value.
type envelope struct {
	Format int             `json:"format"`
	Data   json.RawMessage `json:"data"`
}

// held is a record as it was read.
type held[T any] struct {
	Data    T
	Key     string
	Version int64
	Expires time.Time
}

// load reads a record. The error is policies.ErrNotFound or a fault.
func load[T any](ctx context.Context, store policies.Store, key string) (held[T], error) {
	record, err := store.Get(ctx, key)
	if err != nil {
		return held[T]{}, err
	}
	return decode[T](record)
}

// take reads and removes a record: of any number of callers one gets it.
func take[T any](ctx context.Context, store policies.Store, key string) (held[T], error) {
	record, err := store.Take(ctx, key)
	if err != nil {
		return held[T]{}, err
	}
	return decode[T](record)
}

func decode[T any](record policies.Record) (held[T], error) {
	found := held[T]{Key: record.Key, Version: record.Version, Expires: record.Expires}
	var outer envelope
	if err := json.Unmarshal(record.Value, &outer); err != nil {
		return found, fmt.Errorf("decode record: %w", err)
	}
	if outer.Format != recordFormat {
		return found, fmt.Errorf("decode record: format %d is not known here", outer.Format)
	}
	if err := json.Unmarshal(outer.Data, &found.Data); err != nil {
		return found, fmt.Errorf("decode record: %w", err)
	}
	return found, nil
}

// change gathers one transaction. An error on the way is kept for commit.
type change struct {
	policies.Change
	err error
}

// put writes a record that must have the version expect, 0 for none.
func (c *change) put(key string, data any, expect int64, expires time.Time) {
	inner, err := json.Marshal(data)
	if err == nil {
		inner, err = json.Marshal(envelope{Format: recordFormat, Data: inner})
	}
	c.err = errors.Join(c.err, err)
	c.Puts = append(c.Puts, policies.Put{Key: key, Value: inner, Expect: expect, Expires: expires})
}

// remove deletes a record that must have the version expect.
func (c *change) remove(key string, expect int64) {
	c.Deletes = append(c.Deletes, policies.Delete{Key: key, Expect: expect})
}

// commit applies the change: all of it or, with an error, nothing.
func (c *change) commit(ctx context.Context, store policies.Store) error {
	if c.err != nil {
		return fmt.Errorf("encode records: %w", c.err)
	}
	return store.Commit(ctx, c.Change)
}
