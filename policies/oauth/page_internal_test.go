package oauth

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/access"
)

type issuer struct{ policies.IdentityProvider }

func (issuer) Issuer() string { return "https://idp.example" }

func pageServer(t *testing.T) *server {
	t.Helper()
	p, err := loadPages(branding{})
	if err != nil {
		t.Fatal(err)
	}
	return &server{pages: p, provider: issuer{}, logger: slog.New(slog.DiscardHandler)}
}

// wordsOf answers what a person reads on a page, with one space between words.
func wordsOf(t *testing.T, show func(http.ResponseWriter) error) string {
	t.Helper()
	w := httptest.NewRecorder()
	if err := show(w); err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(w.Body.String(), "<body>")
	return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, "")), " ")
}

func TestConsentPageStates(t *testing.T) {
	s := pageServer(t)
	alice, bob := &access.Person{Email: "alice@example.com"}, &access.Person{Name: "Bob", Subject: "user_2"}
	tests := map[string]struct {
		change      func(*consentView)
		says, never string
	}{
		"first time": {func(*consentView) {}, "Allow access to Demo?", "You last allowed this"},
		"again": {
			func(v *consentView) { v.Allowed = time.Date(2026, 5, 3, 12, 0, 0, 0, time.UTC) },
			"You last allowed this on 3 May 2026.", "This page was shown",
		},
		"of somebody else": {
			func(v *consentView) { v.Former = bob },
			"This page was shown to Bob. This browser is now signed in as alice@example.com, so please look again.", "user_2",
		},
		"of somebody without address and name": {
			func(v *consentView) { v.Person = &access.Person{Subject: "user_1"} }, "Signed in as user_1", "alice",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			view := consentView{
				Client: clientView{Name: "An App", Redirect: "https://app.example/cb"}, Resource: "https://mcp.example.com/mcp/demo",
				Title: "Demo", Person: alice,
			}
			test.change(&view)
			words := wordsOf(t, func(w http.ResponseWriter) error { return s.showConsent(w, view) })
			if !strings.Contains(words, test.says) || strings.Contains(words, test.never) {
				t.Errorf("want %q and not %q: %s", test.says, test.never, words)
			}
		})
	}
}

func TestDeniedPageSaysWhy(t *testing.T) {
	s := pageServer(t)
	for reason, text := range s.pages.texts.Denials {
		words := wordsOf(t, func(w http.ResponseWriter) error {
			return s.showDenied(w, deniedView{
				Client: clientView{Name: "CLI", Redirect: "http://127.0.0.1:1/cb"}, Title: "Demo", Person: access.Person{Email: "bob@example.com"},
				Reason: reason,
			})
		})
		if !strings.Contains(words, "signed in as bob@example.com. "+text) ||
			!strings.Contains(words, "CLI (an app on this device) is told that it was not given access") {
			t.Errorf("%s: %s", reason, words)
		}
	}
}

func TestA40_GrantsPageStates(t *testing.T) {
	s := pageServer(t)
	day := time.Date(2026, 5, 3, 12, 0, 0, 0, time.UTC)
	grant := grantView{
		ID: "1", Client: clientView{Name: "An App", Redirect: "https://app.example/cb"}, Title: "Demo", Offline: true,
		Since: day, Until: day.AddDate(0, 1, 0),
	}
	unknown := grantView{ID: "2", Title: "Demo", Since: day}
	tests := map[string]struct {
		view        grantsView
		says, never []string
	}{
		"none": {grantsView{}, []string{"No app has access in your name"}, []string{"Take", "Server"}},
		"just taken back": {
			grantsView{Ended: 2, Grants: []grantView{grant}},
			[]string{"Taken back: 2", "An App app.example Demo", "Also while you are away", "3 May 2026", "3 June 2026"},
			[]string{"There are more"},
		},
		"of a client that is gone, at an address that was not kept": {
			grantsView{Grants: []grantView{unknown}, More: true},
			[]string{"An app without a name at an address that is not known", "There are more"},
			[]string{"an app on this device", "Taken back:", "1 January 1"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			words := wordsOf(t, func(w http.ResponseWriter) error { return s.showGrants(w, test.view) })
			for _, part := range test.says {
				if !strings.Contains(words, part) {
					t.Errorf("the page does not say %q: %s", part, words)
				}
			}
			for _, part := range test.never {
				if strings.Contains(words, part) {
					t.Errorf("the page says %q: %s", part, words)
				}
			}
		})
	}
}

func TestMessagePages(t *testing.T) {
	s := pageServer(t)
	tests := map[string]struct {
		no          refusal
		says, never string
		retry       string
	}{
		"for the person": {
			refusal{Status: 400, Code: "invalid_client", Text: "secret of the trade", Page: msgUnknownApp},
			"This app is not known here", "secret of the trade", "",
		},
		"for the developer": {
			refusal{Status: 400, Code: "invalid_request", Text: "state\u202e is <too> long"},
			"For the app’s developers invalid_request: state is &lt;too&gt; long", "again in about", "",
		},
		"a moment":  {refusal{Status: 503, Page: msgUnavailable, RetryAfter: time.Second}, "in about 2 seconds.", "minutes", "1"},
		"part of a": {refusal{Status: 503, Page: msgUnavailable, RetryAfter: 29*time.Second + 1}, "in about 30 seconds.", "minutes", "30"},
		"a while":   {refusal{Status: 503, Page: msgUnreachable, RetryAfter: 10*time.Minute - 1}, "in about 10 minutes.", "seconds", "600"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r = r.WithContext(policies.WithCall(r.Context(), policies.Call{RequestID: "req-1"}))
			var got *httptest.ResponseRecorder
			words := wordsOf(t, func(w http.ResponseWriter) error {
				s.showRefusal(w, r, &test.no)
				got = w.(*httptest.ResponseRecorder)
				return nil
			})
			if got.Code != test.no.Status || got.Header().Get("Retry-After") != test.retry {
				t.Errorf("status %d, Retry-After %q", got.Code, got.Header().Get("Retry-After"))
			}
			if !strings.Contains(words, test.says) || strings.Contains(words, test.never) {
				t.Errorf("want %q and not %q: %s", test.says, test.never, words)
			}
			if !strings.HasSuffix(words, "Request ID req-1") {
				t.Errorf("the request's id is not there: %s", words)
			}
		})
	}
}
