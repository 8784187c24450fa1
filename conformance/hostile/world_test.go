package hostile

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// waiting bounds what must happen soon, on a machine that does more.
const waiting = 30 * time.Second

// post sends a message and answers the status, 0 if there was no answer.
func post(t testing.TB, target, authorization, message string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Authorization": authorization, "Content-Type": "application/json",
		"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28",
		"Mcp-Method": "tools/call", "Mcp-Name": "echo",
	} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Errorf("post %s: %v", target, err)
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Errorf("post %s: %v", target, err)
	}
	return resp.StatusCode
}
