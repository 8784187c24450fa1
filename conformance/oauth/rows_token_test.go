package oauth

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"durward/conformance/clienthost"
)

func tokenRows() []row {
	return []row{
		{
			id: "A1", holds: "clients with a secret, with a key and without either get tokens by the one flow of OAuth 2.1, and refresh them",
			play: everyKindOfClient,
		},
		{
			id: "A47", holds: "a code is redeemed by its client, with its verifier, and at its redirect URI if one is said",
			play: func(t *testing.T, w *world) {
				a, b := w.app(t, "https://app.example/cb", "https://app.example/other"), w.browser(t)
				code := b.code(t, a)
				a.redeem(t, code, "redirect_uri", "https://app.example/other").refused(t, "another redirect URI", 400, "invalid_grant")
				a.redeem(t, code, "code_verifier", "").refused(t, "no verifier", 400, "invalid_grant")
				a.redeem(t, code, "code_verifier", strings.ToLower(a.verifier)).refused(t, "another verifier", 400, "invalid_grant")
				a.redeem(t, code, "code_verifier", s256(a.verifier)).refused(t, "the challenge itself", 400, "invalid_grant")
				a.redeem(t, code, "client_id", w.app(t).id).refused(t, "another client", 400, "invalid_grant")
				a.redeem(t, code).tokens(t)
				a.redeem(t, b.code(t, a), "redirect_uri", "").tokens(t)
			},
			breaks: []edit{{"policies/oauth/code.go", `case asked.Client != client.ID:`,
				`case client.ID == "":`}},
		},
		{
			id: "A48", holds: "a code that comes again with everything right ends what came of it, and with anything wrong ends nothing",
			play: func(t *testing.T, w *world) {
				a := w.app(t)
				code := w.browser(t).code(t, a)
				got := a.redeem(t, code).tokens(t)
				next := a.refresh(t, got.Refresh).tokens(t)
				a.redeem(t, code, "code_verifier", oauth2.GenerateVerifier()).refused(t, "again, wrong", 400, "invalid_grant")
				w.alive(t, "after a replay that was no valid one", next.Access)
				a.redeem(t, code).refused(t, "again, right", 400, "invalid_grant")
				w.dead(t, "the first token", got.Access)
				w.dead(t, "the refreshed token", next.Access)
				a.refresh(t, next.Refresh).refused(t, "its refresh token", 400, "invalid_grant")
			},
		},
		{
			id: "A49", holds: "whatever is wrong with a token request, the code is still good for the right one",
			play: func(t *testing.T, w *world) {
				a := w.app(t)
				code := w.browser(t).code(t, a)
				a.redeem(t, code, "resource", "https://evil.example/").refused(t, "resource", 400, "invalid_target")
				a.redeem(t, code, "redirect_uri", "https://evil.example/").refused(t, "redirect URI", 400, "invalid_grant")
				a.redeem(t, code, "client_id", "dw-NOBODY").refused(t, "client", 401, "invalid_client")
				a.redeem(t, code, "client_secret", "made up").refused(t, "a secret that it has not", 401, "invalid_client")
				a.redeem(t, code, "code_verifier", "x").refused(t, "verifier", 400, "invalid_grant")
				a.redeem(t, code, "grant_type", "refresh_token").refused(t, "grant type", 400, "invalid_request")
				w.alive(t, "its token", a.redeem(t, code).tokens(t).Access)
			},
		},
		{
			id: "A50", holds: "tokens come as JSON that nobody keeps, without a null; errors are 400, and 401 with a Basic challenge where Basic failed",
			play: tokenAnswers,
		},
		{
			id: "A51", holds: "a client says who it is by the method that it registered, and by no other",
			play: registeredMethods,
			breaks: []edit{{"policies/oauth/credential.go", `password, passwordErr := url.QueryUnescape(password)`,
				`password, passwordErr := password, error(nil)`}},
		},
		{
			id: "A52", holds: "the token endpoint reads forms and nothing else, and each parameter once",
			play: strictForms,
			breaks: []edit{{"policies/oauth/params.go", `err != nil || media != "application/x-www-form-urlencoded" {`,
				`err != nil || media == "text/plain" {`}},
		},
		{
			id: "A60", holds: "an access token lives a quarter of an hour, and says so",
			in: moved, play: func(t *testing.T, w *world) {
				got := w.browser(t).tokens(t, w.app(t))
				if got.ExpiresIn != 900 {
					t.Errorf("expires_in is %v", got.ExpiresIn)
				}
				w.forward(14 * time.Minute)
				w.alive(t, "after 14 minutes", got.Access)
				w.forward(2 * time.Minute)
				w.dead(t, "after 16 minutes", got.Access)
			},
			breaks: []edit{{"policies/oauth/token.go", `}, 0, now.Add(s.options.accessTTL))`,
				`}, 0, now.Add(24*s.options.accessTTL))`}},
		},
		{
			id: "A61", holds: "every client is given a refresh token, whatever it said of grant types and offline_access",
			play: func(t *testing.T, w *world) {
				for _, grants := range [][]any{list("authorization_code"), list("authorization_code", "refresh_token")} {
					a := w.register(t, metadata{"grant_types": grants})
					for _, scope := range []string{"mcp:tools", "mcp:tools offline_access"} {
						got := w.browser(t).tokens(t, a, "scope", scope)
						w.alive(t, "refreshed", a.refresh(t, got.Refresh).tokens(t).Access)
					}
				}
			},
		},
		{
			id: "S49", holds: "a code that comes twice, both times valid, is refused the second time, and the tokens of the first are dead",
			play: func(t *testing.T, w *world) {
				a := w.app(t)
				code := w.browser(t).code(t, a)
				got := a.redeem(t, code).tokens(t)
				w.alive(t, "before", got.Access)
				a.redeem(t, code).refused(t, "the second time", 400, "invalid_grant")
				w.dead(t, "after", got.Access)
				a.refresh(t, got.Refresh).refused(t, "its refresh token", 400, "invalid_grant")
			},
			breaks: []edit{{"policies/oauth/code.go", `if _, err := s.endGrant(ctx, code.Person.Key(), code.Grant, "code_replayed"); err != nil {`,
				`if err := ctx.Err(); err != nil {`}},
		},
		{
			id: "S50", holds: "a stolen code with a wrong verifier or client harms nobody, before as after the real exchange",
			play: func(t *testing.T, w *world) {
				a, thief := w.app(t), w.app(t)
				code := w.browser(t).code(t, a)
				steal := func() {
					t.Helper()
					a.redeem(t, code, "code_verifier", thief.verifier).refused(t, "wrong verifier", 400, "invalid_grant")
					thief.redeem(t, code).refused(t, "wrong client", 400, "invalid_grant")
					a.redeem(t, code[:len(code)-1]).refused(t, "a part of the code", 400, "invalid_grant")
				}
				steal()
				got := a.redeem(t, code).tokens(t)
				steal()
				w.alive(t, "the real one", got.Access)
				a.refresh(t, got.Refresh).tokens(t)
			},
			breaks: []edit{{"policies/oauth/code.go", `if err := s.checkCode(ctx, form, client, code); err != nil {`,
				`if err := s.checkCode(ctx, form, client, code); err != nil {
			if code.Data.Used {
				return tokenAnswer{}, s.replayedCode(ctx, code.Data)
			}`}},
		},
		{
			id: "S51", holds: "a code is no good to another client, at another redirect URI, and after ten minutes",
			in: moved, play: func(t *testing.T, w *world) {
				a, other, b := w.app(t), w.app(t), w.browser(t)
				code := b.code(t, a)
				other.redeem(t, code, "code_verifier", a.verifier).refused(t, "another client", 400, "invalid_grant")
				a.redeem(t, code, "redirect_uri", usualRedirect+"/x").refused(t, "another redirect URI", 400, "invalid_grant")
				w.forward(10 * time.Minute)
				a.redeem(t, code).refused(t, "after ten minutes", 400, "invalid_grant")
			},
			breaks: []edit{{"policies/oauth/code.go", `const codeLife = time.Minute`,
				`const codeLife = time.Hour`}},
		},
		{
			id: "S52", holds: "of redemptions of one code at the same time one succeeds", play: func(t *testing.T, w *world) {
				a := w.app(t)
				code := w.browser(t).code(t, a)
				answers := together(8, func() *answer { return a.redeem(t, code) })
				won := 0
				for _, got := range answers {
					if got.status == http.StatusOK {
						won++
						continue
					}
					got.refused(t, "a loser", 400, "invalid_grant")
				}
				if won != 1 {
					t.Errorf("%d succeed", won)
				}
			},
		},
		{
			id: "S59", holds: "a client of one method that uses another, or none, is invalid_client",
			play: otherMethods,
			breaks: []edit{{"policies/oauth/clientauth.go", `case !slices.Contains(found.AuthMethods, given.Method):`,
				`case !slices.Contains(found.AuthMethods, given.Method) && given.Method == methodNone:`}},
		},
		{
			id: "S60", holds: "odd content types, credentials and encodings are told in JSON with 400 or 401, and never a 500",
			play: oddRequests,
			breaks: []edit{{"policies/oauth/params.go", `values, err := url.ParseQuery(text)
	if err != nil {`,
				`values, err := url.ParseQuery(text)
	if err != nil && values == nil {`}},
		},
	}
}

// together does the same from several sides at once and answers what came of each.
func together(n int, do func() *answer) []*answer {
	answers := make([]*answer, n)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = do() })
	}
	all.Wait()
	return answers
}

func everyKindOfClient(t *testing.T, w *world) {
	key := clienthost.NewECKey(t, "one")
	for _, m := range []metadata{
		{"token_endpoint_auth_method": "none"}, {"token_endpoint_auth_method": "client_secret_basic"},
		{"token_endpoint_auth_method": "client_secret_post"},
		{"token_endpoint_auth_method": "private_key_jwt", "jwks": clienthost.Set(key)},
	} {
		a := w.register(t, m)
		a.key = key
		if a.method != m["token_endpoint_auth_method"] {
			t.Errorf("asked for %v, registered %v", m["token_endpoint_auth_method"], a.method)
		}
		got := w.browser(t).tokens(t, a)
		w.alive(t, a.method, got.Access)
		w.alive(t, a.method+", refreshed", a.refresh(t, got.Refresh).tokens(t).Access)
	}
}

func tokenAnswers(t *testing.T, w *world) {
	a := w.app(t)
	got := w.browser(t).tokens(t, a) // reads strictly
	if got.Scope != "mcp:tools offline_access" {
		t.Errorf("scope %q", got.Scope)
	}
	for what, test := range map[string]struct {
		got  *answer
		code string
	}{
		"no grant type":         {a.post(t, "/oauth/token", url.Values{}), "invalid_request"},
		"another grant type":    {a.post(t, "/oauth/token", url.Values{"grant_type": {"password"}}), "unsupported_grant_type"},
		"client credentials":    {a.post(t, "/oauth/token", url.Values{"grant_type": {"client_credentials"}}), "unsupported_grant_type"},
		"no code":               {a.redeem(t, ""), "invalid_request"},
		"an unknown code":       {a.redeem(t, "dwc_unknown"), "invalid_grant"},
		"no refresh token":      {a.refresh(t, ""), "invalid_request"},
		"an unknown one":        {a.refresh(t, "dwr_unknown"), "invalid_grant"},
		"no client":             {w.do(t, http.MethodPost, "/oauth/token", "grant_type=refresh_token&refresh_token=x", "Content-Type", formType), "invalid_request"},
		"a malformed parameter": {w.do(t, http.MethodPost, "/oauth/token", "grant_type=%zz", "Content-Type", formType), "invalid_request"},
	} {
		test.got.refused(t, what, 400, test.code)
	}
	unknown := *a
	unknown.id = "dw-NOBODY"
	plain := unknown.refresh(t, got.Refresh)
	plain.refused(t, "an unknown client", 401, "invalid_client")
	if plain.header.Get("WWW-Authenticate") != "" {
		t.Errorf("a client that sent no Authorization is challenged: %s", plain.header.Get("WWW-Authenticate"))
	}
	secret := w.register(t, metadata{"token_endpoint_auth_method": "client_secret_basic"})
	secret.secret = "wrong"
	refused := secret.refresh(t, got.Refresh)
	refused.refused(t, "a wrong secret", 401, "invalid_client")
	if !strings.HasPrefix(refused.header.Get("WWW-Authenticate"), "Basic realm=") {
		t.Errorf("WWW-Authenticate %q", refused.header.Get("WWW-Authenticate"))
	}
}

const formType = "application/x-www-form-urlencoded"

func registeredMethods(t *testing.T, w *world) {
	key, other := clienthost.NewKey(t, "one"), clienthost.NewKey(t, "one")
	for _, method := range []string{"none", "client_secret_basic", "client_secret_post", "private_key_jwt"} {
		m := metadata{"token_endpoint_auth_method": method}
		if method == "private_key_jwt" {
			m["jwks"] = clienthost.Set(key)
		}
		a := w.register(t, m)
		a.key = key
		got := w.browser(t).tokens(t, a)
		for _, wrong := range []string{"none", "client_secret_basic", "client_secret_post", "private_key_jwt"} {
			if wrong == method {
				continue
			}
			use := *a
			use.method = wrong
			if use.secret == "" {
				use.secret = "made up"
			}
			use.refresh(t, got.Refresh).refused(t, method+" by "+wrong, 401, "invalid_client")
		}
		switch use := *a; method {
		case "client_secret_basic", "client_secret_post":
			for _, secret := range []string{"", "wrong", a.secret + "x", strings.ToLower(a.secret)} {
				use.secret = secret
				use.refresh(t, got.Refresh).refused(t, method+" with "+secret, 401, "invalid_client")
			}
		case "private_key_jwt":
			use.key = other
			use.refresh(t, got.Refresh).refused(t, "by another key", 401, "invalid_client")
		}
		got = a.refresh(t, got.Refresh).tokens(t) // and none of it has used the token up
		switch method {
		case "client_secret_basic": // both are form-encoded, and may so be written in many ways
			odd := "Basic " + base64.StdEncoding.EncodeToString([]byte(escaped(a.id)+":"+escaped(a.secret)))
			form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}}
			w.do(t, http.MethodPost, "/oauth/token", form.Encode(), "Content-Type", formType, "Authorization", odd).tokens(t)
		case "private_key_jwt": // the audience of RFC 7523, beside the issuer
			a.refresh(t, got.Refresh, "client_assertion_type", clienthost.AssertionType,
				"client_assertion", key.Assert(t, clienthost.Claims(a.id, w.issuer()+"/oauth/token", nil))).tokens(t)
		}
	}
}

// escaped writes every character of a text as form encoding may.
func escaped(text string) string {
	var all strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&all, "%%%02x", c)
	}
	return all.String()
}

func strictForms(t *testing.T, w *world) {
	a := w.app(t)
	code := w.browser(t).code(t, a)
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {a.verifier}, "client_id": {a.id}}
	for _, kind := range []string{"", "application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencodedx"} {
		w.do(t, http.MethodPost, "/oauth/token", form.Encode(), "Content-Type", kind).refused(t, "as "+kind, 400, "invalid_request")
	}
	w.do(t, http.MethodPost, "/oauth/token?"+form.Encode(), "", "Content-Type", formType).refused(t, "in the URL", 400, "invalid_request")
	w.do(t, http.MethodPost, "/oauth/token", form.Encode(), "Content-Type", formType, "Content-Type", "application/json").
		refused(t, "two content types", 400, "invalid_request")
	for name := range form {
		twice := url.Values{name: form[name]}
		w.do(t, http.MethodPost, "/oauth/token", form.Encode()+"&"+twice.Encode(), "Content-Type", formType).
			refused(t, name+" twice", 400, "invalid_request")
	}
	w.do(t, http.MethodPost, "/oauth/token", form.Encode(), "Content-Type", "Application/X-WWW-Form-Urlencoded; charset=UTF-8").tokens(t)
}

func otherMethods(t *testing.T, w *world) {
	for method, others := range map[string][]string{
		"client_secret_basic": {"client_secret_post", "none"}, "client_secret_post": {"client_secret_basic", "none"}, "none": {"client_secret_basic", "client_secret_post"},
	} {
		a := w.register(t, metadata{"token_endpoint_auth_method": method})
		code := w.browser(t).code(t, a)
		for _, other := range others {
			use := *a
			use.method = other
			if use.secret == "" {
				use.secret = "made up"
			}
			got := use.redeem(t, code)
			got.refused(t, method+" by "+other, 401, "invalid_client")
			if basic := strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Basic "); basic != (other == "client_secret_basic") {
				t.Errorf("%s by %s: WWW-Authenticate %q", method, other, got.header.Get("WWW-Authenticate"))
			}
		}
		a.redeem(t, code).tokens(t)
	}
}

func oddRequests(t *testing.T, w *world) {
	a := w.app(t)
	secret := w.register(t, metadata{"token_endpoint_auth_method": "client_secret_basic"})
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"dwr_x"}, "client_id": {a.id}}.Encode()
	anonymous := "grant_type=refresh_token&refresh_token=dwr_x"
	for _, test := range []struct {
		body    string
		headers []string
		status  int
		code    string
	}{
		{form, []string{"Content-Type", "application/json, application/x-www-form-urlencoded"}, 400, "invalid_request"},
		{form, []string{"Content-Type", "application/x-www-form-urlencoded, application/json"}, 400, "invalid_request"},
		{form, []string{"Content-Type", ";"}, 400, "invalid_request"},
		{form + "&x=%", []string{"Content-Type", formType}, 400, "invalid_request"},
		{form + "&x=%g1", []string{"Content-Type", formType}, 400, "invalid_request"},
		{"\x00\xff\xfe", []string{"Content-Type", formType}, 400, "invalid_request"},
		{`{"grant_type":"refresh_token"}`, []string{"Content-Type", formType}, 400, "invalid_request"},
		{anonymous, []string{"Content-Type", formType, "Authorization", "Basic"}, 401, "invalid_client"},
		{anonymous, []string{"Content-Type", formType, "Authorization", "Basic !!!"}, 401, "invalid_client"},
		{anonymous, []string{"Content-Type", formType, "Authorization", "Basic bm9jb2xvbg=="}, 401, "invalid_client"},
		{anonymous, []string{"Content-Type", formType, "Authorization", "Basic OnNlY3JldA=="}, 401, "invalid_client"}, // no id
		{anonymous, []string{"Content-Type", formType, "Authorization", "Basic JXp6OiV6eg=="}, 401, "invalid_client"}, // %zz:%zz
		{anonymous, []string{"Content-Type", formType, "Authorization", "Bearer dwa_x"}, 401, "invalid_client"},
		{anonymous, []string{"Content-Type", formType, "Authorization", "Digest x"}, 401, "invalid_client"},
		{anonymous, []string{"Content-Type", formType, "Authorization", basic(secret.id, "%zz\x00")}, 401, "invalid_client"},
		{anonymous, []string{"Content-Type", formType, "Authorization", basic(secret.id, secret.secret) + ", " + basic(secret.id, "x")}, 401, "invalid_client"},
	} {
		w.do(t, http.MethodPost, "/oauth/token", test.body, test.headers...).
			refused(t, test.body+" "+strings.Join(test.headers, " "), test.status, test.code)
	}
}
