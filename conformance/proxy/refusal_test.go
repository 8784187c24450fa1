package proxy

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fault is a JSON-RPC error as clients read it.
type fault struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Error   struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// refused answers the JSON-RPC error of an answer that must be one.
func refused(t *testing.T, res *http.Response, status int) fault {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != status || res.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s, %s, want %d and JSON", res.Status, res.Header.Get("Content-Type"), status)
	}
	var f fault
	if err := json.Unmarshal(body, &f); err != nil || f.JSONRPC != "2.0" || f.Error.Code == 0 || f.Error.Message == "" {
		t.Fatalf("the body is no JSON-RPC error: %s", body)
	}
	return f
}

func TestUpstreamDownIs502WithTheRequestsID(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	down := "http://" + l.Addr().String() + "/secret-path/secret-key"
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	h := start(t, down, nil)
	tests := map[string]struct{ body, id string }{
		"a number":            {`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"id":8}}`, "7"},
		"a text":              {`{"id":"a\u002db","jsonrpc":"2.0","method":"tools/list"}`, `"a\u002db"`},
		"a notification":      {`{"jsonrpc":"2.0","method":"notifications/initialized"}`, "null"},
		"an answer":           {`{"jsonrpc":"2.0","id":7,"result":{}}`, "null"},
		"nothing of the sort": {`<html>`, "null"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			res, err := newClient(t).Do(request(t, within(t), http.MethodPost, h.url, test.body))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			f := refused(t, res, http.StatusBadGateway)
			if diff := cmp.Diff(test.id, string(f.ID)); diff != "" {
				t.Errorf("id (-want +got):\n%s", diff)
			}
			if strings.Contains(f.Error.Message, "127.0.0.1") {
				t.Errorf("the client is told of the upstream: %s", f.Error.Message)
			}
		})
	}
	h.stop()
	if bytes.Contains(h.log.Bytes(), []byte("secret-")) {
		t.Errorf("the log holds more of the upstream's URL than its host:\n%s", h.log.Bytes())
	}
}

// D6, S75: relayed, such an answer would send the client to sign in elsewhere, or wherever the upstream says.
func TestD6_UpstreamRefusalsAndRedirectsAre502(t *testing.T) {
	for _, status := range []int{301, 302, 307, 308, 401, 403, 407} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			u, upstream := record(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "https://evil.example/")
				w.Header().Set("WWW-Authenticate", `Bearer resource_metadata="https://evil.example/"`)
				w.WriteHeader(status)
				_, _ = io.WriteString(w, "evil")
			})
			h := start(t, upstream, nil)
			r := request(t, within(t), http.MethodPost, h.url, `{"jsonrpc":"2.0","id":"x","method":"tools/list"}`)
			res, body, _ := u.do(t, r)
			res.Body = io.NopCloser(strings.NewReader(body))
			f := refused(t, res, http.StatusBadGateway)
			if string(f.ID) != `"x"` || strings.Contains(body, "evil") {
				t.Errorf("%s", body)
			}
			for name, values := range res.Header {
				if strings.Contains(strings.Join(values, " "), "evil") {
					t.Errorf("%s: %q reaches the client", name, values)
				}
			}
		})
	}
}

// An upstream that breaks off must not pass for one that has finished.
func TestAnAnswerThatBreaksOffIsSeenToBreakOff(t *testing.T) {
	for _, kind := range []string{"text/event-stream", "application/json"} {
		t.Run(kind, func(t *testing.T) {
			upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", kind)
				_, _ = io.WriteString(w, "data: 1\n\n")
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}))
			t.Cleanup(upstream.Close)
			h := start(t, upstream.URL, nil)
			res, err := newClient(t).Do(request(t, within(t), http.MethodPost, h.url, "{}"))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if body, err := io.ReadAll(res.Body); err == nil {
				t.Errorf("the client takes %q for the whole answer", body)
			}
			h.stop()
			if n := bytes.Count(h.log.Bytes(), []byte(`"msg":"upstream broke off"`)); n != 1 {
				t.Errorf("the log tells of it %d times", n)
			}
		})
	}
}
