package client

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// reply is an answer, read.
type reply struct {
	status int
	header http.Header
	body   string
}

// ask sends one request. headers are names and values in turn.
func ask(t testing.TB, method, url, body string, headers ...string) reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	res := open(t, ctx, method, url, body, headers...)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return reply{res.StatusCode, res.Header, string(text)}
}

// open sends one request and leaves the answer's body to be read and closed.
func open(t testing.TB, ctx context.Context, method, url, body string, headers ...string) *http.Response {
	t.Helper()
	res, err := http.DefaultTransport.RoundTrip(newRequest(t, ctx, method, url, body, headers...))
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return res
}

// newRequest makes a request as MCP clients send them.
func newRequest(t testing.TB, ctx context.Context, method, url, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept", "application/json, text/event-stream")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}
