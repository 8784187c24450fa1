package proxy_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"durward/runtime/internal/proxy"
)

func TestG4_DrainBeforeTheHead(t *testing.T) {
	drain, end := context.WithCancel(t.Context())
	called, gone := make(chan struct{}), make(chan struct{})
	g := newGateway(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		close(called)
		<-r.Context().Done()
		close(gone)
	}, nil, drainable(drain))
	go func() {
		<-called
		end()
	}()
	res := g.post(t, nil, call)
	want := jsonError(`"call-1"`, -32603, "the gateway has ended the call: try again")
	if got := readAll(t, res); res.StatusCode != http.StatusServiceUnavailable || got != want {
		t.Errorf("got %d %s, want 503 %s", res.StatusCode, got, want)
	}
	if got := res.Header.Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After %q", got)
	}
	await(t, "cancelling the upstream", gone)
	if g.log.String() != "" {
		t.Errorf("the upstream was blamed: %s", g.log)
	}
}

func TestG4_DrainInAStream(t *testing.T) {
	for _, version := range []string{"h1", "h2"} {
		t.Run(version, func(t *testing.T) {
			drain, end := context.WithCancel(t.Context())
			gone := make(chan struct{})
			to := serve(t, "h1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				event(w, "one")
				<-r.Context().Done()
				close(gone)
			}))
			broken := make(chan error, 1)
			front := serve(t, version, drainable(drain)(proxy.New(proxy.Options{
				Upstream: to, Transport: transport(t, "h1"), Logger: discard(),
				OnBroken: func(err error) { broken <- err },
			})))
			client := &http.Client{Transport: transport(t, version)}
			res := do(t, client, request(t, http.MethodGet, front, nil))
			first := make([]byte, len("data: one\n\n"))
			if _, err := io.ReadFull(res.Body, first); err != nil {
				t.Fatal(err)
			}
			end()
			if rest := readAll(t, res); rest != "" {
				t.Errorf("got %q more", rest)
			}
			await(t, "cancelling the upstream", gone)
			if len(broken) != 0 {
				t.Error("the upstream was blamed")
			}
		})
	}
}

func TestG4_DrainInADocument(t *testing.T) {
	for _, length := range []string{"", "100"} {
		drain, end := context.WithCancel(t.Context())
		g := newGateway(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if length != "" {
				w.Header().Set("Content-Length", length)
			}
			io.WriteString(w, `{"half":`)
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, nil, drainable(drain))
		res := g.post(t, nil, call)
		io.ReadFull(res.Body, make([]byte, len(`{"half":`)))
		end()
		if _, err := io.ReadAll(res.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("length %q: half a document passed for a whole one: %v", length, err)
		}
	}
}

func TestDrainThatDoesNotComeChangesNothing(t *testing.T) {
	drain, end := context.WithCancel(t.Context())
	g := newGateway(t, echo, nil, drainable(drain))
	if got := readAll(t, g.post(t, nil, call)); got != call {
		t.Errorf("got %q", got)
	}
	end()
	if res := g.post(t, nil, call); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after the drain: %d, want 503", res.StatusCode)
	}
}
