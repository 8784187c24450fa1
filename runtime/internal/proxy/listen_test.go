package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"durward/runtime/internal/ending"
	"durward/runtime/internal/passage"
	"durward/runtime/internal/proxy"
)

// G4: at the end of the credential what listens ends, and a call that has begun runs on. The gateway's clock says how
// long that is.
func TestG4_EndOfTheCredential(t *testing.T) {
	began := time.Now()
	now := func() time.Time { return time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC).Add(time.Since(began)) }
	for _, tt := range []struct {
		name, request string
		life          time.Duration // of the credential, from when the stream begins; 0: not known
		ends          bool
	}{
		{"GET", "", 20 * time.Millisecond, true},
		{"subscription that came late", listen, -time.Hour, true},
		{"GET of a credential without end", "", 0, false},
		{"subscription", listen, 20 * time.Millisecond, true},
		{"call", call, 20 * time.Millisecond, false},
		{"notification", note, 20 * time.Millisecond, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			on, gone := make(chan struct{}), make(chan struct{})
			w := make(ways, 1)
			g := newGateway(t, func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", "text/event-stream")
				http.NewResponseController(w).Flush()
				select {
				case <-on:
					event(w, "done")
				case <-r.Context().Done():
					close(gone)
				}
			}, func(o *proxy.Options) { o.Now = now }, func(next http.Handler) http.Handler {
				return passing(func(p *passage.Passage) {
					if tt.life != 0 {
						p.Expires = now().Add(tt.life)
					}
					w <- p
				})(next)
			})
			method := http.MethodPost
			if tt.request == "" {
				method = http.MethodGet
			}
			res := do(t, g.client, request(t, method, g.url, strings.NewReader(tt.request)))
			way := await(t, "the request", w)
			if tt.ends {
				if rest := readAll(t, res); rest != "" {
					t.Errorf("read %q", rest)
				}
				await(t, "cancelling the upstream", gone)
				return
			}
			// Longer than the life: had a timer been started, it would have ended the answer.
			late := make(chan struct{})
			time.AfterFunc(200*time.Millisecond, func() { close(late) })
			<-late
			close(on)
			if rest := readAll(t, res); rest != "data: done\n\n" {
				t.Errorf("read %q", rest)
			}
			if way.Cut != "" {
				t.Errorf("noted as %q", way.Cut)
			}
		})
	}
}

// When listeners are told to go what only listens ends in order, with or without a head, and calls go on.
func TestG4_ListenersAreToldToGo(t *testing.T) {
	for _, tt := range []struct {
		name, request string // no request: GET
		head          bool
		status        int
		read          string
	}{
		{"GET", "", true, http.StatusOK, "data: one\n\n"},
		{"GET without a head", "", false, http.StatusServiceUnavailable, jsonError("null", -32603, "the gateway has ended the call: try again")},
		{"subscription", listen, true, http.StatusOK, "data: one\n\n"},
		{"call", call, true, http.StatusOK, "data: one\n\ndata: done\n\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var listeners ending.Group
			there, told := make(chan struct{}), make(chan struct{})
			g := newGateway(t, func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", "text/event-stream")
				if tt.head {
					event(w, "one")
				}
				close(there)
				<-told
				if tt.request != call {
					<-r.Context().Done()
					return
				}
				event(w, "done")
			}, func(o *proxy.Options) { o.Listeners = &listeners }, passing(func(*passage.Passage) {}))
			tell := func() {
				<-there
				listeners.End(ending.Drained)
				close(told)
			}
			method := http.MethodPost
			if tt.request == "" {
				method = http.MethodGet
			}
			if !tt.head {
				go tell()
			}
			res := do(t, g.client, request(t, method, g.url, strings.NewReader(tt.request)))
			if tt.head {
				tell() // who joins later is told, too
			}
			if read := readAll(t, res); res.StatusCode != tt.status || read != tt.read {
				t.Errorf("answered %d %q, want %d %q", res.StatusCode, read, tt.status, tt.read)
			}
		})
	}
}

// A GET that the upstream leaves without an answer is told at the end of its credential what it needs now.
func TestG4_EndOfTheCredentialBeforeTheHead(t *testing.T) {
	t.Parallel()
	g := newGateway(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, nil,
		passing(func(p *passage.Passage) {
			p.Expires = time.Now().Add(20 * time.Millisecond)
			p.Judge = judge(func(w http.ResponseWriter) bool {
				w.WriteHeader(http.StatusUnauthorized)
				return true
			})
		}))
	if res := do(t, g.client, request(t, http.MethodGet, g.url, nil)); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("answered %d", res.StatusCode)
	}
}
