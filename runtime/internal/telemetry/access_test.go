package telemetry

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestG10AccessLogHoldsNoSecret(t *testing.T) {
	var out bytes.Buffer
	h := AccessLog(slog.New(slog.NewJSONHandler(&out, nil)), time.Now, nil, http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			q := RequestFrom(r.Context())
			q.Route, q.Subject = "demo", "user_1"
			w.WriteHeader(http.StatusAccepted)
			w.Write([]byte("canary-body"))
		}))
	r := httptest.NewRequest("POST", "/login/callback?code=canary-query", strings.NewReader("canary-body"))
	r.Header.Set("Authorization", "Bearer canary-token")
	r.Header.Set("X-Request-Id", "canary-id")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if strings.Contains(out.String(), "canary") {
		t.Fatalf("the access log holds a secret: %s", out.String())
	}
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"msg": "request", "status": 202.0, "bytes": 11.0, "route": "demo",
		"subject": "user_1", "path": "/login/callback", "request_id": w.Header().Get("X-Request-Id")} {
		if line[key] != want {
			t.Errorf("%s = %v, want %v", key, line[key], want)
		}
	}
	if len(w.Header().Get("X-Request-Id")) != 32 {
		t.Errorf("X-Request-Id = %q", w.Header().Get("X-Request-Id"))
	}
}

func TestAccessLogLetsFlushAndAbortThrough(t *testing.T) {
	var out bytes.Buffer
	h := AccessLog(slog.New(slog.NewJSONHandler(&out, nil)), time.Now, nil, http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Errorf("flush: %v", err)
			}
			panic(http.ErrAbortHandler)
		}))
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if recover() != http.ErrAbortHandler {
				t.Error("ErrAbortHandler did not pass through")
			}
		}()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	}()
	if !w.Flushed {
		t.Error("not flushed")
	}
	if !strings.Contains(out.String(), `"aborted":true`) {
		t.Errorf("the line does not say that the answer was aborted: %s", out.String())
	}
}
