package oauth_test

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"durward/policies"
)

// FuzzAuthorizeQuery sends queries to the authorization endpoint from a signed-in browser and from one that is not.
// Whatever they hold: nothing is sent to a place that the client has not registered, nobody is sent anywhere before they
// are signed in, no page asks for another resource than a route's, and no answer is a fault.
func FuzzAuthorizeQuery(f *testing.F) {
	sound := func() url.Values { return ask(clientInQuery, "resource", origin+"/mcp/a") }
	f.Add(sound().Encode())
	for name, values := range map[string][]string{
		"redirect_uri": {
			"", "https://app.example/cb", "http://127.0.0.1:5/cb", "http://127.0.0.1.evil.example/cb",
			"https://app.example@evil.example/cb", "https://app.example/cb?state=x", "//app.example/cb", "http://[::1]:1/?a=b",
		},
		"client_id": {"", "dw-unknown", "https://app.example/client.json"},
		"resource": {
			"", origin, origin + "/mcp/a", origin + "/mcp/a/", origin + "/mcp/b?x", "https://evil.example/mcp/a", origin + "/mcp/a#x",
		},
		"response_type":         {"", "token", "code token"},
		"response_mode":         {"query", "fragment", "form_post"},
		"code_challenge":        {"", "x"},
		"code_challenge_method": {"", "plain"},
		"scope":                 {"", "mcp:tools offline_access", "openid \x00"},
		"prompt":                {"", "none", "login", "consent none"},
		"state":                 {"", "\r\nLocation: https://evil.example/", strings.Repeat("s", 5000)},
		"request":               {"e30"},
		"request_uri":           {"https://evil.example/"},
	} {
		for _, value := range values {
			f.Add(change(sound(), name, value).Encode())
			f.Add(sound().Encode() + "&" + name + "=" + url.QueryEscape(value)) // twice, for most
		}
	}
	f.Add("a=%zz;b")
	var w *fuzzed
	f.Fuzz(func(t *testing.T, query string) {
		if w == nil {
			w = newFuzzed(t)
		}
		if answer := w.send(t, query, nil); answer.Header().Get("Location") != "" {
			t.Fatalf("a browser that nobody has signed in with is sent to %s", answer.Header().Get("Location"))
		}
		answer := w.send(t, query, w.session)
		switch answer.Code {
		case http.StatusOK:
		case http.StatusSeeOther:
			w.wantTold(t, answer.Header().Get("Location"))
		case http.StatusBadRequest:
			if answer.Header().Get("Location") != "" {
				t.Fatalf("a page and a redirect: %v", answer.Header())
			}
		default:
			t.Fatalf("answered %d %s", answer.Code, answer.Body)
		}
		for _, record := range w.host.Store.Records() {
			if strings.HasPrefix(record.Key, "consent/") {
				w.wantSound(t, record)
				if _, err := w.host.Store.Take(t.Context(), record.Key); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// clientInQuery stands in queries for the id of the client, which is another in every run.
const clientInQuery = "CLIENT"

func registeredURIs() []string {
	return []string{"https://app.example/cb", "http://127.0.0.1/cb", "http://[::1]/?a=b"}
}

// fuzzed is a world with one client and one signed-in browser, for queries without end.
type fuzzed struct {
	*world
	client  string
	session []*http.Cookie
	calls   uint32
}

func newFuzzed(t *testing.T) *fuzzed {
	// A client's document would be fetched: what comes of that is told elsewhere.
	w := &fuzzed{world: newWorldWith(t, `{"clientId":"c","gateway":{"cimdEnabled":false}}`, "/mcp/a", "/mcp/b")}
	w.client = w.world.client(registeredURIs()...)
	w.code(w.client, "alice", "resource", origin+"/mcp/a")
	at, _ := url.Parse(origin)
	w.session = w.browser.Jar.Cookies(at)
	return w
}

// send calls the policy as the host does, each time from another address: no limit is in the way.
func (w *fuzzed) send(t *testing.T, query string, cookies []*http.Cookie) *httptest.ResponseRecorder {
	w.calls++
	address := netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, w.calls)))
	ctx := policies.WithCall(t.Context(), policies.Call{
		Time: w.host.Clock.Now(), Origin: origin, RequestID: "fuzz", ClientAddress: address.String(),
	})
	r := httptest.NewRequest(http.MethodGet, origin+"/oauth/authorize", nil).WithContext(ctx)
	r.URL.RawQuery = strings.ReplaceAll(query, clientInQuery, w.client)
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	answer := httptest.NewRecorder()
	w.gateway.Policy.ServeHTTP(answer, r)
	return answer
}

// wantTold wants a redirect that tells a client of an error, at an address of its own.
func (w *fuzzed) wantTold(t *testing.T, location string) {
	t.Helper()
	to, err := url.Parse(location)
	if err != nil || to.Query().Get("error") == "" || to.Query().Has("code") ||
		!slices.Equal(to.Query()["iss"], []string{origin}) {
		t.Fatalf("redirected to %q (%v)", location, err)
	}
	place := to.Scheme + "://" + to.Host + to.Path
	if to.Scheme == "http" {
		place = to.Scheme + "://" + strings.TrimSuffix(to.Host, ":"+to.Port()) + to.Path
	}
	if !slices.Contains([]string{"https://app.example/cb", "http://127.0.0.1/cb", "http://[::1]/"}, place) {
		t.Fatalf("redirected to %q", location)
	}
}

// wantSound wants what a page asks to be something that may be allowed.
func (w *fuzzed) wantSound(t *testing.T, record policies.Record) {
	t.Helper()
	var kept struct {
		Data struct {
			Asked struct {
				Client, Redirect, Resource, Challenge, State string
				Scopes                                       []string
			}
		}
	}
	if err := json.Unmarshal(record.Value, &kept); err != nil {
		t.Fatal(err)
	}
	asked := kept.Data.Asked
	told := "?error=x&iss=" + origin
	if strings.Contains(asked.Redirect, "?") {
		told = "&" + told[1:]
	}
	w.wantTold(t, asked.Redirect+told)
	if asked.Client != w.client || len(asked.Challenge) != 43 || len(asked.State) > 4096 ||
		asked.Resource != origin+"/mcp/a" && asked.Resource != origin+"/mcp/b" ||
		!slices.Contains([]string{"mcp:tools", "mcp:tools offline_access"}, strings.Join(asked.Scopes, " ")) {
		t.Fatalf("asked for %+v", asked)
	}
}
