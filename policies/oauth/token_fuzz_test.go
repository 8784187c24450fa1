package oauth_test

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"durward/policies"
)

// What stands in fuzzed requests for what is another in every run.
const (
	publicInForm  = "PUBLIC"  // the id of a public client
	refreshInForm = "REFRESH" // its refresh token
	codeInForm    = "CODE"    // a code of its own, which has not been used
	secretIDIn    = "SERVICE" // the id of a client with a secret
	secretIn      = "SECRET"  // its secret
)

// tokenFuzz is a world with a public client that holds tokens, and one with a secret that holds none.
type tokenFuzz struct {
	*world
	held    tokens
	code    string
	service confidential
	calls   uint32
	// kept are the keys of what was there at first.
	kept map[string]bool
}

func newTokenFuzz(t *testing.T) *tokenFuzz {
	w := &tokenFuzz{world: newWorldWith(t, `{"clientId":"c","gateway":{"cimdEnabled":false}}`)}
	w.held = w.signIn("alice", "scope", "mcp:tools offline_access")
	w.code = w.codeFromSession(w.held.client)
	w.service = w.registerAs("client_secret_basic")
	w.kept = map[string]bool{}
	for _, record := range w.host.Store.Records() {
		w.kept[record.Key] = true
	}
	return w
}

// forget takes away what has been written since: no bound on how much there may be is in the way.
func (w *tokenFuzz) forget(t *testing.T) {
	t.Helper()
	for _, record := range w.host.Store.Records() {
		if w.kept[record.Key] {
			continue
		}
		if _, err := w.host.Store.Take(t.Context(), record.Key); err != nil {
			t.Fatal(err)
		}
	}
}

// fillIn puts what this run has in the place of the words for it.
func (w *tokenFuzz) fillIn(text string) string {
	return strings.NewReplacer(publicInForm, w.held.client, refreshInForm, w.held.refresh, codeInForm, w.code,
		secretIDIn, w.service.id, secretIn, w.service.secret).Replace(text)
}

// send posts a body as the host does, each time from another address: no limit is in the way.
func (w *tokenFuzz) send(t *testing.T, path, media, body, authorization string) answer {
	t.Helper()
	w.calls++
	address := netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, w.calls)))
	ctx := policies.WithCall(t.Context(), policies.Call{
		Time: w.host.Clock.Now(), Origin: origin, RequestID: "fuzz", ClientAddress: address.String(),
	})
	r := httptest.NewRequest(http.MethodPost, origin+path, strings.NewReader(body)).WithContext(ctx)
	r.Header.Set("Content-Type", media)
	if authorization != "" {
		r.Header["Authorization"] = []string{authorization}
	}
	out := httptest.NewRecorder()
	w.gateway.Policy.ServeHTTP(out, r)
	got := answer{out.Result(), out.Body.String()}
	if got.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s: an answer that may be kept: %v", path, got.Header)
	}
	return got
}

// token asks for tokens. Whatever was sent, the answer is one that a client can read.
func (w *tokenFuzz) token(t *testing.T, body, authorization string) answer {
	t.Helper()
	got := w.send(t, "/oauth/token", "application/x-www-form-urlencoded", body, authorization)
	if !slices.Contains([]int{http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized}, got.StatusCode) {
		t.Fatalf("answered %d %s", got.StatusCode, got.body)
	}
	if code, _ := got.json(t)["error"].(string); (code == "invalid_client") != (got.StatusCode == http.StatusUnauthorized) ||
		(code == "") != (got.StatusCode == http.StatusOK) {
		t.Fatalf("answered %d %s", got.StatusCode, got.body)
	}
	return got
}

// FuzzTokenForm sends forms to the token endpoint. Whatever they hold, no answer is a fault, and tokens come of those forms
// alone which a reading of its own takes for a refresh or a redemption by the client that holds the token or the code:
// of those that say nothing else, always, so that no form has used the code up that was not right (A49).
func FuzzTokenForm(f *testing.F) {
	for _, sound := range []func() url.Values{
		func() url.Values { return renewal(publicInForm, refreshInForm) },
		func() url.Values { return redemption(publicInForm, codeInForm) },
	} {
		f.Add(sound().Encode())
		for name, values := range map[string][]string{
			"grant_type":            {"", "password", "authorization_code", "refresh_token", "client_credentials"},
			"client_id":             {"", "dw-unknown", secretIDIn, "https://app.example/client.json", "\x00"},
			"client_secret":         {"", "x", secretIn},
			"client_assertion":      {"", "a.b.c", "e30.e30.e30"},
			"client_assertion_type": {"", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			"refresh_token":         {"", "dwr_x", "dwr_" + strings.Repeat("A", 48), codeInForm},
			"code":                  {"", "dwc_x", "dwc_" + strings.Repeat("x", 48), refreshInForm},
			"code_verifier":         {"", "x", strings.Repeat("v", 43), strings.Repeat("v", 129)},
			"redirect_uri":          {"", redirect, redirect + "/", "https://evil.example/cb"},
			"scope":                 {"", "mcp:tools", "offline_access mcp:tools", "admin", "\x00"},
			"resource":              {"", origin + "/mcp/demo", origin + "/mcp/demo/", origin, "https://evil.example/", "#"},
		} {
			for _, value := range values {
				f.Add(change(sound(), name, value).Encode())
				f.Add(sound().Encode() + "&" + name + "=" + url.QueryEscape(value)) // twice, for most
			}
		}
	}
	f.Add("a=%zz;b")
	f.Add("")
	var w *tokenFuzz
	f.Fuzz(func(t *testing.T, body string) {
		if w == nil {
			w = newTokenFuzz(t)
		}
		w.T = t
		body = w.fillIn(body)
		form, may, must := w.reads(body)
		got := w.token(t, body, "")
		if given := got.StatusCode == http.StatusOK; given && !may || !given && must {
			t.Errorf("%q: answered %d %s", body, got.StatusCode, got.body)
		}
		if got.StatusCode == http.StatusOK && form.Get("grant_type") == "authorization_code" {
			w.code = w.codeFromSession(w.held.client)
		}
	})
}

// reads reads a form anew, and says whether the public client may be given tokens for it, and whether it must.
func (w *tokenFuzz) reads(body string) (form url.Values, may, must bool) {
	form, err := url.ParseQuery(body)
	if err != nil || len(body) > 32<<10 {
		return nil, false, false
	}
	must = true
	for name, values := range form {
		form[name] = slices.DeleteFunc(values, func(value string) bool { return value == "" && name == "resource" })
		if len(form[name]) > 1 && (name != "resource" || slices.Max(values) != slices.Min(values)) ||
			!utf8.ValidString(name+strings.Join(values, "")) {
			return nil, false, false
		}
		must = must && slices.Contains([]string{
			"grant_type", "client_id", "refresh_token", "code", "code_verifier", "redirect_uri",
		}, name)
	}
	resource := form.Get("resource")
	may = form.Get("client_id") == w.held.client && form.Get("client_secret") == "" &&
		form.Get("client_assertion") == "" && form.Get("client_assertion_type") == "" &&
		(resource == "" || strings.HasPrefix(strings.ToLower(resource), origin))
	switch form.Get("grant_type") {
	case "refresh_token":
		may = may && form.Get("refresh_token") == w.held.refresh
		for scope := range strings.FieldsSeq(form.Get("scope")) {
			may = may && (scope == "mcp:tools" || scope == "offline_access")
		}
	case "authorization_code":
		at := form.Get("redirect_uri")
		may = may && form.Get("code") == w.code && form.Get("code_verifier") == verifier && (at == "" || at == redirect)
	default:
		may = false
	}
	return form, may, may && must
}

// FuzzAuthorizationHeader sends Authorization headers to the token endpoint, and pairs as HTTP Basic has them. Whatever
// they hold, no answer is a fault, and only the client's own id and secret, each form-encoded in some way, show that it
// is the client who calls.
func FuzzAuthorizationHeader(f *testing.F) {
	for _, header := range []string{
		"", "Basic", "Basic ", "basic eDp5", "Basic eDp5 ", "Basic  eDp5", "Basic eDp5,Basic eDp5", "Bearer x", "Basic !!!!",
		"Basic e", "\x00", "Basic eDp5\r\nX: y", "Digest username=\"x\"", "DPoP x", strings.Repeat("Basic ", 100),
	} {
		f.Add(header, secretIDIn+":"+secretIn)
	}
	for _, pair := range []string{
		"", ":", "a", "%:b", "a:%zz", secretIDIn, secretIDIn + ":", ":" + secretIn, secretIDIn + ":x" + secretIn,
		secretIDIn + ":" + secretIn + ":", "%53" + secretIDIn + ":" + secretIn, secretIDIn + "+:" + secretIn, "\x00:\xff",
		publicInForm + ":", publicInForm + ":x", secretIDIn + ":" + secretIn + "%00",
	} {
		f.Add("Basic eDp5", pair)
	}
	var w *tokenFuzz
	f.Fuzz(func(t *testing.T, header, pair string) {
		if w == nil {
			w = newTokenFuzz(t)
		}
		w.T = t
		pair = w.fillIn(pair)
		for _, header := range []string{w.fillIn(header), "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))} {
			got := w.token(t, "grant_type=refresh_token&refresh_token=dwr_x", header)
			known := got.json(t)["error"] == "invalid_grant"
			if known != w.isService(header) {
				t.Errorf("header %q: answered %d %s", header, got.StatusCode, got.body)
			}
			if challenged := got.Header.Get("WWW-Authenticate") != ""; challenged != (got.StatusCode == http.StatusUnauthorized) {
				t.Errorf("header %q: WWW-Authenticate %q", header, got.Header.Get("WWW-Authenticate"))
			}
		}
	})
}

// isService reads a header by net/http, with as many spaces after the scheme as there are.
func (w *tokenFuzz) isService(header string) bool {
	scheme, rest, _ := strings.Cut(header, " ")
	r := http.Request{Header: http.Header{"Authorization": {scheme + " " + strings.Trim(rest, " ")}}}
	id, secret, ok := r.BasicAuth()
	id, idErr := url.QueryUnescape(id)
	secret, secretErr := url.QueryUnescape(secret)
	return ok && idErr == nil && secretErr == nil && id == w.service.id && secret == w.service.secret
}
