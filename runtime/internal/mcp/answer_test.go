package mcp_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"

	"durward/runtime/internal/mcp"

	"github.com/google/go-cmp/cmp"
)

func TestWriteError(t *testing.T) {
	for _, tt := range []struct {
		name string
		id   json.RawMessage
		want string
	}{
		{"number", json.RawMessage("7"), `{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"say \"no\""}}`},
		{"text", json.RawMessage(`"a\u0062"`), `{"jsonrpc":"2.0","id":"a\u0062","error":{"code":-32603,"message":"say \"no\""}}`},
		{"not known", nil, `{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"say \"no\""}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			w.Header().Set("Retry-After", "1")
			mcp.WriteError(w, 502, tt.id, mcp.CodeInternal, `say "no"`)
			res := w.Result()
			if res.StatusCode != 502 || w.Body.String() != tt.want {
				t.Errorf("got %d %s, want 502 %s", res.StatusCode, w.Body, tt.want)
			}
			for name, want := range map[string]string{
				"Content-Type": "application/json", "Cache-Control": "no-store", "Retry-After": "1",
				"X-Content-Type-Options": "nosniff",
			} {
				if diff := cmp.Diff(want, res.Header.Get(name)); diff != "" {
					t.Error(name, diff)
				}
			}
		})
	}
}

func TestErrorEvent(t *testing.T) {
	got := string(mcp.ErrorEvent(json.RawMessage("7"), mcp.CodeInternal, "line\nline"))
	want := "event: message\ndata: " + `{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"line\nline"}}` + "\n\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
