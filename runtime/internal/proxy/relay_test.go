package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"durward/runtime/internal/ending"
	"durward/runtime/internal/passage"
)

// body gives its pieces one by one, whatever becomes of the call, as an HTTP/2 body does with what it has in memory.
type body struct {
	pieces []string
	read   func(n int) // before each
	n      int
}

func (b *body) Read(to []byte) (int, error) {
	b.read(b.n)
	if b.n == len(b.pieces) {
		return 0, io.EOF
	}
	b.n++
	return copy(to, b.pieces[b.n-1]), nil
}

func (b *body) Close() error { return nil }

// G4: what the upstream has sent of an answer before it was ended does not go on behind its end, however much that is.
func TestG4_NothingBehindTheEnd(t *testing.T) {
	for _, tt := range []struct {
		name, kind string
		pieces     []string
		endAt      int // is read
		want       string
		cut        ending.Reason
		aborts     bool
	}{
		{name: "document", kind: "application/json", pieces: []string{`{"a":`, `1`, `}`}, endAt: 1, want: `{"a":`,
			cut: ending.Revoked, aborts: true},
		{name: "document that was whole", kind: "application/json", pieces: []string{`{"a":`, `1}`}, endAt: 2, want: `{"a":1}`},
		{name: "stream", kind: "text/event-stream", pieces: []string{"data: one\n\n", "data: two\n\n"}, endAt: 1,
			want: "data: one\n\n", cut: ending.Revoked},
		{name: "stream that was whole", kind: "text/event-stream", pieces: []string{"data: one\n\n"}, endAt: 1,
			want: "data: one\n\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := New(Options{}).(*handler)
			way := new(passage.Passage)
			w := httptest.NewRecorder()
			x := &exchange{w: w, method: http.MethodGet, way: way}
			x.ctx, x.cancel = context.WithCancelCause(t.Context())
			way.OnEnd(x.cancel)
			from := &body{pieces: tt.pieces, read: func(n int) {
				if n == tt.endAt {
					way.End(ending.Revoked)
				}
			}}
			res := &http.Response{Header: http.Header{"Content-Type": {tt.kind}}, Body: from, ContentLength: -1}
			defer func() {
				err, _ := recover().(error)
				if aborts := errors.Is(err, http.ErrAbortHandler); aborts != tt.aborts || w.Body.String() != tt.want {
					t.Errorf("sent %q, broken off: %v; want %q, %v", w.Body, aborts, tt.want, tt.aborts)
				}
				if way.Cut != tt.cut {
					t.Errorf("noted as %q, want %q", way.Cut, tt.cut)
				}
			}()
			if isEventStream(res.Header) {
				h.relayEvents(x, res)
				return
			}
			h.relay(x, res)
		})
	}
}
