package runtime

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
)

// G7: what frames an answer is the server's. A policy that says otherwise costs no client its connection.
func TestG7_PolicyDoesNotFrameItsAnswer(t *testing.T) {
	for name, header := range map[string]http.Header{
		"too long":    {"Content-Length": {"999999"}},
		"too short":   {"content-length": {"1"}},
		"both":        {"Content-Length": {"999999"}, "Transfer-Encoding": {"chunked"}},
		"closing":     {"Connection": {"close"}},
		"a trailer":   {"Trailer": {"X-Late"}},
		"another one": {"Upgrade": {"websocket"}, "Connection": {"upgrade"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header["X-Own"] = []string{"kept"}
			connections := make(map[string]bool)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				connections[r.RemoteAddr] = true
				writeResponse(w, &policies.Response{Status: http.StatusForbidden, Header: header, Body: []byte("a page\n")})
			}))
			t.Cleanup(server.Close)
			for range 3 {
				resp, err := server.Client().Get(server.URL)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || string(body) != "a page\n" || resp.Header.Get("X-Own") != "kept" || resp.Close {
					t.Errorf("body %q, header %v, closes %v, %v", body, resp.Header, resp.Close, err)
				}
				for _, field := range []string{"Trailer", "Upgrade"} {
					if resp.Header.Get(field) != "" || len(resp.Trailer) > 0 {
						t.Errorf("header %v, trailer %v", resp.Header, resp.Trailer)
					}
				}
			}
			server.Close()
			if len(connections) != 1 {
				t.Errorf("three requests took %d connections", len(connections))
			}
		})
	}
}

// D7: which pages may read an answer on a route the host alone says, and what answers depend on is the sum of what both say.
func TestD7_PolicyDoesNotSpeakToBrowsers(t *testing.T) {
	header := http.Header{"Vary": {"Accept"}, "Access-Control-Allow-Origin": {"*"}, "access-control-allow-credentials": {"true"}, "X-Own": {"kept"}}
	hostsCORS(header)
	w := httptest.NewRecorder()
	w.Header().Set("Vary", "Origin")
	w.Header().Set("Access-Control-Allow-Origin", "https://app.example")
	writeResponse(w, &policies.Response{Status: http.StatusUnauthorized, Header: header})
	want := http.Header{"Vary": {"Origin", "Accept"}, "Access-Control-Allow-Origin": {"https://app.example"}, "X-Own": {"kept"}}
	if diff := cmp.Diff(want, w.Header()); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}
