package oauth

import (
	"net/http"
	"strings"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/secret"
)

// A browser holds three kinds of cookie: one for each consent page that is open, one for each login on its way to the
// provider, and its session. The first two carry a handle in their names, so that two tabs never meet (S23). Each
// holds a secret whose digest is in the store; none says anything by itself.
const (
	cookieConsent = "consent-"
	cookieLogin   = "login-"
	cookieSession = "session"
)

// handleOf names a transaction in public, given its secret: enough to tell transactions apart, and nothing more.
func handleOf(value string) string { return secret.Digest(value)[:16] }

// setCookie binds a secret to the browser. The prefix __Host- demands Secure, Path=/ and no Domain (A44, S27); SameSite
// is Lax because the provider's redirect back is a cross-site navigation.
func (s *server) setCookie(w http.ResponseWriter, origin, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is off on plain-http loopback origins only
		Name:     policies.CookiePrefix(s.name, origin) + name,
		Value:    value,
		Path:     "/",
		MaxAge:   max(1, int(life/time.Second)),
		Secure:   secureCookies(origin),
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
}

func (s *server) clearCookie(w http.ResponseWriter, origin, name string) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // as above
		Name:     policies.CookiePrefix(s.name, origin) + name,
		Path:     "/",
		MaxAge:   -1,
		Secure:   secureCookies(origin),
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
}

// maxPages bounds the consent pages that a browser holds open. Another site may open them without end, and the cookies
// would grow until they push others out, or a server on the way refuses the header that they make.
const maxPages = 16

// forgetOldest makes room for the cookie of a new consent page. Browsers name first what they got first (RFC 6265
// section 5.4).
func (s *server) forgetOldest(w http.ResponseWriter, r *http.Request) {
	origin := policies.CallFrom(r.Context()).Origin
	var open []string
	for _, cookie := range r.Cookies() {
		name, ours := strings.CutPrefix(cookie.Name, policies.CookiePrefix(s.name, origin))
		if ours && strings.HasPrefix(name, cookieConsent) {
			open = append(open, name)
		}
	}
	for _, name := range open[:max(0, len(open)+1-maxPages)] {
		s.clearCookie(w, origin, name)
	}
}

func secureCookies(origin string) bool { return len(origin) > 8 && origin[:8] == "https://" }

// cookie answers the one cookie of that name, of the form that its kind has. Two of a name are none: one of them was
// put there by somebody else.
func (s *server) cookie(r *http.Request, name string, k secret.Kind) string {
	origin := policies.CallFrom(r.Context()).Origin
	found := r.CookiesNamed(policies.CookiePrefix(s.name, origin) + name)
	if len(found) != 1 || !k.Valid(found[0].Value) {
		return ""
	}
	return found[0].Value
}

// sameOrigin says whether a form was sent from a page of ours. Our pages send no referrer, for which browsers write
// "Origin: null"; then Sec-Fetch-Site decides. Browsers that do not send that either are held by the cookie's SameSite
// and the form's token.
func sameOrigin(r *http.Request) bool {
	site, from := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	return (site == "" || site == "same-origin") &&
		(from == "" || from == "null" || from == policies.CallFrom(r.Context()).Origin)
}
