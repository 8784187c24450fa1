package cimd

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"durward/policies/oauth/internal/redirecturi"
)

// The ways in which a client with a document may identify itself (A14).
const (
	MethodNone   = "none"
	MethodKeyJWT = "private_key_jwt"
)

// Document is what a client says of itself. It is shared by all who ask for it, and not to be changed.
type Document struct {
	// ID is the client_id, which is the document's URL. Name is what the client calls itself: nobody has checked it.
	ID, Name string
	// Redirects are its redirect URIs, as they stand in the document. One at least.
	Redirects []string
	// AuthMethods holds MethodNone, MethodKeyJWT or both.
	AuthMethods []string
	// Keys is the key set in the document, KeysURI where it is otherwise. With MethodKeyJWT there is one of the two,
	// without it neither.
	Keys    jose.JSONWebKeySet
	KeysURI string
	// Algorithm is the only one that the client signs with, as it says. It says nothing if it is empty.
	Algorithm string
}

// Parse reads the document of the client id. check judges the URLs in it. The error is a permanent *Fault.
//
// Names are exact, and what is not known is ignored, as it must be. A document is the same for every authorization server:
// what it offers beyond what is taken here is left out and does not spoil the rest, unless it shows that a secret is
// shared (A14).
func Parse(id string, text []byte, check func(url string) error) (Document, error) {
	members, err := object(text)
	if err != nil {
		return Document{}, wrong(theDocument, "%v", err)
	}
	m := reader{members: members}
	document := Document{ID: m.text("client_id"), Name: strings.TrimSpace(m.text("client_name"))}
	switch {
	case m.fault != nil:
		return Document{}, m.fault
	case document.ID != id:
		return Document{}, wrong(theDocument, "does not name exactly its own URL as client_id")
	case document.Name == "":
		return Document{}, wrong(theDocument, "has no client_name")
	}
	m.shareNothing()
	m.useCode()
	m.links()
	document.Redirects = m.redirects()
	document.AuthMethods = m.methods()
	if slices.Contains(document.AuthMethods, MethodKeyJWT) {
		document.Keys, document.KeysURI = m.keys(check)
		document.Algorithm = m.text("token_endpoint_auth_signing_alg")
	}
	if m.fault != nil {
		return Document{}, m.fault
	}
	return document, nil
}

// Fingerprint is the digest of what a person goes by who allows the client something, besides its URL: its name, the hosts
// that it is answered at, and whose keys speak for it (A18, S44). The order of things in the document does not matter.
func (d Document) Fingerprint() string {
	var essence struct {
		Name        string
		Hosts, Keys []string
	}
	essence.Name = d.Name
	for _, uri := range d.Redirects {
		host := redirecturi.Host(uri)
		if host == "" { // it stays on the person's machine
			if host = uri; redirecturi.IsLoopback(uri) {
				host = "loopback"
			}
		}
		essence.Hosts = append(essence.Hosts, host)
	}
	if d.KeysURI != "" {
		essence.Keys = append(essence.Keys, d.KeysURI)
	}
	for _, key := range d.Keys.Keys {
		thumbprint, err := key.Thumbprint(crypto.SHA256)
		if err != nil { // of a key that was read from its own public members there is one
			thumbprint = []byte(err.Error())
		}
		essence.Keys = append(essence.Keys, base64.RawURLEncoding.EncodeToString(thumbprint))
	}
	for _, list := range []*[]string{&essence.Hosts, &essence.Keys} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	text, err := json.Marshal(essence)
	if err != nil {
		text = fmt.Append(nil, essence) // strings always encode
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// reader reads members of a document and keeps the first fault.
type reader struct {
	members map[string]json.RawMessage
	fault   error
}

func (m *reader) fail(format string, args ...any) {
	if m.fault == nil {
		m.fault = wrong(theDocument, format, args...)
	}
}

func (m *reader) read(name string, into any, what string) {
	raw, ok := m.members[name]
	if ok && (bytes.Equal(raw, []byte("null")) || json.Unmarshal(raw, into) != nil) {
		m.fail("has a %s that is not %s", name, what)
	}
}

func (m *reader) text(name string) (value string) {
	m.read(name, &value, "a text")
	return value
}

func (m *reader) list(name string) (values []string) {
	m.read(name, &values, "a list of texts")
	return values
}

// shareNothing refuses what only a shared secret could be meant by (A14, S41).
func (m *reader) shareNothing() {
	for _, name := range []string{"client_secret", "client_secret_expires_at"} {
		if _, ok := m.members[name]; ok {
			m.fail("has a %s: what everybody can read is no secret", name)
		}
	}
}

// useCode refuses a client that says that it does not use the one grant there is.
func (m *reader) useCode() {
	if grants := m.list("grant_types"); len(grants) > 0 && !slices.Contains(grants, "authorization_code") {
		m.fail("lists grant_types without authorization_code")
	}
	if responses := m.list("response_types"); len(responses) > 0 && !slices.Contains(responses, "code") {
		m.fail("lists response_types without code")
	}
}

// links refuses those that no browser should be shown (A27). Nothing here follows or shows any of them.
func (m *reader) links() {
	for _, name := range []string{"client_uri", "logo_uri", "policy_uri", "tos_uri"} {
		text := m.text(name)
		link, err := url.Parse(text)
		if text != "" && (err != nil || link.Scheme != "https" && link.Scheme != "http" || link.Host == "" || link.User != nil) {
			m.fail("has a %s that is not a plain http or https URL", name)
		}
	}
}

// redirects answers the redirect URIs that can be used. One of http or https that cannot is a fault; one of another scheme
// is for servers that take any.
func (m *reader) redirects() []string {
	given := m.list("redirect_uris")
	var usable []string
	for i, uri := range given {
		scheme, _, _ := strings.Cut(strings.ToLower(uri), ":")
		isWeb := scheme == "https" || scheme == "http"
		switch err := redirecturi.Check(uri); {
		case strings.Contains(uri, "*"): // S41: nothing stands for anything else
			m.fail("has a wildcard in redirect_uris[%d]", i)
		case err == nil:
			usable = append(usable, uri)
		case isWeb || !strings.Contains(uri, ":"):
			m.fail("has redirect_uris, of which number %d %v", i+1, err)
		}
	}
	switch {
	case len(given) == 0:
		m.fail("has no redirect_uris")
	case len(usable) == 0:
		m.fail("has no redirect_uris that can be used: https://, http://127.0.0.1, http://[::1] or http://localhost")
	}
	return usable
}

// methods answers the ways to identify itself that the client offers and that there are here: the one that it names, and
// those that it lists besides (Q26). A client that names none is public: there is nothing that it could prove. So is one
// that merely lists private_key_jwt and shows no key.
func (m *reader) methods() []string {
	named := m.text("token_endpoint_auth_method")
	if named == "" {
		named = MethodNone
	}
	if named != MethodNone && named != MethodKeyJWT {
		m.fail("names a token_endpoint_auth_method other than none and private_key_jwt")
	}
	listed := m.list("token_endpoint_auth_methods_supported")
	var methods []string
	if named == MethodNone || slices.Contains(listed, MethodNone) {
		methods = append(methods, MethodNone)
	}
	if named == MethodKeyJWT || slices.Contains(listed, MethodKeyJWT) && m.has("jwks", "jwks_uri") {
		methods = append(methods, MethodKeyJWT)
	}
	return methods
}

func (m *reader) has(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { _, ok := m.members[name]; return ok })
}

// keys answers the client's key set or where it is.
func (m *reader) keys(check func(url string) error) (set jose.JSONWebKeySet, uri string) {
	uri = m.text("jwks_uri")
	switch {
	case m.has("jwks") && uri != "": // RFC 7591 section 2
		m.fail("has both jwks and jwks_uri")
	case m.has("jwks"):
		var err error
		if set, err = ParseKeys(m.members["jwks"]); err != nil {
			m.fail("has a jwks that %v", err)
		}
	case uri == "":
		m.fail("names private_key_jwt without jwks or jwks_uri")
	default:
		if err := check(uri); err != nil {
			m.fail("has a jwks_uri that %s", textOf(err))
		}
	}
	return set, uri
}
