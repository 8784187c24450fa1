package hostile

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"

	"durward/conformance/hostile/kind"
)

// What a policy's process says is nonsense, or more than it may say. Nobody gets through by it, and who asked is told to
// try again.
func TestG7_NonsenseOnTheWire(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []Policy{{Name: "wire", Type: kind.Wire}})
	load := w.load("wire")
	for i, name := range kind.WireNames() {
		want, ok := used()[name]
		if !ok {
			want.decision, want.page = http.StatusServiceUnavailable, http.StatusServiceUnavailable
		}
		if got := w.ask("wire", name, address(i)); got != want.decision {
			t.Errorf("%s: as a decision: status %d, want %d", name, got, want.decision)
		}
		w.wantPageLike(name, want.page)
	}
	w.wantConnectionKept("framing")
	load.stop()
	load.wantAll(t, "wire", granted, http.StatusOK)
	if n := w.up.count("wire", "huge-ttl"); n != 1 {
		t.Errorf("what was allowed for ever got through %d times", n)
	}
	w.up.forget("wire/huge-ttl")
	if s := w.status("wire"); s.Restarts != 0 {
		t.Errorf("the policy's process was replaced %d times", s.Restarts)
	}
	w.wantBounded()
	w.wantUnmoved()
}

type statuses struct{ decision, page int }

// used is what is no nonsense, or not as a page, and is used as far as it goes.
func used() map[string]statuses {
	const refused, forbidden = http.StatusServiceUnavailable, http.StatusForbidden
	return map[string]statuses{
		"huge-ttl": {http.StatusOK, refused}, "foreign-cookie": {forbidden, forbidden}, "framing": {forbidden, forbidden},
		"allow-and-refuse": {refused, forbidden}, "respond-principal": {refused, forbidden},
	}
}

// wantPageLike has the policy answer its own path with the nonsense.
func (w *world) wantPageLike(name string, want int) {
	w.t.Helper()
	resp, err := w.client.Get(w.g.URL + "/wire/pid?" + name)
	if err != nil {
		w.t.Errorf("%s: as a page: %v", name, err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		w.t.Errorf("%s: as a page: status %d, want %d; %q, %v", name, resp.StatusCode, want, body, err)
	}
	if want == http.StatusForbidden && string(body) != "a page\n" {
		w.t.Errorf("%s: as a page: body %q", name, body)
	}
	for _, field := range []string{"Set-Cookie", "X-C", "Trailer", "Upgrade"} {
		if value := resp.Header.Get(field); value != "" {
			w.t.Errorf("%s: as a page: %s: %s", name, field, value)
		}
	}
	if slices.ContainsFunc(slices.Collect(maps.Keys(resp.Header)), func(n string) bool { return strings.ContainsAny(n, "\r\n: ") }) {
		w.t.Errorf("%s: as a page: header %v", name, resp.Header)
	}
}

// wantConnectionKept wants a page with the nonsense to leave the connection to whoever uses it next.
func (w *world) wantConnectionKept(name string) {
	w.t.Helper()
	own := &http.Transport{}
	defer own.CloseIdleConnections()
	kept := false
	ctx := httptrace.WithClientTrace(w.t.Context(), &httptrace.ClientTrace{
		GotConn: func(c httptrace.GotConnInfo) { kept = c.Reused },
	})
	for range 5 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.g.URL+"/wire/pid?"+name, nil)
		if err != nil {
			w.t.Fatal(err)
		}
		resp, err := (&http.Client{Transport: own}).Do(r)
		if err != nil {
			w.t.Errorf("%s: as a page: %v", name, err)
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body) // looked at elsewhere
		_ = resp.Body.Close()
	}
	if !kept {
		w.t.Errorf("%s: as a page: the connection was closed", name)
	}
}
