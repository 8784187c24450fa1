package oauth_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"durward/policies"
)

// FuzzBearer calls a route with Authorization headers, one or two of them. Whatever they hold, no answer is a fault, only
// the access token by itself, as RFC 6750 section 2.1 writes it, is let in, and who is not let in is told where to sign in
// and nothing of what they sent.
func FuzzBearer(f *testing.F) {
	for _, header := range []string{
		"", "Bearer", "Bearer ", "Bearer ACCESS", "bearer  ACCESS", "BEARER ACCESS ", " Bearer ACCESS", "Bearer\tACCESS",
		"Bearer ACCESS,Bearer ACCESS", "Bearer ACCESS=", "Bearer =ACCESS", "BearerACCESS", "Bearer ACCESS\x00", "Bearer x ACCESS",
		"Basic ACCESS", "DPoP ACCESS", "ACCESS", "Bearer REFRESH", "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer \xff", "Bearer é",
		"Bearer ACCES", "Bearer dwa_" + strings.Repeat("A", 48), "Bearer " + strings.Repeat("a", 10_000), "Bearer \"ACCESS\"",
	} {
		f.Add(header, "", false)
		f.Add("Bearer ACCESS", header, true)
	}
	whole := regexp.MustCompile(`^[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/=-]+)$`)
	claims := regexp.MustCompile(`^[Bb][Ee][Aa][Rr][Ee][Rr]( |$)`)
	var w *tokenFuzz
	f.Fuzz(func(t *testing.T, one, other string, two bool) {
		if w == nil {
			w = newTokenFuzz(t)
		}
		w.T = t
		fill := strings.NewReplacer("ACCESS", w.held.access, refreshInForm, w.held.refresh)
		headers := []string{fill.Replace(one)}
		if two {
			headers = append(headers, fill.Replace(other))
		}
		route := w.gateway.Input.Routes[0]
		decision, err := w.gateway.Policy.Evaluate(
			policies.WithCall(t.Context(), policies.Call{Time: w.host.Clock.Now(), RequestID: "fuzz"}),
			policies.Request{Route: route.ID, Origin: origin, Header: http.Header{"Authorization": headers}})
		if err != nil {
			t.Fatalf("%q: %v", headers, err)
		}
		parts := whole.FindStringSubmatch(headers[0])
		if good := !two && parts != nil && parts[1] == w.held.access; good != (decision.Outcome == policies.Allow) {
			t.Fatalf("%q: %+v", headers, decision)
		}
		if decision.Outcome == policies.Allow {
			return
		}
		status := http.StatusUnauthorized
		if two || parts == nil && claims.MatchString(headers[0]) {
			status = http.StatusBadRequest
		}
		told := decision.Response
		if told == nil || told.Status != status || !decision.RefusedCredential || decision.TTL > time.Second {
			t.Fatalf("%q: %+v, want %d", headers, decision, status)
		}
		challenge := strings.Join(told.Header["Www-Authenticate"], ", ")
		if !strings.HasPrefix(challenge, `Bearer resource_metadata="`+origin+`/.well-known/oauth-protected-resource`+route.Path+`"`) {
			t.Errorf("%q: challenged with %q", headers, challenge)
		}
		if said := challenge + string(told.Body); strings.Contains(said, w.held.access) || strings.Contains(said, w.held.refresh) {
			t.Errorf("%q: a token is told: %s", headers, said)
		}
	})
}
