package page

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"durward/policies/oauth/internal/access"
)

const provider = "https://idp.example"

func load(t *testing.T, brand Branding) *Pages {
	t.Helper()
	p, err := Load(brand, provider)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sent answers what a page sends.
func sent(t *testing.T, show func(http.ResponseWriter) error) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	if err := show(w); err != nil {
		t.Fatal(err)
	}
	return w
}

// words answers what a person reads on a page, with one space between words.
func words(page *httptest.ResponseRecorder) string {
	_, body, _ := strings.Cut(page.Body.String(), "<body>")
	return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, "")), " ")
}

// asking is a consent page of a client with this name and redirect URI.
func asking(name, redirect string) Consent {
	return Consent{
		Client: Client{Name: name, Redirect: redirect}, Resource: "https://mcp.example.com/mcp/demo", Title: "Demo",
		Handle: "0123456789abcdef", CSRF: "csrf",
	}
}

// everyPage answers each page that there is.
func everyPage(t *testing.T, brand Branding) map[string]*httptest.ResponseRecorder {
	t.Helper()
	p := load(t, brand)
	alice, day := access.Person{Email: "alice@example.com"}, time.Date(2026, 5, 3, 12, 0, 0, 0, time.UTC)
	ask := asking("An App", "https://app.example/cb")
	known := ask
	known.Person, known.Former, known.Changed, known.Allowed = &alice, &access.Person{Name: "Bob"}, true, day
	known.Offline, known.More = true, []Ability{{Scope: "deals:write"}, {Scope: "deals:read", Description: "See the deals"}}
	grants := []Grant{{ID: "1", Client: ask.Client, Title: "Demo", Abilities: known.More, Offline: true, Since: day, Until: day}}
	consent := func(view Consent) *httptest.ResponseRecorder {
		return sent(t, func(w http.ResponseWriter) error { return p.Consent(w, view) })
	}
	denied := func(view Denied) *httptest.ResponseRecorder {
		return sent(t, func(w http.ResponseWriter) error { return p.Denied(w, view) })
	}
	list := func(view Grants) *httptest.ResponseRecorder {
		return sent(t, func(w http.ResponseWriter) error { return p.Grants(w, view) })
	}
	refusal := func(view Refusal) *httptest.ResponseRecorder {
		return sent(t, func(w http.ResponseWriter) error { return p.Refusal(w, view) })
	}
	return map[string]*httptest.ResponseRecorder{
		"consent":            consent(ask),
		"consent, known":     consent(known),
		"consent, http":      consent(asking("CLI", "http://127.0.0.1:1/cb")),
		"denied":             denied(Denied{Client: ask.Client, Title: "Demo", Person: alice, Reason: access.DeniedEmail}),
		"denied, its grants": denied(Denied{Grants: true, Person: alice, Reason: access.DeniedEmail}),
		"grants":             list(Grants{Person: alice, Grants: grants, More: true}),
		"grants, none":       list(Grants{Person: alice, Ended: 1}),
		"sign-in":            sent(t, p.SignIn),
		"signed out":         sent(t, p.SignedOut),
		"bad request":        refusal(Refusal{Status: http.StatusBadRequest, Code: "invalid_request", RetryAfter: time.Second}),
		"unknown app":        refusal(Refusal{Status: http.StatusBadRequest, Message: UnknownApp, RequestID: "req-1"}),
	}
}
