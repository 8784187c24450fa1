package oauth

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"durward/policies"
	"durward/policies/oauth/internal/access"
	"durward/policies/oauth/internal/page"
	"durward/policies/oauth/internal/redirecturi"
)

// maxState bounds the client's state, which is stored and echoed (S17).
const maxState = 4 << 10

// serveAuthorize checks an authorization request and asks the person (RFC 6749 section 4.1.1). Nothing leaves for the
// identity provider here.
//
// How errors are told: while client or redirect URI are in doubt, on a page and never by redirect (A31). After that by
// redirect, but only to a browser with a live session: anybody may register a client, and before the person has signed
// in a redirect would lend this origin's good name to wherever a stranger's link points (A32, S8). Without a session
// the error is shown on a page.
func (s *server) serveAuthorize(w http.ResponseWriter, r *http.Request) error {
	query, err := parseParams(r.URL.RawQuery)
	if err != nil {
		return err
	}
	client, redirect, err := s.target(r, query)
	if err != nil {
		return err
	}
	who, err := s.session(r)
	if err != nil {
		return err
	}
	origin := policies.CallFrom(r.Context()).Origin
	asked, err := s.readRequest(origin, query)
	asked.Issuer, asked.Client, asked.ClientName = s.issuer(r.Context()), client.ID, client.Name
	asked.ClientPrint, asked.ClientHosts = client.Fingerprint, client.Hosts
	asked.Redirect, asked.State = redirect, query.get("state")
	if no, ok := errors.AsType[*refusal](err); ok {
		return s.refuseRequest(w, r, asked, who, no)
	}
	if err != nil {
		return err
	}
	question := consentRecord{Asked: asked, Shown: who}
	if slices.Contains(prompts(query), "login") || slices.Contains(prompts(query), "select_account") {
		question.Shown, question.Fresh = nil, true
	}
	return s.askConsent(w, r, question, nil)
}

// refuseRequest answers a request that has a fault: the client, if the browser has a session, else the person.
func (s *server) refuseRequest(
	w http.ResponseWriter, r *http.Request, asked authorization, who *access.Person, no *refusal,
) error {
	var known access.Person
	if who != nil {
		known = *who
	}
	s.record(r.Context(), askedEvent(eventAuthorizationRefused, outcomeRefused, asked, known, no.Code))
	if who == nil || len(asked.State) > maxState {
		return no
	}
	redirectTo(w, s.errorAnswer(asked, no.Code, no.Text))
	return nil
}

// target finds out where an answer may go. Any doubt is a page: there is nowhere to redirect to (A31, S1, S2).
func (s *server) target(r *http.Request, query params) (client, string, error) {
	id := query.get("client_id")
	if id == "" {
		return client{}, "", badRequest("invalid_request", "the request does not say which app it is from")
	}
	found, err := s.client(r.Context(), id)
	if errors.Is(err, policies.ErrNotFound) {
		s.recordRefused(r.Context(), client{ID: id}, "unknown")
		return client{}, "", &refusal{
			Status: http.StatusBadRequest, Code: "invalid_client", Page: page.UnknownApp,
			Text: "this app is not registered here, or no longer",
		}
	}
	if err != nil {
		return client{}, "", err
	}
	redirect := query.get("redirect_uri")
	if redirect == "" && len(found.Redirects) == 1 { // A34
		redirect = found.Redirects[0]
	}
	if !redirecturi.Match(found.Redirects, redirect) {
		s.record(r.Context(), policies.Event{
			Name: eventAuthorizationRefused, Outcome: outcomeRefused, Client: found.ID,
			ClientHost: namedBy(found.ID, found.Hosts), Reason: "redirect_uri",
		})
		return client{}, "", &refusal{
			Status: http.StatusBadRequest, Code: "invalid_request", Page: page.BadRedirect,
			Text: "the app asks to be answered at an address that it has not registered",
		}
	}
	return found, redirect, nil
}

// readRequest checks everything else. The error is always a refusal.
func (s *server) readRequest(origin string, query params) (authorization, error) {
	switch responseType := query.get("response_type"); {
	case len(query.get("state")) > maxState:
		return authorization{}, badRequest("invalid_request", "state is longer than 4096 bytes")
	case responseType == "":
		return authorization{}, badRequest("invalid_request", "response_type is missing")
	case responseType != "code": // A37, S13
		return authorization{}, badRequest("unsupported_response_type", "response_type must be code")
	}
	if mode := query.get("response_mode"); mode != "" && mode != "query" {
		return authorization{}, badRequest("invalid_request", "response_mode must be query")
	}
	// What an unread request object says could contradict the parameters (RFC 9101 section 6.3 takes it for the request).
	if query.get("request") != "" {
		return authorization{}, badRequest("request_not_supported", "request objects are not read here")
	}
	if query.get("request_uri") != "" {
		return authorization{}, badRequest("request_uri_not_supported", "request objects are not fetched here")
	}
	// A35, S11: a missing method would mean plain.
	if query.get("code_challenge_method") != "S256" {
		return authorization{}, badRequest("invalid_request", "code_challenge_method must be S256")
	}
	if !isChallenge(query.get("code_challenge")) {
		return authorization{}, badRequest("invalid_request", "code_challenge must be 43 characters of base64url")
	}
	if slices.Contains(prompts(query), "none") {
		return authorization{}, badRequest("interaction_required", "consent is always asked for")
	}
	resource, err := s.resolveResource(origin, query.all("resource"))
	if err != nil {
		return authorization{}, err
	}
	return authorization{
		Challenge: query.get("code_challenge"),
		Resource:  resource,
		Scopes:    s.granted(strings.TrimPrefix(resource, origin), query.get("scope")),
	}, nil
}

func prompts(query params) []string { return strings.Fields(query.get("prompt")) }

// isChallenge checks the form of an S256 challenge: base64url of 32 bytes.
func isChallenge(text string) bool {
	odd := func(c rune) bool { return !isToken68(c) || strings.ContainsRune(".~+/=", c) }
	return len(text) == 43 && !strings.ContainsFunc(text, odd)
}

// errorAnswer builds an authorization error response, with state and iss (A5, A37, S18).
func (s *server) errorAnswer(asked authorization, code, description string) string {
	return redirecturi.Answer(asked.Redirect,
		redirecturi.Param{Name: "error", Value: code}, redirecturi.Param{Name: "error_description", Value: description},
		redirecturi.Param{Name: "state", Value: asked.State}, s.iss(asked))
}

// iss says whose answer it is (RFC 9207), unless the operator has clients that stumble over it (Q48).
func (s *server) iss(asked authorization) redirecturi.Param {
	if !s.options.issParameter {
		return redirecturi.Param{}
	}
	return redirecturi.Param{Name: "iss", Value: asked.Issuer}
}

// redirectTo sends the browser on. 303 makes every method a GET, and no body is sent along (A33, S10); nor is the
// address of the page, which may hold a code or a state.
func redirectTo(w http.ResponseWriter, location string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}
