package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"
)

func handler(loopback bool, token string, ready error) http.Handler {
	return New(Options{
		Loopback:   loopback,
		Token:      func() string { return token },
		Ready:      func() error { return ready },
		Generation: func() any { return map[string]int{"number": 3} },
		Reload:     func(*http.Request) (any, bool) { return map[string]string{"result": "refused"}, false },
		Policy: func(name string) http.Handler {
			if name != "clerk" {
				return nil
			}
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("policy " + r.URL.Path)) })
		},
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("# EOF")) }),
	})
}

func TestAdmin(t *testing.T) {
	const token = "0123456789abcdef"
	for _, c := range []struct {
		name         string
		h            http.Handler
		method, path string
		host         string
		header       map[string]string
		code         int
		body         string
	}{
		{"alive", handler(true, "", nil), "GET", "/livez", "127.0.0.1:9001", nil, 200, "alive"},
		{"ready", handler(true, "", nil), "GET", "/readyz", "localhost:9001", nil, 200, "ready"},
		{"not ready", handler(true, "", errors.New("shutting down")), "GET", "/readyz", "127.0.0.1", nil, 503, "shutting down"},
		{"generation", handler(true, "", nil), "GET", "/-/generation", "[::1]:9001", nil, 200, `"number": 3`},
		{"a refused reload", handler(true, "", nil), "POST", "/-/reload", "127.0.0.1", nil, 422, "refused"},
		{"reload is no GET", handler(true, "", nil), "GET", "/-/reload", "127.0.0.1", nil, 405, ""},
		{"a policy's path", handler(true, "", nil), "GET", "/-/policies/clerk/clients", "127.0.0.1", nil, 200, "policy /clients"},
		{"another policy's", handler(true, "", nil), "GET", "/-/policies/other/clients", "127.0.0.1", nil, 404, "no such"},
		{"a page", handler(true, "", nil), "GET", "/livez", "127.0.0.1", map[string]string{"Origin": "http://127.0.0.1:9001"}, 403, "web page"},
		{"a rebound name", handler(true, "", nil), "GET", "/-/generation", "evil.example", nil, 421, "loopback names"},
		{"no token off loopback", handler(false, "", nil), "GET", "/-/generation", "127.0.0.1", nil, 403, "adminToken"},
		{"token wanted", handler(false, token, nil), "GET", "/-/generation", "127.0.0.1", nil, 401, "bearer"},
		{"wrong token", handler(false, token, nil), "POST", "/-/reload", "127.0.0.1", map[string]string{"Authorization": "Bearer 0123456789abcdeF"}, 401, "bearer"},
		{"right token", handler(false, token, nil), "GET", "/-/generation", "127.0.0.1", map[string]string{"Authorization": "bearer " + token}, 200, "number"},
		{"metrics", handler(true, "", nil), "GET", "/metrics", "127.0.0.1", nil, 200, "# EOF"},
		{"metrics want the token", handler(false, token, nil), "GET", "/metrics", "127.0.0.1", nil, 401, "bearer"},
		{"metrics off loopback", handler(false, "", nil), "GET", "/metrics", "127.0.0.1", nil, 403, "adminToken"},
		{"liveness needs none", handler(false, token, nil), "GET", "/livez", "127.0.0.1", nil, 200, "alive"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.path, nil)
			r.Host = c.host
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			c.h.ServeHTTP(w, r)
			if w.Code != c.code || !strings.Contains(w.Body.String(), c.body) {
				t.Errorf("%d %s, want %d with %q", w.Code, w.Body, c.code, c.body)
			}
		})
	}
}

// What a terminal would obey is escaped, and is the same to who reads JSON.
func TestAnswersAreVisible(t *testing.T) {
	const text = "a\x1b[31m\u009b31m\u202e\u00a0\U000e0041\x7fé<日\n"
	h := New(Options{Loopback: true, Token: func() string { return "" }, Generation: func() any { return map[string]string{"t": text} }})
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/-/generation", nil)
	r.Host = "localhost"
	h.ServeHTTP(w, r)
	body := w.Body.String()
	if i := strings.IndexFunc(body, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 || !strings.Contains(body, "é") {
		t.Errorf("byte %d of the answer is not to be seen: %q", i, body)
	}
	var got map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got["t"] != text {
		t.Errorf("the text is %q (%v), want %q", got["t"], err, text)
	}
}
