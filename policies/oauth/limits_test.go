package oauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"durward/policies"
	"durward/policies/policytest"
)

// tightly is a configuration whose limits a test can reach.
const tightly = `{"clientId":"c","gateway":{"limits":{"registrationsPerMinute":6,"authorizationsPerMinute":4,` +
	`"tokenRequestsPerMinute":10,"clientFailuresPerMinute":3}}}`

// from sends a request from an address. Time is the host's, as it always is.
func (w *world) from(address, method, target, body string, header ...string) *http.Response {
	w.Helper()
	r := w.request(method, target, body, header...)
	ctx := policies.WithCall(r.Context(), policies.Call{
		Time: w.host.Clock.Now(), RequestID: "req", Origin: origin, ClientAddress: address,
	})
	out := httptest.NewRecorder()
	w.gateway.Policy.ServeHTTP(out, r.WithContext(ctx))
	return out.Result()
}

func (w *world) tokenFrom(address string, form url.Values) *http.Response {
	w.Helper()
	return w.from(address, http.MethodPost, "/oauth/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

func TestS45_LimitsOfAnAddress(t *testing.T) {
	register := func(w *world, address string) *http.Response {
		return w.from(address, http.MethodPost, "/oauth/register", `{"redirect_uris":["`+redirect+`"]}`,
			"Content-Type", "application/json")
	}
	for _, tt := range []struct {
		name, reason string
		burst        int
		page         bool
		ask          func(w *world, address string) *http.Response
	}{
		{"register", "registrations", 6, false, register},
		{"authorize", "authorizations", 4, true, func(w *world, address string) *http.Response {
			return w.from(address, http.MethodGet, "/oauth/authorize?client_id=x", "")
		}},
		{"sign in to see grants", "authorizations", 4, true, func(w *world, address string) *http.Response {
			return w.from(address, http.MethodPost, "/oauth/grants", "answer=sign-in",
				"Content-Type", "application/x-www-form-urlencoded", "Origin", origin)
		}},
		{"token", "token_requests", 10, false, func(w *world, address string) *http.Response {
			return w.tokenFrom(address, url.Values{"grant_type": {"authorization_code"}})
		}},
		{"token of a client that is not known", "client_failures", 3, false, func(w *world, address string) *http.Response {
			return w.tokenFrom(address, url.Values{"grant_type": {"authorization_code"}, "client_id": {"x"}})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorldWith(t, tightly)
			passed := func(address string) (count int) {
				t.Helper()
				for range 20 {
					got := tt.ask(w, address)
					if got.StatusCode == http.StatusTooManyRequests {
						w.wantLimited(got, tt.page)
					} else {
						count++
					}
				}
				return count
			}
			if got := passed("2001:db8::1"); got != tt.burst {
				t.Errorf("%d pass, want %d", got, tt.burst)
			}
			if got := passed("2001:db8:0:ff::2"); got != 0 {
				t.Errorf("from the same network: %d pass, want none", got)
			}
			if got := passed("2001:db8:0:100::2"); got != tt.burst {
				t.Errorf("from another network: %d pass, want %d", got, tt.burst)
			}
			w.host.Clock.Advance(time.Minute)
			if got := passed("2001:db8::1"); got != tt.burst {
				t.Errorf("after a minute: %d pass, want %d", got, tt.burst)
			}
			told := w.host.Audit.Named("limit.reached")
			if len(told) != 3 { // and not for each of sixty requests
				t.Fatalf("audit: %+v", told)
			}
			if told[0].Outcome != "refused" || told[0].Reason != tt.reason {
				t.Errorf("audit: %+v", told[0])
			}
		})
	}
}

// wantLimited looks at the answer to what was asked too often.
func (w *world) wantLimited(got *http.Response, page bool) {
	w.Helper()
	body := make([]byte, 8<<10)
	n, _ := got.Body.Read(body)
	text := string(body[:n])
	if got.Header.Get("Retry-After") == "" || got.Header.Get("Cache-Control") != "no-store" {
		w.Errorf("header %v", got.Header)
	}
	switch {
	case page && (!strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") || !strings.Contains(text, "Too many requests")):
		w.Errorf("no page: %v %s", got.Header, text)
	case !page && (!strings.HasPrefix(text, `{"error":"too_many_requests","error_description":"`) ||
		got.Header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(got.Header.Get("Access-Control-Expose-Headers"), "Retry-After")):
		w.Errorf("a script cannot use it: %v %s", got.Header, text)
	}
}

// Whoever has guessed too often is not answered either when they guess right, and their neighbours register and sign in
// all the same.
func TestS45_FailuresCloseTheTokenEndpointAlone(t *testing.T) {
	w := newWorldWith(t, tightly)
	client := w.client()
	for range 3 { // somebody's browser can be made to do this, which proves nothing
		w.authorize(ask("dw-nobody"))
	}
	w.host.Clock.Advance(time.Minute)
	good, bad := redemption(client, w.code(client, "alice")), redemption("dw-nobody", "x")
	for range 3 {
		if got := w.tokenFrom(policytest.ClientAddress, bad); got.StatusCode != http.StatusUnauthorized {
			t.Fatalf("status %d, want 401", got.StatusCode)
		}
	}
	if got := w.tokenFrom(policytest.ClientAddress, good); got.StatusCode != http.StatusTooManyRequests {
		t.Errorf("status %d, want 429", got.StatusCode)
	}
	w.client()
	if got := w.tokenFrom("192.0.2.2", good); got.StatusCode != http.StatusOK {
		t.Errorf("from elsewhere: status %d, want 200", got.StatusCode)
	}
}

// A login that was begun in another browser may be visited any number of times, and each visit is a line of the audit.
func TestS45_CallbacksInOtherBrowsers(t *testing.T) {
	w := newWorldWith(t, tightly)
	at := w.atProvider(w.client())
	query := url.Values{"state": {at.Query().Get("state")}, "code": {"alice"}}
	for range 20 {
		got := w.from("192.0.2.77", http.MethodGet, "/oauth/callback?"+query.Encode(), "")
		if got.StatusCode == http.StatusTooManyRequests {
			w.wantLimited(got, true)
		}
	}
	if failed := w.host.Audit.Named("login.failed"); len(failed) != 4 {
		t.Errorf("%d lines, want 4", len(failed))
	}
	if got := w.callback(at, "alice").location(t); got.Query().Get("code") == "" {
		t.Errorf("the browser that began it: %s", got)
	}
}

// A page of another site, open in one browser of an office, uses up nothing that the office shares: what it has the browser
// send needs no leave of ours, and may fail as often as it likes.
func TestS45_PagesOfOtherSitesCountApart(t *testing.T) {
	const office = "192.0.2.77"
	for name, header := range map[string][]string{
		"a script": {
			"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "empty",
		},
		"a frame": {
			"Origin", "null", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe",
		},
		"a sibling's script": {"Origin", "https://www.example.com", "Sec-Fetch-Site", "same-site", "Sec-Fetch-Dest", "empty"},
		"an old browser":     {"Origin", "https://evil.example"},
	} {
		w := newWorldWith(t, strings.Replace(tightly, `"limits":{`, `"limits":{"unusedRegistrationsPerHour":5,`, 1))
		ask := func(method, target, body, media string, header ...string) int {
			t.Helper()
			return w.from(office, method, target, body, append([]string{"Content-Type", media}, header...)...).StatusCode
		}
		const form = "application/x-www-form-urlencoded"
		registration, unknown := `{"redirect_uris":["`+redirect+`"]}`, redemption("dw-nobody", "x").Encode()
		for range 30 {
			ask(http.MethodPost, "/oauth/token", unknown, form, header...)
			ask(http.MethodPost, "/oauth/register", registration, "application/json", header...)
			ask(http.MethodGet, "/oauth/authorize?client_id=x", "", "", header...)
		}
		if told := len(w.host.Audit.Named("limit.reached")); told != 4 {
			t.Errorf("%s: pages reach %d limits, want 4", name, told)
		}
		for range 3 {
			if got := ask(http.MethodPost, "/oauth/register", registration, "application/json"); got != http.StatusCreated {
				t.Errorf("%s: the office registers: %d", name, got)
			}
			if got := ask(http.MethodPost, "/oauth/token", "", form); got != http.StatusBadRequest {
				t.Errorf("%s: the office asks for tokens: %d", name, got)
			}
			got := ask(http.MethodGet, "/oauth/authorize?client_id=x", "", "", // a person follows a link
				"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
			if got != http.StatusBadRequest {
				t.Errorf("%s: the office asks for consent: %d", name, got)
			}
		}
	}
}

// What is not limited: what the host keeps in memory, what a browser asks beforehand, and operators.
func TestS45_Unlimited(t *testing.T) {
	w := newWorldWith(t, tightly)
	for range 50 {
		for _, r := range []struct{ method, target string }{
			{http.MethodGet, "/.well-known/oauth-authorization-server"},
			{http.MethodGet, "/.well-known/oauth-protected-resource/mcp/demo"},
			{http.MethodGet, "/oauth/jwks"},
			{http.MethodOptions, "/oauth/token"},
			{http.MethodGet, "/grants?subject=alice"},
		} {
			if got := w.from("192.0.2.1", r.method, r.target, ""); got.StatusCode >= 400 {
				t.Fatalf("%s %s: %d", r.method, r.target, got.StatusCode)
			}
		}
	}
}

// The first morning of an office of 500 people behind one address, with four clients each, within the default limits:
// in half an hour all of them connect, and at nine the next day all refresh within a minute.
func TestLimitsLetAnOfficeIn(t *testing.T) {
	w := newWorld(t)
	ask := func(what, method, target, body string, header ...string) {
		t.Helper()
		if got := w.from("192.0.2.1", method, target, body, header...); got.StatusCode == http.StatusTooManyRequests {
			t.Fatalf("%s: 429", what)
		}
	}
	const people, clients = 500, 4
	for range people * clients {
		w.host.Clock.Advance(30 * time.Minute / (people * clients))
		ask("register", http.MethodPost, "/oauth/register", `{}`, "Content-Type", "application/json")
		ask("authorize", http.MethodGet, "/oauth/authorize", "")
		ask("token", http.MethodPost, "/oauth/token", "", "Content-Type", "application/x-www-form-urlencoded")
	}
	w.host.Clock.Advance(16 * time.Hour)
	for range people * clients {
		w.host.Clock.Advance(time.Minute / (people * clients))
		ask("refresh", http.MethodPost, "/oauth/token", "", "Content-Type", "application/x-www-form-urlencoded")
	}
	if told := w.host.Audit.Named("limit.reached"); len(told) != 0 {
		t.Errorf("audit: %+v", told)
	}
}

// A flood from everywhere leaves what was there before.
func TestS45_AFloodFromEverywhere(t *testing.T) {
	w := newWorldWith(t, tightly)
	for i := range 30_000 {
		r := httptest.NewRequest(http.MethodPost, origin+"/oauth/token", nil)
		ctx := policies.WithCall(context.Background(), policies.Call{
			Time: w.host.Clock.Now(), Origin: origin, ClientAddress: fmt.Sprintf("10.%d.%d.1", i>>8, i&0xff),
		})
		out := httptest.NewRecorder()
		w.gateway.Policy.ServeHTTP(out, r.WithContext(ctx))
		if out.Code != http.StatusBadRequest {
			t.Fatalf("status %d", out.Code)
		}
	}
	if len(w.host.Audit.Events()) != 0 || len(w.host.Store.Records()) != 0 {
		t.Error("a flood leaves something behind")
	}
}
