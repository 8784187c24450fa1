package page

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"durward/policies/oauth/internal/access"
)

func TestConsentPageStates(t *testing.T) {
	p := load(t, Branding{})
	alice, bob := &access.Person{Email: "alice@example.com"}, &access.Person{Name: "Bob", Subject: "user_2"}
	tests := map[string]struct {
		change      func(*Consent)
		says, never string
	}{
		"first time": {func(*Consent) {}, "Allow access to Demo?", "You last allowed this"},
		"again": {
			func(v *Consent) { v.Allowed = time.Date(2026, 5, 3, 12, 0, 0, 0, time.UTC) },
			"You last allowed this on 3 May 2026.", "This page was shown",
		},
		"of somebody else": {
			func(v *Consent) { v.Former = bob },
			"This page was shown to Bob. This browser is now signed in as alice@example.com, so please look again.", "user_2",
		},
		"of somebody without address and name": {
			func(v *Consent) { v.Person = &access.Person{Subject: "user_1"} }, "Signed in as user_1", "alice",
		},
		"an operator's words for an ability": {
			func(v *Consent) { v.More = []Ability{{Scope: "deals:write", Description: "Change\u202e deals"}} }, "Change deals", "deals:write",
		},
		"an ability without words": {
			func(v *Consent) { v.Usual = []Ability{{Scope: "deals:read"}} }, "deals:read", "deals:write",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			view := asking("An App", "https://app.example/cb")
			view.Person = alice
			test.change(&view)
			words := words(sent(t, func(w http.ResponseWriter) error { return p.Consent(w, view) }))
			if !strings.Contains(words, test.says) || strings.Contains(words, test.never) {
				t.Errorf("want %q and not %q: %s", test.says, test.never, words)
			}
		})
	}
}

func TestDeniedPageSaysWhy(t *testing.T) {
	p := load(t, Branding{})
	for reason, text := range p.texts.Denials {
		view := Denied{
			Client: Client{Name: "CLI", Redirect: "http://127.0.0.1:1/cb"}, Title: "Demo",
			Person: access.Person{Email: "bob@example.com"}, Reason: reason,
		}
		words := words(sent(t, func(w http.ResponseWriter) error { return p.Denied(w, view) }))
		if !strings.Contains(words, "signed in as bob@example.com. "+text) ||
			!strings.Contains(words, "CLI (an app on this device) is told that it was not given access") {
			t.Errorf("%s: %s", reason, words)
		}
	}
}

func TestA40_GrantsPageStates(t *testing.T) {
	p := load(t, Branding{})
	day := time.Date(2026, 5, 3, 12, 0, 0, 0, time.UTC)
	grant := Grant{
		ID: "1", Client: Client{Name: "An App", Redirect: "https://app.example/cb"}, Title: "Demo", Offline: true,
		Since: day, Until: day.AddDate(0, 1, 0),
	}
	unknown := Grant{ID: "2", Title: "Demo", Since: day}
	tests := map[string]struct {
		view        Grants
		says, never []string
	}{
		"none": {Grants{}, []string{"No app has access in your name"}, []string{"Take", "Server"}},
		"just taken back": {
			Grants{Ended: 2, Grants: []Grant{grant}},
			[]string{"Taken back: 2", "An App app.example Demo", "Also while you are away", "3 May 2026", "3 June 2026"},
			[]string{"There are more"},
		},
		"of a client that is gone, at an address that was not kept": {
			Grants{Grants: []Grant{unknown}, More: true},
			[]string{"An app without a name at an address that is not known", "There are more"},
			[]string{"an app on this device", "Taken back:", "1 January 1"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			words := words(sent(t, func(w http.ResponseWriter) error { return p.Grants(w, test.view) }))
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
	p := load(t, Branding{})
	tests := map[string]struct {
		view        Refusal
		says, never string
	}{
		"for the person": {
			Refusal{Status: 400, Code: "invalid_client", Text: "secret of the trade", Message: UnknownApp},
			"This app is not known here", "secret of the trade",
		},
		"for the developer": {
			Refusal{Status: 400, Code: "invalid_request", Text: "state\u202e is <too> long"},
			"For the app’s developers invalid_request: state is &lt;too&gt; long", "again in about",
		},
		"a moment":  {Refusal{Status: 503, Message: Unavailable, RetryAfter: time.Second}, "in about 2 seconds.", "minutes"},
		"part of a": {Refusal{Status: 503, Message: Unavailable, RetryAfter: 29*time.Second + 1}, "in about 30 seconds.", "minutes"},
		"a while":   {Refusal{Status: 503, Message: Unreachable, RetryAfter: 10*time.Minute - 1}, "in about 10 minutes.", "seconds"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.view.RequestID = "req-1"
			got := sent(t, func(w http.ResponseWriter) error { return p.Refusal(w, test.view) })
			if got.Code != test.view.Status {
				t.Errorf("status %d", got.Code)
			}
			words := words(got)
			if !strings.Contains(words, test.says) || strings.Contains(words, test.never) {
				t.Errorf("want %q and not %q: %s", test.says, test.never, words)
			}
			if !strings.HasSuffix(words, "Request ID req-1") {
				t.Errorf("the request's id is not there: %s", words)
			}
		})
	}
}
