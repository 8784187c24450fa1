package cors

import (
	"net/http/httptest"
	"testing"
)

func TestD7PreflightAndAnswer(t *testing.T) {
	methods := []string{"DELETE", "GET", "POST"}
	r := httptest.NewRequest("OPTIONS", "/mcp/demo", nil)
	r.Header.Set("Origin", "https://app.example")
	r.Header.Set("Access-Control-Request-Headers", "authorization,mcp-param-x")
	w := httptest.NewRecorder()
	if !Allow(w, r, methods) || w.Code != 204 {
		t.Fatalf("preflight: %d", w.Code)
	}
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin":      "*",
		"Access-Control-Allow-Methods":     "DELETE, GET, POST",
		"Access-Control-Allow-Headers":     "authorization,mcp-param-x",
		"Access-Control-Allow-Credentials": "",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}

	r = httptest.NewRequest("POST", "/mcp/demo", nil)
	r.Header.Set("Origin", "https://app.example")
	w = httptest.NewRecorder()
	if Allow(w, r, methods) {
		t.Fatal("a POST was answered as a preflight")
	}
	if w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Access-Control-Expose-Headers") == "" {
		t.Errorf("headers = %v", w.Header())
	}
}

func TestPreflightReflectsOnlyHeaderNames(t *testing.T) {
	r := httptest.NewRequest("OPTIONS", "/mcp/demo", nil)
	r.Header.Set("Origin", "https://app.example")
	r.Header.Set("Access-Control-Request-Headers", "a;b")
	w := httptest.NewRecorder()
	Allow(w, r, nil)
	if got := w.Header().Get("Access-Control-Allow-Headers"); got != "" {
		t.Errorf("reflected %q", got)
	}
}

func TestNoOriginNoHeaders(t *testing.T) {
	w := httptest.NewRecorder()
	if Allow(w, httptest.NewRequest("POST", "/mcp/demo", nil), nil) || len(w.Header()) != 0 {
		t.Errorf("headers = %v", w.Header())
	}
}
