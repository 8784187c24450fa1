package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/secret"
)

// anonymousTTL is how long the answer to a request without a credential holds: it depends on the configuration alone.
const anonymousTTL = 5 * time.Minute

// refusedTTL is how long the refusal of a token holds: as long as the host remembers one at all. A token that was
// refused never becomes good, and a client whose token has ended may ask many times at once: that is one guess, and not
// a flood of them.
const refusedTTL = time.Second

// Evaluate implements policies.Policy: it asks for a token, or says whose it is (B5, B6, B12).
func (s *server) Evaluate(ctx context.Context, request policies.Request) (policies.Decision, error) {
	now := policies.CallFrom(ctx).Time
	if now.IsZero() || request.Origin == "" {
		return policies.Decision{}, errors.New("evaluate: the call carries no time or no origin")
	}
	route, ok := s.routeByID(request.Route)
	if !ok {
		return policies.Decision{}, fmt.Errorf("evaluate: route %q is not of this policy", request.Route)
	}
	c := challenger{origin: request.Origin, path: route.Path, scopes: s.operations.baseline(route.Path)}
	token, err := bearer(request.Header)
	switch {
	case err != nil:
		return c.answer(http.StatusBadRequest, "invalid_request", err.Error()), nil
	case token == "":
		asked := c.answer(http.StatusUnauthorized, "", "a bearer token is needed")
		if len(request.Header.Values("Authorization")) > 0 { // of another scheme: a guess like any other
			asked.RefusedCredential, asked.TTL = true, refusedTTL
		}
		return asked, nil
	case !secret.AccessToken.Valid(token):
		return c.refuseToken(), nil
	}
	access, err := load[accessRecord](ctx, s.store, accessKey(token))
	if errors.Is(err, policies.ErrNotFound) {
		return c.refuseToken(), nil
	}
	if err != nil {
		return policies.Decision{}, fmt.Errorf("read access token: %w", err)
	}
	if access.Data.Resource != resourceOf(request.Origin, route.Path) || !now.Before(access.Expires) {
		return c.refuseToken(), nil
	}
	grant, err := load[grantRecord](ctx, s.store, grantKey(access.Data.Person, access.Data.Grant))
	if errors.Is(err, policies.ErrNotFound) {
		return c.refuseToken(), nil
	}
	if err != nil {
		return policies.Decision{}, fmt.Errorf("read grant: %w", err)
	}
	if !s.inForce(grant.Data, s.options.basePath.issuer(request.Origin)) {
		return c.refuseToken(), nil
	}
	decision := allow(access, grant.Data)
	wanted := needed(route, request.Method, request.Name)
	if missing := s.options.scopes.missing(access.Data.Scopes, wanted); len(missing) > 0 {
		decision = c.stepUp(access.Data.Scopes, wanted, missing)
		s.recordStepUp(ctx, access.Data, grant.Data, missing)
	}
	decision.TTL = access.Expires.Sub(now)
	decision.Tags = []string{grantTag(access.Data.Grant), personTag(grant.Data.Person)}
	return decision, nil
}

func allow(access held[accessRecord], grant grantRecord) policies.Decision {
	return policies.Decision{
		Outcome: policies.Allow,
		Principal: &policies.Principal{
			Issuer:  grant.Person.Issuer,
			Subject: grant.Person.Subject,
			Email:   grant.Person.Email,
			Name:    grant.Person.Name,
			Client:  access.Data.Client,
			Grant:   access.Data.Grant,
			Scopes:  access.Data.Scopes,
			Expires: access.Expires,
		},
	}
}

// bearer reads the token from the Authorization header and from nowhere else (B11). No header, or a scheme that is not
// Bearer, is no credential; what claims to be Bearer and is not well-formed is an error (RFC 6750 section 2.1).
func bearer(header http.Header) (string, error) {
	values := header.Values("Authorization")
	if len(values) > 1 {
		return "", errors.New("more than one Authorization header")
	}
	if len(values) == 0 {
		return "", nil
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", nil
	}
	token = strings.TrimLeft(token, " ")
	if token == "" || strings.ContainsFunc(token, func(c rune) bool { return !isToken68(c) }) {
		return "", errors.New("malformed bearer credential")
	}
	return token, nil
}

// isToken68 is RFC 9110 section 11.2, the alphabet of bearer tokens.
func isToken68(c rune) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.ContainsRune("-._~+/=", c)
}

// challenger answers requests on one route that may not pass.
type challenger struct {
	origin, path string
	// scopes are those that the challenge tells the client to ask for.
	scopes []string
}

// refuseToken answers a token that is not known, has ended, or is for something else. Which of them is not said.
func (c challenger) refuseToken() policies.Decision {
	return c.answer(http.StatusUnauthorized, "invalid_token", "the token is not valid for this resource")
}

// answer builds one challenge in one header (B10), and the same in JSON for people who read bodies. Without a code no
// bearer credential was presented, and the answer may be remembered.
func (c challenger) answer(status int, code, description string) policies.Decision {
	metadata := c.origin + resourceMetadataPath + c.path
	scope := strings.Join(c.scopes, " ")
	challenge := fmt.Sprintf("Bearer resource_metadata=%q, scope=%q", metadata, scope)
	body := map[string]string{
		"error": code, "error_description": description, "resource_metadata": metadata, "scope": scope,
	}
	decision := policies.Decision{Outcome: policies.Respond}
	switch code {
	case "":
		body["error"] = "unauthorized"
		decision.TTL = anonymousTTL
	case "insufficient_scope":
		challenge += fmt.Sprintf(", error=%q, error_description=%q", code, description)
	default:
		challenge += fmt.Sprintf(", error=%q, error_description=%q", code, description)
		decision.RefusedCredential = true
		decision.TTL = refusedTTL
	}
	text, _ := json.Marshal(body) // strings always encode
	decision.Response = &policies.Response{
		Status: status,
		Header: http.Header{
			"Content-Type":     {"application/json"},
			"Cache-Control":    {"no-store"},
			"Www-Authenticate": {challenge},
		},
		Body: text,
	}
	return decision
}
