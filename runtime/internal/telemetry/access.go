package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Request gathers what the access log says of a request. Those who handle it fill it in as they learn.
type Request struct {
	ID string
	// Client is the client's address, Route the matched route's id, Policy the policy that served a path itself.
	Client, Route, Policy string
	// Decision is where the chain's last decision came from.
	Decision string
	// Subject and ClientID name the principal.
	Subject, ClientID string
	// Ended is why the host ended the answer before its time, if it did.
	Ended      string
	Generation uint64
	// Meter counts the request.
	Meter *Meter
}

type requestKey struct{}

// RequestFrom answers the request that ctx belongs to. Outside of one it answers an empty one that nobody reads.
func RequestFrom(ctx context.Context) *Request {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok {
		return r
	}
	return new(Request)
}

// Identify gives a request an id, which the response carries as X-Request-Id. An id that the client sends is not taken
// over: ids lead a person to the log, so nobody else may choose them.
func Identify(w http.ResponseWriter, r *http.Request) (*http.Request, *Request) {
	req := &Request{ID: newID()}
	w.Header().Set("X-Request-Id", req.ID)
	return r.WithContext(context.WithValue(r.Context(), requestKey{}, req)), req
}

// AccessLog logs and counts each request that next answers, and gives it an id: see Identify. elsewhere counts what is
// given no meter on the way.
func AccessLog(logger *slog.Logger, now func() time.Time, elsewhere *Meter, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := now()
		r, req := Identify(w, r)
		req.Meter = elsewhere
		rec := &recorder{ResponseWriter: w}
		aborted := true
		defer func() {
			took := now().Sub(start)
			req.Meter.count(rec.status, rec.stream(), took)
			logger.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelInfo, "request",
				req.attrs(r, rec, took, aborted)...)
		}()
		next.ServeHTTP(rec, r)
		aborted = false
	})
}

func (q *Request) attrs(r *http.Request, rec *recorder, took time.Duration, aborted bool) []slog.Attr {
	attrs := make([]slog.Attr, 0, 14)
	attrs = append(attrs,
		slog.String(KeyRequest, q.ID),
		slog.String("method", r.Method),
		slog.String("path", r.URL.EscapedPath()),
		slog.Int("status", rec.status),
		slog.Int64("bytes", rec.bytes),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.Uint64(KeyGeneration, q.Generation))
	for _, a := range []struct{ key, value string }{
		{"client", q.Client}, {KeyRoute, q.Route}, {KeyPolicy, q.Policy}, {"decision", q.Decision},
		{"subject", q.Subject}, {"client_id", q.ClientID}, {"ended", q.Ended},
	} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.key, a.value))
		}
	}
	if aborted {
		attrs = append(attrs, slog.Bool("aborted", true))
	}
	return attrs
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails: see crypto/rand
	return hex.EncodeToString(b[:])
}

// recorder notes status and size. It has Unwrap, so that http.ResponseController reaches the writer beneath: without
// it nothing would flush.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// stream tells whether the answer is an event stream.
func (r *recorder) stream() bool {
	kind := r.Header()["Content-Type"]
	return len(kind) > 0 && strings.HasPrefix(kind[0], "text/event-stream")
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
