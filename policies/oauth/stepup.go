package oauth

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"durward/policies"
)

// stepUp answers a token that is good and does not cover a call (B7). One challenge names all that the call needs and
// what the token covers already, so that a client which asks for just what it is told loses nothing by it. A client is
// never told to ask for offline_access (A9).
func (c challenger) stepUp(held, wanted, missing []string) policies.Decision {
	c.scopes = slices.DeleteFunc(once(slices.Concat(wanted, held)), func(scope string) bool { return scope == scopeOffline })
	return c.answer(http.StatusForbidden, "insufficient_scope", "the token does not cover "+strings.Join(missing, " "))
}

// recordStepUp records that a token did not cover a call. The host remembers the decision as long as the token lives, so
// a client that tries again and again is recorded once.
func (s *server) recordStepUp(ctx context.Context, access accessRecord, grant grantRecord, missing []string) {
	event := grantEvent(eventScopeRefused, outcomeRefused, grant, access.Grant, "insufficient_scope")
	event.Scope = strings.Join(missing, " ")
	s.record(ctx, event)
}
