package oauth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func registrationRows() []row {
	return []row{
		{
			id: "A23", holds: "a client may register itself, and metadata says where; where that is switched off there is neither",
			in:   local,
			play: registrationIsThereOrNot,
		},
		{
			id: "A24", holds: "a registration is answered with all that was registered, as it now is, and nobody keeps the answer",
			play: registeredAsAnswered,
		},
		{
			id: "A25", holds: "application_type is taken as it is, and where it is missing made from the redirect URIs",
			play: applicationTypes,
		},
		{
			id: "A26", holds: "no registration promises a way to change it, as there is none",
			play: func(t *testing.T, w *world) {
				a := w.app(t)
				for name := range a.said {
					if strings.HasPrefix(name, "registration_") {
						t.Errorf("the answer holds %s", name)
					}
				}
				for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
					w.do(t, method, "/oauth/register/"+a.id, "").object(t, 404)
				}
			},
		},
		{
			id: "A27", holds: "links that a client gives are http or https and lead into no private network",
			play: func(t *testing.T, w *world) {
				for _, name := range []string{"client_uri", "logo_uri", "policy_uri", "tos_uri", "jwks_uri"} {
					for _, bad := range []string{"javascript:alert(1)", "ftp://app.example/", "app.example", "//app.example/", "https://"} {
						w.registration(t, metadata{"redirect_uris": list(usualRedirect), name: bad}).
							refused(t, name+" "+bad, 400, "invalid_client_metadata")
					}
				}
				for _, name := range []string{"client_uri", "logo_uri", "policy_uri", "tos_uri"} {
					for _, good := range []string{"https://app.example/about", "http://app.example/"} {
						if a := w.register(t, metadata{name: good}); a.said[name] != good {
							t.Errorf("%s %s: %v", name, good, a.said[name])
						}
					}
				}
			},
		},
		{
			id: "Q5", holds: "a client that asks for client_secret_post is registered, and what the answer says of its method is what works",
			play: func(t *testing.T, w *world) {
				a := w.register(t, metadata{"token_endpoint_auth_method": "client_secret_post"})
				if a.method != "client_secret_post" || a.secret == "" {
					t.Errorf("%v", a.said)
				}
				w.alive(t, "its token", w.browser(t).tokens(t, a).Access)
			},
		},
		{
			id: "Q6", holds: "two registrations of one attempt are two clients, both good; those that complete a sign-in count against nobody",
			in: local, play: twiceForOneAttempt,
		},
		{
			id: "Q7", holds: "the scope of a registration is no ceiling, and scopes that do not exist are dropped",
			play: func(t *testing.T, w *world) {
				for _, registered := range []any{nil, "mcp:tools", "openid profile"} {
					m := metadata{"scope": registered}
					if registered == nil {
						m = nil
					}
					got := w.browser(t).tokens(t, w.register(t, m), "scope", "openid mcp:tools offline_access everything")
					if !cmp.Equal(scopesOf(got.Scope), scopesOf("mcp:tools offline_access")) {
						t.Errorf("registered with %v: the scope is %s", registered, got.Scope)
					}
				}
			},
		},
		{
			id: "Q22", holds: "a client that was given a secret and did not say how it sends one may send it by Basic; none is given unasked",
			play: func(t *testing.T, w *world) {
				if a := w.app(t); a.secret != "" || a.method != "none" {
					t.Errorf("unasked: %v", a.said)
				}
				a := w.register(t, metadata{"token_endpoint_auth_method": "client_secret_basic"})
				if a.secret == "" {
					t.Fatalf("asked: %v", a.said)
				}
				w.alive(t, "by Basic", w.browser(t).tokens(t, a).Access)
			},
		},
		{
			id: "Q23", holds: "what a client left empty is left out of the answer",
			play: func(t *testing.T, w *world) {
				empty := metadata{
					"client_uri": "", "logo_uri": "", "tos_uri": "", "policy_uri": "", "scope": "", "contacts": []string{},
					"software_id": "", "software_version": "", "client_name": "",
				}
				a := w.register(t, empty)
				for name := range empty {
					if value, has := a.said[name]; has {
						t.Errorf("%s comes back as %v", name, value)
					}
				}
			},
		},
		{
			id: "Q33", holds: "registration is on unless somebody switches it off, for clients that know no other way",
			play: func(t *testing.T, w *world) {
				at, _ := w.get(t, serverDocument).object(t, 200)["registration_endpoint"].(string)
				if at != w.issuer()+"/oauth/register" {
					t.Errorf("registration_endpoint is %q", at)
				}
				w.app(t)
			},
		},
		{
			id: "Q42", holds: "redirect URIs come back just as they were sent, in their order",
			play: func(t *testing.T, w *world) {
				sent := []string{
					"http://localhost:3334/oauth/callback", "https://APP.example/CB?b=2&a=%7E", "http://127.0.0.1", "https://app.example",
					"http://[::1]:9/", "http://localhost:3334/oauth/callback",
				}
				if got := texts(w.app(t, sent...).said["redirect_uris"]); !slices.Equal(got, sent) {
					t.Errorf("%q, want %q", got, sent)
				}
			},
		},
		{
			id: "Q54", holds: "empty links and lists of contacts are no reason to refuse a client",
			play: func(t *testing.T, w *world) {
				a := w.register(t, metadata{"client_uri": "", "contacts": []string{""}, "logo_uri": ""})
				for _, name := range []string{"client_uri", "contacts", "logo_uri"} {
					if _, has := a.said[name]; has {
						t.Errorf("%s comes back as %v", name, a.said[name])
					}
				}
				w.browser(t).tokens(t, a)
			},
		},
		{
			id: "S4", holds: "a redirect URI that a browser could run, or that hides what it is, does not register",
			play: runnableRedirects,
			breaks: []edit{{"policies/oauth/internal/redirecturi/check.go", `parsed.User != nil || !PlainHost(parsed.Hostname()) || `,
				`parsed.User != nil || `}},
		},
		{
			id: "S5", holds: "links that run or lead inside do not register",
			play: func(t *testing.T, w *world) {
				for _, name := range []string{"client_uri", "logo_uri", "tos_uri"} {
					for _, bad := range []string{
						"javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "http://169.254.169.254/latest", "http://127.0.0.1/",
						"https://localhost/", "http://10.0.0.1/", "https://[::1]/", "https://[fd00::1]/", "https://192.168.1.1/", "file:///etc/passwd",
						"http://user@app.example/",
					} {
						w.registration(t, metadata{"redirect_uris": list(usualRedirect), name: bad}).
							refused(t, name+" "+bad, 400, "invalid_client_metadata")
					}
				}
				for _, keys := range []string{
					"http://app.example/jwks", "https://127.0.0.1/jwks", "https://[::ffff:10.0.0.1]/jwks", "https://localhost/jwks", "https://169.254.169.254/",
				} {
					w.registration(t, metadata{
						"redirect_uris": list(usualRedirect), "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": keys,
					}).refused(t, "jwks_uri "+keys, 400, "invalid_client_metadata")
				}
			},
			breaks: []edit{{"policies/oauth/registration.go", `(err != nil || internalHost(link.Hostname()))`,
				`(err != nil || internalHost(link.Scheme))`}},
		},
		{
			id: "S45", holds: "registrations are bounded: in size, in number of redirect URIs, and in how many one address makes without using them",
			in: local, play: floods,
			breaks: []edit{{"policies/oauth/registration.go", `if len(uris) == 0 || len(uris) > maxRedirects {`,
				`if len(uris) == 0 {`}},
		},
		{
			id: "S46", holds: "a client that calls itself Claude is shown as unverified, with the host that its answer goes to",
			play: func(t *testing.T, w *world) {
				a := w.register(t, metadata{"client_name": "Claude", "redirect_uris": list("https://evil.example/cb")})
				page := w.browser(t).asked(t, a)
				for _, want := range []string{"Claude", "evil.example", "Not verified"} {
					if !strings.Contains(page.text(), want) {
						t.Errorf("the page does not say %q: %s", want, page.text())
					}
				}
			},
		},
		{
			id: "S47", holds: "a client that was not used for a quarter of a year is gone: a page where it asks, invalid_client where it comes for tokens",
			in: moved, play: forgotten,
		},
		{
			id: "S48", holds: "metadata that makes no sense is refused in JSON and leaves no client behind",
			play: nonsense,
			breaks: []edit{{"policies/oauth/registration.go", `if bytes.Equal(raw, []byte("null")) || json.Unmarshal(raw, into) != nil {`,
				`if !bytes.Equal(raw, []byte("null")) && json.Unmarshal(raw, into) != nil {`}},
		},
	}
}

func twiceForOneAttempt(t *testing.T, w *world) {
	one, two := w.app(t), w.app(t)
	if one.id == two.id {
		t.Error("both have one id")
	}
	w.alive(t, "the second", w.browser(t).tokens(t, two).Access)
	w.alive(t, "the first", w.browser(t).tokens(t, one).Access)
	few := w.at(t, "closed")
	for range unusedPerHour + 2 {
		few.browser(t).tokens(t, few.app(t))
	}
}

func registrationIsThereOrNot(t *testing.T, w *world) {
	w.app(t)
	if _, has := w.get(t, serverDocument).object(t, 200)["registration_endpoint"]; !has {
		t.Error("metadata does not say where")
	}
	off := w.at(t, "reduced")
	for _, place := range []string{serverDocument + "/reduced", openidDocument + "/reduced"} {
		if at, has := off.get(t, place).object(t, 200)["registration_endpoint"]; has {
			t.Errorf("switched off, %s says %v", place, at)
		}
	}
	off.registration(t, metadata{"redirect_uris": list(usualRedirect)}).object(t, 404)
}

func registeredAsAnswered(t *testing.T, w *world) {
	sent := metadata{
		"client_name": "Drawing Board", "redirect_uris": list("https://board.example/cb", "http://127.0.0.1/cb"),
		"grant_types": list("authorization_code", "refresh_token", "urn:example:other"), "response_types": list("code"),
		"token_endpoint_auth_method": "none", "application_type": "native", "scope": "mcp:tools everything",
		"client_uri": "https://board.example/", "logo_uri": "https://board.example/logo.png", "contacts": list("dev@board.example"),
		"tos_uri": "https://board.example/tos", "policy_uri": "https://board.example/privacy", "software_id": "board",
		"software_version": "1.2", "unknown_member": list("x"),
	}
	got := w.registration(t, sent)
	said := got.object(t, http.StatusCreated)
	if got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control %q", got.header.Get("Cache-Control"))
	}
	for _, name := range []string{
		"client_name", "redirect_uris", "response_types", "token_endpoint_auth_method", "application_type", "client_uri", "logo_uri",
		"contacts", "tos_uri", "policy_uri", "software_id", "software_version",
	} {
		if !cmp.Equal(sent[name], said[name]) {
			t.Errorf("%s is %v, want %v", name, said[name], sent[name])
		}
	}
	// What was replaced is said as it now is.
	if said["scope"] != "mcp:tools" || !cmp.Equal(said["grant_types"], list("authorization_code", "refresh_token")) {
		t.Errorf("scope %v, grant_types %v", said["scope"], said["grant_types"])
	}
	issued, _ := said["client_id_issued_at"].(float64)
	if d := time.Since(time.Unix(int64(issued), 0)); said["client_id"] == nil || d < -time.Minute || d > time.Minute {
		t.Errorf("client_id %v issued at %v", said["client_id"], issued)
	}
	if _, has := said["client_secret_expires_at"]; has || said["client_secret"] != nil || said["unknown_member"] != nil {
		t.Errorf("%v", said)
	}
	for _, method := range []string{"client_secret_basic", "client_secret_post"} {
		said := w.register(t, metadata{"token_endpoint_auth_method": method}).said
		if secret, _ := said["client_secret"].(string); said["token_endpoint_auth_method"] != method || len(secret) < 43 ||
			!cmp.Equal(said["client_secret_expires_at"], 0.0) {
			t.Errorf("%s: %v", method, said)
		}
	}
	w.registration(t, metadata{"redirect_uris": list("http://app.example/cb")}).refused(t, "plain http", 400, "invalid_redirect_uri")
	w.registration(t, metadata{"redirect_uris": list(usualRedirect), "token_endpoint_auth_method": "tls_client_auth"}).
		refused(t, "a method that is not there", 400, "invalid_client_metadata")
}

func applicationTypes(t *testing.T, w *world) {
	for _, test := range []struct {
		given     any
		redirects []any
		want      string
	}{
		{nil, list("http://localhost:1/cb"), "native"}, {nil, list("https://app.example/cb"), "web"},
		{nil, list("cursor://anysphere.cursor-mcp/oauth/callback", "http://localhost:8787/callback"), "native"},
		{nil, list("cursor://anysphere.cursor-mcp/oauth/callback", "https://www.cursor.com/cb"), "web"},
		{"web", list("http://localhost:1/cb"), "web"}, {"native", list("https://app.example/cb"), "native"},
	} {
		m := metadata{"redirect_uris": test.redirects}
		if test.given != nil {
			m["application_type"] = test.given
		}
		if got := w.register(t, m).said["application_type"]; got != test.want {
			t.Errorf("%v for %v: %v, want %s", test.given, test.redirects, got, test.want)
		}
	}
}

func runnableRedirects(t *testing.T, w *world) {
	for _, bad := range []string{
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:msgbox(1)", "file:///etc/passwd",
		"blob:https://app.example/x", "about:blank", "view-source:https://app.example/", " https://app.example/cb", "https://app.example/cb ",
		"\thttps://app.example/cb", "https://app.example/\ncb", "java\tscript:alert(1)", "https://app.example/\x00cb", "https://app .example/cb",
		"https://app.example/\u202ecb", "https://*.example/cb", "http://localhost:*/cb", "https://app.example/<script>", `https://app.example/"x`,
		"https://app.example\\@evil.example/", "https://user@app.example/cb", "https://", "", "x-javascript:alert(1)",
	} {
		w.registration(t, metadata{"redirect_uris": list(bad)}).refused(t, fmt.Sprintf("%q", bad), 400, "invalid_redirect_uri")
	}
}

func floods(t *testing.T, w *world) {
	body := func(padding int) string {
		text, err := json.Marshal(metadata{"redirect_uris": list(usualRedirect), "client_name": strings.Repeat("x", padding)})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	w.registration(t, body(10<<10)).object(t, 201)
	for _, size := range []int{17 << 10, 1 << 20} {
		if got := w.registration(t, body(size)); got.status != http.StatusRequestEntityTooLarge || got.object(t, 413)["error"] == nil {
			t.Errorf("%d bytes: %s", size, got)
		}
	}
	for n, want := range map[int]int{16: 201, 17: 400, 500: 400} {
		var many []string
		for i := range n {
			many = append(many, fmt.Sprintf("https://a.example/%d", i))
		}
		got := w.registration(t, metadata{"redirect_uris": many})
		if got.object(t, want); want == 400 {
			got.refused(t, fmt.Sprintf("%d redirect URIs", n), 400, "invalid_redirect_uri")
		}
	}
	// One address registers without end.
	refused := 0
	flooder := w.from("127.99.0.45")
	for _, got := range together(8, func() *answer {
		for range 60 {
			if got := flooder.registration(t, body(1)); got.status != http.StatusCreated {
				return got
			}
		}
		return nil
	}) {
		if got != nil {
			refused++
			tooMany(t, "a flood", got)
		}
	}
	if refused == 0 {
		t.Error("480 registrations of one address at once are all taken")
	}
	// Another registers slowly and uses none, where fewer are allowed: see local_test.go.
	few := w.at(t, "closed").from("127.99.0.46")
	for range unusedPerHour {
		few.app(t)
	}
	tooMany(t, "one unused client too many", few.registration(t, body(1)))
	few.from("127.99.0.47").app(t)
	w.app(t) // and nobody else is kept out by it
}

func tooMany(t *testing.T, what string, got *answer) {
	t.Helper()
	got.refused(t, what, http.StatusTooManyRequests, "too_many_requests")
	if wait, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || wait < 1 || wait > 3600 {
		t.Errorf("%s: Retry-After %q", what, got.header.Get("Retry-After"))
	}
}

func forgotten(t *testing.T, w *world) {
	used, unused := w.app(t), w.app(t)
	kept := w.browser(t).tokens(t, used)
	w.forward(60 * 24 * time.Hour)
	w.browser(t).tokens(t, used)
	w.forward(60 * 24 * time.Hour)
	w.browser(t).tokens(t, used) // who is used stays
	b := w.browser(t)
	b.get(t, unused.ask()).page(t, "a client that is gone", 400)
	unused.redeem(t, "dwc_x").refused(t, "a client that is gone", 401, "invalid_client")
	unused.refresh(t, kept.Refresh).refused(t, "a client that is gone", 401, "invalid_client")
	w.forward(100 * 24 * time.Hour)
	used.refresh(t, kept.Refresh).refused(t, "the other, later", 401, "invalid_client")
}

func nonsense(t *testing.T, w *world) {
	for _, test := range []struct{ body, code string }{
		{`{"redirect_uris": []}`, "invalid_redirect_uri"}, {`{}`, "invalid_redirect_uri"}, {`{"client_name":"x"}`, "invalid_redirect_uri"},
		{`{"redirect_uris": "https://app.example/cb"}`, "invalid_redirect_uri"}, {`{"redirect_uris": null}`, "invalid_redirect_uri"},
		{`{"redirect_uris": {"0":"https://app.example/cb"}}`, "invalid_redirect_uri"}, {`{"redirect_uris": [1]}`, "invalid_redirect_uri"},
		{`{"redirect_uris": [null]}`, "invalid_redirect_uri"}, {`{"redirect_uris": [["https://app.example/cb"]]}`, "invalid_redirect_uri"},
		{`{"redirect_uris": ["https://app.example/cb"], "grant_types": ["implicit"]}`, "invalid_client_metadata"},
		{`{"redirect_uris": ["https://app.example/cb"], "grant_types": ["client_credentials"]}`, "invalid_client_metadata"},
		{`{"redirect_uris": ["https://app.example/cb"], "response_types": ["token"]}`, "invalid_client_metadata"},
		{`{"redirect_uris": ["https://app.example/cb"], "client_name": null}`, "invalid_client_metadata"},
		{`{"redirect_uris": ["https://app.example/cb"], "client_name": 7}`, "invalid_client_metadata"},
		{`{"redirect_uris": ["https://app.example/cb"], "scope": ["a"]}`, "invalid_client_metadata"},
		{`{"redirect_uris": ["https://app.example/cb"], "contacts": "a"}`, "invalid_client_metadata"},
		{`{"redirect_uris": ["https://app.example/cb"], "logo_uri": null}`, "invalid_client_metadata"},
		{`{"redirect_uris": ["https://app.example/cb"], "application_type": "desktop"}`, "invalid_client_metadata"},
		{`{"redirect_uris": ["https://app.example/cb"], "token_endpoint_auth_method": null}`, "invalid_client_metadata"},
		{`{"redirect_uris": ["https://app.example/cb"]`, "invalid_client_metadata"}, {`[]`, "invalid_client_metadata"},
		{`null`, "invalid_client_metadata"}, {`"x"`, "invalid_client_metadata"}, {``, "invalid_client_metadata"},
	} {
		got := w.registration(t, test.body)
		got.refused(t, test.body, 400, test.code)
		if strings.Contains(got.body, "client_id\"") {
			t.Errorf("%s: a client is left behind: %s", test.body, got.body)
		}
	}
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded"} {
		w.do(t, http.MethodPost, "/oauth/register", `{"redirect_uris":["https://app.example/cb"]}`, "Content-Type", kind).
			refused(t, "as "+kind, 400, "invalid_client_metadata")
	}
}
