package oauth

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"durward/policies/oauth/internal/assertion"
)

// credential is what a request brings to show which client it is from. Nothing of it has been checked.
type credential struct {
	// Method is one of the methods of client.go, ID the client_id.
	Method, ID string
	// Secret comes with methodBasic and methodPost, Assertion with methodKeyJWT.
	Secret, Assertion string
}

// readCredential finds the one way in which a request identifies its client (RFC 6749 section 2.3). The error is always a
// *refusal: two ways at once are none.
func readCredential(header http.Header, form params) (credential, error) {
	id, secret, signed := form.get("client_id"), form.get("client_secret"), form.get("client_assertion")
	given := header.Values("Authorization")
	ways := len(given)
	for _, value := range []string{secret, signed + form.get("client_assertion_type")} {
		if value != "" {
			ways++
		}
	}
	switch {
	case ways > 1:
		return credential{}, badRequest("invalid_request", "the client must identify itself in one way, and not in several")
	case len(given) == 1:
		return readBasic(given[0], id)
	case secret != "" && id != "":
		return credential{Method: methodPost, ID: id, Secret: secret}, nil
	case ways == 1 && secret == "":
		return readAssertion(form)
	case id == "":
		return credential{}, badRequest("invalid_request", "client_id is missing")
	}
	return credential{Method: methodNone, ID: id}, nil
}

// readBasic reads an Authorization header. Both parts of what it holds are form-encoded (RFC 6749 section 2.3.1). The
// client_id may stand in the form too, if it is the same.
func readBasic(header, id string) (credential, error) {
	malformed := unauthenticated("the Authorization header must be Basic, with client_id and client_secret form-encoded")
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return credential{}, malformed
	}
	pair, err := base64.StdEncoding.DecodeString(strings.Trim(encoded, " "))
	if err != nil {
		return credential{}, malformed
	}
	name, password, found := strings.Cut(string(pair), ":")
	name, nameErr := url.QueryUnescape(name)
	password, passwordErr := url.QueryUnescape(password)
	if !found || nameErr != nil || passwordErr != nil || name == "" {
		return credential{}, malformed
	}
	if id != "" && id != name {
		return credential{}, unauthenticated("the Authorization header and the form name two clients")
	}
	return credential{Method: methodBasic, ID: name, Secret: password}, nil
}

// readAssertion reads an assertion (RFC 7523 section 2.2). It says itself whose it is; the client_id may be left out.
func readAssertion(form params) (credential, error) {
	id, signed := form.get("client_id"), form.get("client_assertion")
	if form.get("client_assertion_type") != assertion.Type || signed == "" {
		return credential{}, badRequest("invalid_request",
			"client_assertion must come with client_assertion_type "+assertion.Type)
	}
	of, err := assertion.Client(signed)
	if err != nil {
		return credential{}, unauthenticated(err.Error())
	}
	if id != "" && id != of {
		return credential{}, unauthenticated("the assertion is another client's than client_id says")
	}
	return credential{Method: methodKeyJWT, ID: of, Assertion: signed}, nil
}
