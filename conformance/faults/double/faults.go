package double

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Fault is one way in which a provider may fail, or do what few providers do.
type Fault struct {
	// Name is what Fail takes.
	Name string
	// Harmless says that people sign in all the same.
	Harmless bool
	// Callback says that the fault is in what the browser brings back.
	Callback bool
	// Keys says that the fault shows only where the key set is fetched, for which another key signs from now on. Quiet
	// says that a gateway which met it leaves the key set alone for a while: the next fault of that kind needs another
	// gateway, or a policy that was started anew.
	Keys, Quiet bool

	// callback changes what the browser brings back.
	callback func(url.Values)
	// token answers the token request in place of the provider, keys the request for the key set.
	token, keys func(http.ResponseWriter, *request)
	// idToken changes the ID token before it is signed, answer what it is answered in.
	idToken func(*idToken)
	answer  func(map[string]any)
	// rotate has another key sign from now on; with unpublished the key set does not say so.
	rotate, unpublished bool
}

// request is a call to the provider, which may be left without an answer.
type request struct {
	*http.Request
	closed <-chan struct{}
}

// hang waits until the other side gives up, or the test ends.
func (r *request) hang() {
	select {
	case <-r.Context().Done():
	case <-r.closed:
	}
}

// Faults lists every fault, those of the callback first, then those of the token endpoint, the ID token and the keys.
func Faults() []Fault {
	all := callbackFaults()
	all = append(all, endpointFaults()...)
	all = append(all, idTokenFaults()...)
	return append(all, keyFaults()...)
}

func callbackFaults() []Fault {
	failed := func(name, code string, trace string) Fault {
		return Fault{Name: "callback: " + name, Callback: true, callback: func(v url.Values) {
			v.Del("code")
			v.Set("error", code)
			v.Set("error_description", "The description repeats "+v.Get("state")+".")
			if trace != "" {
				v.Set("clerk_trace_id", trace)
			}
		}}
	}
	with := func(name string, change func(url.Values)) Fault {
		return Fault{Name: "callback: " + name, Callback: true, callback: change}
	}
	extra := with("parameters that nobody knows", func(v url.Values) {
		v.Set("session_state", "x")
		v.Add("scope", "profile")
		v.Set("__clerk_status", "ok")
	})
	extra.Harmless = true
	return []Fault{
		failed("the person refuses", "access_denied", ""),
		failed("a scope is not ticked", "invalid_scope", ""),
		failed("the client is not allowed", "unauthorized_client", ""),
		failed("state too weak, as fosite says", "invalid_state", ""),
		failed("server error", "server_error", Trace),
		failed("an error that nobody knows", "organization_suspended", Trace),
		failed("an error in markup", "<script>alert(1)</script>", "<b>"),
		with("neither code nor error", func(v url.Values) { v.Del("code") }),
		with("two codes", func(v url.Values) { v.Add("code", "another") }),
		with("another issuer", func(v url.Values) { v.Set("iss", "https://elsewhere.example") }),
		extra,
	}
}

func endpointFaults() []Fault {
	own := `{"errors":[{"code":"too_many_requests","message":"Too many requests.","long_message":"Wait."}],` +
		`"meta":{},"clerk_trace_id":"` + Trace + `"}`
	rfc := func(code string) string {
		return `{"error":"` + code + `","error_description":"no.","clerk_trace_id":"` + Trace + `"}`
	}
	answer := func(name string, status int, kind, body string, header ...string) Fault {
		return Fault{Name: "token endpoint: " + name, token: says(status, kind, body, header...)}
	}
	page := "<!doctype html><title>Sign in</title><h1>Welcome</h1>"
	return []Fault{
		answer("invalid_grant under 400", 400, "application/json", rfc("invalid_grant")),
		answer("invalid_grant under 401", 401, "application/json", rfc("invalid_grant")),
		answer("invalid_client under 400", 400, "application/json", rfc("invalid_client")),
		answer("invalid_client under 401", 401, "application/json", rfc("invalid_client")),
		answer("an error that nobody knows", 400, "application/json", rfc("organization_suspended")),
		answer("429 with Retry-After", 429, "application/json", own, "Retry-After", "7"),
		answer("429 without Retry-After", 429, "text/plain", "slow down"),
		answer("400 in Clerk's own shape", 400, "application/json", own),
		answer("500 in Clerk's own shape", 500, "application/json", own),
		answer("502 with a page", 502, "text/html", page),
		answer("503 with Retry-After", 503, "text/html", page, "Retry-After", "1200"),
		answer("503 with an error that nobody knows", 503, "application/json", `{"error":"overloaded"}`, "Retry-After", "1200"),
		answer("404", 404, "text/html", page),
		answer("404 in JSON", 404, "application/json", `{"error":"Not Found"}`),
		answer("a page", 200, "text/html; charset=utf-8", page),
		answer("broken JSON", 200, "application/json", `{"access_token":"oat_1","id_token":"ey`),
		{Name: "token endpoint: too much", token: tooMuch},
		answer("redirect 302", 302, "text/html", "", "Location", "https://elsewhere.example/oauth/token"),
		answer("redirect 307", 307, "text/html", "", "Location", "https://elsewhere.example/oauth/token"),
		{Name: "token endpoint: no answer", token: func(_ http.ResponseWriter, r *request) { r.hang() }},
		{Name: "token endpoint: half an answer", token: half},
		{Name: "token endpoint: the connection is cut", token: func(http.ResponseWriter, *request) { panic(http.ErrAbortHandler) }},
		{Name: "token endpoint: repeats the client secret", token: repeats(func(r *request) string {
			_, secret, _ := r.BasicAuth()
			return secret
		})},
		{Name: "token endpoint: repeats the credentials as they were sent", token: repeats(func(r *request) string {
			return strings.TrimRight(strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "), "=")
		})},
		{Name: "token endpoint: repeats the code", token: repeats(func(r *request) string { return r.PostForm.Get("code") })},
		{Name: "token endpoint: no id_token", answer: func(a map[string]any) { delete(a, "id_token") }},
		{Name: "token endpoint: token_type in capitals", Harmless: true, answer: func(a map[string]any) { a["token_type"] = "BEARER" }},
		{Name: "token endpoint: another token_type", answer: func(a map[string]any) { a["token_type"] = "DPoP" }},
	}
}

func idTokenFaults() []Fault {
	with := func(name string, change func(*idToken)) Fault {
		return Fault{Name: "ID token: " + name, idToken: change}
	}
	claim := func(name, claim string, value any) Fault {
		return with(name, func(t *idToken) {
			t.claims[claim] = value
			if value == nil {
				delete(t.claims, claim)
			}
		})
	}
	harmless := func(f Fault) Fault { f.Harmless = true; return f }
	now := time.Now()
	return []Fault{
		with("an access token", func(t *idToken) { t.typ = "at+jwt" }),
		with("no signature", func(t *idToken) { t.alg = unsigned }),
		with("HS256 with the public key", func(t *idToken) { t.alg = jose.HS256 }),
		with("another algorithm", func(t *idToken) { t.alg = jose.RS512 }),
		claim("another issuer", "iss", "https://elsewhere.example"),
		claim("another audience", "aud", "client_elsewhere"),
		claim("issued to another client", "azp", "client_elsewhere"),
		claim("expired", "exp", now.Add(-2*time.Minute).Unix()),
		claim("from the future", "iat", now.Add(24*time.Hour).Unix()),
		claim("no nonce", "nonce", nil),
		claim("another login's nonce", "nonce", "bm9uY2Utb2YtYW5vdGhlci1sb2dpbg"),
		claim("no sub", "sub", nil),
		harmless(claim("no email", "email", nil)),
		harmless(with("aud in an array", func(t *idToken) { t.claims["aud"] = []any{t.claims["aud"]} })),
	}
}

func keyFaults() []Fault {
	answer := func(name string, with func(http.ResponseWriter, *request)) Fault {
		return Fault{Name: "keys: " + name, Keys: true, rotate: true, keys: with}
	}
	quiet := func(f Fault) Fault { f.Quiet = true; return f }
	return []Fault{
		answer("500", says(500, "text/plain", "down")),
		answer("404", says(404, "text/plain", "nothing here")),
		answer("too much", tooMuch),
		answer("a page", says(200, "text/html", "<!doctype html><title>Welcome</title>")),
		answer("redirect 302", says(302, "text/html", "", "Location", "https://elsewhere.example/keys")),
		answer("no answer", func(_ http.ResponseWriter, r *request) { r.hang() }),
		answer("half an answer", half),
		quiet(answer("429 with Retry-After", says(429, "application/json",
			`{"errors":[],"clerk_trace_id":"`+Trace+`"}`, "Retry-After", "7"))),
		quiet(Fault{Name: "keys: one that is in no key set", Keys: true, rotate: true, unpublished: true}),
		quiet(Fault{Name: "keys: rotated", Keys: true, rotate: true, Harmless: true}),
	}
}

// says answers always the same. header are names and values in turn.
func says(status int, kind, body string, header ...string) func(http.ResponseWriter, *request) {
	return func(w http.ResponseWriter, _ *request) {
		w.Header().Set("Content-Type", kind)
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // whoever asked may have heard enough
	}
}

// half begins an answer and does not end it.
func half(w http.ResponseWriter, r *request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"access_token":"oat_1","keys":[`)
	_ = http.NewResponseController(w).Flush()
	r.hang()
}

// repeats answers an error whose code and trace are what it was told in confidence.
func repeats(what func(*request) string) func(http.ResponseWriter, *request) {
	return func(w http.ResponseWriter, r *request) {
		told := what(r)
		writeJSON(w, http.StatusBadRequest, map[string]string{
			"error": told, "error_description": told, "clerk_trace_id": told,
		})
	}
}

// tooMuch is an answer that is right but for its size.
func tooMuch(w http.ResponseWriter, r *request) {
	says(200, "application/json", `{"access_token":"oat_1","token_type":"Bearer","keys":[],"more":"`+
		strings.Repeat("x", 2<<20)+`"}`)(w, r)
}
