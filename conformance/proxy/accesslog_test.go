package proxy

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// logged is what a line of the access log must say.
type logged struct {
	Msg     string `json:"msg"`
	ID      string `json:"request_id"`
	Method  string `json:"method"`
	Path    string `json:"path"`
	Status  int    `json:"status"`
	Route   string `json:"route"`
	Aborted bool   `json:"aborted"`
}

func TestOneAccessLogLineForEachRequest(t *testing.T) {
	upstream, _ := serve(t, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		switch string(body) {
		case "broken":
			w.Header().Set("Content-Type", "text/event-stream")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "refused":
			w.WriteHeader(http.StatusForbidden)
		default:
			_, _ = w.Write(body)
		}
	}))
	h := start(t, upstream, nil)
	origin := strings.TrimSuffix(h.url, route)
	c := newClient(t)

	want := map[string]logged{}
	for _, one := range []struct {
		method, path, body string
		header             [2]string
		line               logged
	}{
		{"POST", route, "a", [2]string{}, logged{Status: 200, Route: "open"}},
		{"POST", route, "chosen by the client", [2]string{"X-Request-Id", "mine"}, logged{Status: 200, Route: "open"}},
		{"GET", route + "?query=secret-query", "", [2]string{}, logged{Status: 200, Route: "open"}},
		{"DELETE", route, "", [2]string{}, logged{Status: 200, Route: "open"}},
		{"POST", route, "refused", [2]string{}, logged{Status: 502, Route: "open"}},
		{"POST", route, "broken", [2]string{}, logged{Status: 200, Route: "open", Aborted: true}},
		{"POST", route, strings.Repeat(" ", 5<<20), [2]string{}, logged{Status: 413, Route: "open"}},
		{"PUT", route, "", [2]string{}, logged{Status: 405}},
		{"OPTIONS", route, "", [2]string{"Origin", "http://localhost:1"}, logged{Status: 204}},
		{"POST", route, "a", [2]string{"Origin", "https://evil.example"}, logged{Status: 403}},
		{"GET", "/nothing", "", [2]string{}, logged{Status: 404}},
		{"GET", "/%2e%2e/secret", "", [2]string{"Host", "evil.example"}, logged{Status: 421}},
	} {
		res := plain(t, within(t), c, one.method, origin+one.path, one.body, one.header)
		line := one.line
		line.Msg, line.Method, line.ID = "request", one.method, res.Header.Get("X-Request-Id")
		line.Path, _, _ = strings.Cut(one.path, "?")
		if _, again := want[line.ID]; again || len(line.ID) < 16 || line.ID == "mine" {
			t.Errorf("%s %s: request id %q", one.method, one.path, line.ID)
		}
		if res.StatusCode != line.Status {
			t.Errorf("%s %s: %s", one.method, one.path, res.Status)
		}
		want[line.ID] = line
	}
	h.stop()

	got := map[string]logged{}
	for lines := bufio.NewScanner(&h.log); lines.Scan(); {
		if strings.Contains(lines.Text(), "secret-query") {
			t.Errorf("a line holds a query: %s", lines.Text())
		}
		var line logged
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Msg != "request" {
			continue
		}
		if _, twice := got[line.ID]; twice {
			t.Errorf("two lines of one request: %s", lines.Text())
		}
		got[line.ID] = line
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("access log (-want +got):\n%s", diff)
	}
}

// plain sends a request and reads the answer as far as it goes.
func plain(t *testing.T, ctx context.Context, c *http.Client, method, url, body string, header [2]string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	switch header[0] {
	case "":
	case "Host":
		r.Host = header[1]
	default:
		r.Header.Set(header[0], header[1])
	}
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body) // one of them breaks off
	return res
}
