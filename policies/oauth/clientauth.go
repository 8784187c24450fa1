package oauth

import (
	"errors"
	"net/http"

	"durward/policies"
)

// authenticate finds the client that makes a call, and holds it to the way of identifying itself that it is known for
// (A51, S59). The error is a *refusal, which is a 401 with invalid_client wherever it is about the client, or a fault.
func (s *server) authenticate(w http.ResponseWriter, r *http.Request, form params) (client, error) {
	if r.Header.Get("Authorization") != "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="durward"`)
		return client{}, unauthenticated("clients here are public: send client_id in the body and no Authorization header")
	}
	if form.get("client_secret") != "" || form.get("client_assertion") != "" {
		return client{}, unauthenticated("clients here are public: send no secret")
	}
	id := form.get("client_id")
	if id == "" {
		return client{}, badRequest("invalid_request", "client_id is missing")
	}
	found, err := s.client(r.Context(), id)
	if errors.Is(err, policies.ErrNotFound) {
		return client{}, unauthenticated("the client is not known here")
	}
	if err != nil {
		return client{}, err
	}
	found.Method = methodNone
	return found, nil
}

// unauthenticated refuses a client for what it is or how it identified itself (RFC 6749 section 5.2).
func unauthenticated(text string) *refusal {
	return &refusal{Status: http.StatusUnauthorized, Code: "invalid_client", Text: text}
}
