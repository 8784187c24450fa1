package secrets

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
)

// provider is an identity provider that sends everybody back at once, and then repeats to the gateway all that the
// gateway has told it, in whichever part of an answer its fault says.
type provider struct {
	*httptest.Server
	fault atomic.Pointer[providerFault]
}

// providerFault is one way in which a provider fails.
type providerFault struct {
	name string
	// code is what the gateway's log calls it.
	code string
	// token answers the token request. told is all that the request said. nil: it never gets that far.
	token func(w http.ResponseWriter, told string)
	// callback is added to what the browser brings back.
	callback url.Values
	// gone says that nobody listens any more when the gateway asks.
	gone bool
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := new(provider)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /oauth/authorize", p.authorize)
	mux.HandleFunc("POST /oauth/token", p.token)
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"keys":[]}`))
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	answer := url.Values{"state": query["state"], "code": {canary("provider-code")}}
	f := p.fault.Load()
	maps.Copy(answer, f.callback)
	if f.gone {
		_ = p.Listener.Close() // the gateway's next connection is refused
	}
	w.Header().Set("Connection", "close")
	http.Redirect(w, r, query.Get("redirect_uri")+"?"+answer.Encode(), http.StatusSeeOther)
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm() // what cannot be read is not repeated
	id, secret, _ := r.BasicAuth()
	w.Header().Set("Connection", "close")
	p.fault.Load().token(w, fmt.Sprintf("%s:%s %s %s", id, secret, r.Header.Get("Authorization"), r.PostForm.Encode()))
}

// providerFaults are in an order: after the last one nobody listens.
func providerFaults() []providerFault {
	answer := func(status int, contentType, format string, repeated func(string) string) func(http.ResponseWriter, string) {
		return func(w http.ResponseWriter, told string) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, format, repeated(told))
		}
	}
	whole := func(told string) string { return told }
	token := func(format string) func(http.ResponseWriter, string) {
		return answer(http.StatusOK, "application/json", `{"access_token":"`+canary("provider-access")+
			`","token_type":"Bearer","note":%q`+format+`}`, whole)
	}
	return []providerFault{
		{name: "a description that repeats the request", code: "invalid_grant",
			token: answer(http.StatusBadRequest, "application/json", `{"error":"invalid_grant","error_description":%q}`, whole)},
		{name: "an error code that is none", code: "token_endpoint_status",
			token: answer(http.StatusBadRequest, "application/json", `{"fault":%q}`, whole)},
		{name: "an error code that repeats the request", code: "unknown_error",
			token: answer(http.StatusBadRequest, "application/json", `{"error":%q,"clerk_trace_id":"a b"}`, whole)},
		{name: "a page that repeats the request", code: "token_endpoint_failed",
			token: answer(http.StatusInternalServerError, "text/html", "<pre>%s</pre>", whole)},
		{name: "text in place of JSON", code: "token_endpoint_malformed",
			token: answer(http.StatusOK, "application/json", "%s", whole)},
		{name: "no ID token", code: "id_token_missing", token: token("")},
		{name: "an ID token that is none", code: "id_token_malformed", token: token(`,"id_token":"` + canary("id-token") + `"`)},
		{name: "an ID token without a signature", code: "id_token_alg", token: token(`,"id_token":"` + jwt(`{"alg":"none"}`) + `"`)},
		{name: "an ID token of an unknown key", code: "id_token_signature",
			token: token(`,"id_token":"` + jwt(`{"alg":"RS256","kid":"k"}`) + `"`)},
		{name: "a redirect with the request in it", code: "token_endpoint_redirects", token: func(w http.ResponseWriter, told string) {
			w.Header().Set("Location", "https://elsewhere.example/?"+url.QueryEscape(told))
			w.WriteHeader(http.StatusTemporaryRedirect)
		}},
		{name: "something that is not HTTP", code: "token_endpoint_unreachable", token: raw("%s\r\n\r\n")},
		{name: "a header that is none", code: "token_endpoint_unreachable", token: raw("HTTP/1.1 200 OK\r\n@ %s\r\n\r\n")},
		{name: "a header that is one", code: "token_endpoint_malformed", token: raw("HTTP/1.1 200 OK\r\nX-Told: %s\r\n\r\n")},
		{name: "half an answer", code: "token_endpoint_unreachable", token: raw("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n%s")},
		{name: "no answer", code: "token_endpoint_unreachable", token: raw("")},
		{name: "an error on the way back", code: "access_denied", callback: url.Values{
			"error": {"access_denied"}, "error_description": {canary("callback-description")},
		}},
		{name: "an odd error on the way back", code: "unknown_error", callback: url.Values{"error": {canary("callback error")}}},
		{name: "another issuer on the way back", code: "issuer_mismatch",
			callback: url.Values{"iss": {"https://" + canary("callback-issuer")}}},
		{name: "nobody there", code: "token_endpoint_unreachable", gone: true},
	}
}

// jwt makes a token with a canary in it and a signature that nobody made.
func jwt(header string) string {
	signature := make([]byte, 256)
	_, _ = rand.Read(signature) // it never fails: see crypto/rand
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode([]byte(`{"sub":"`+canary("id-token-subject")+`"}`)) + "." + encode(signature)
}

// raw answers on the bare connection, and closes it.
func raw(format string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, told string) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func(c net.Conn) { _ = c.Close() }(conn)
		if format != "" {
			_, _ = fmt.Fprintf(conn, format, told)
		}
	}
}
