package cimd_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"sync"

	"durward/policies/oauth/internal/egress"
)

const id = "https://client.example/client.json"

// web is what there is to fetch.
type web struct {
	*egress.Client // for Check
	mu             sync.Mutex
	answers        map[string]answer
	seen           []string
	// hold, if it is not nil, keeps a fetch until it is closed.
	hold chan struct{}
}

type answer struct {
	egress.Answer
	err error
}

func newWeb() *web {
	return &web{Client: egress.New(egress.Options{}), answers: map[string]answer{}}
}

// put serves a body as JSON, with pairs of headers.
func (w *web) put(url, body string, header ...string) {
	all := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(header); i += 2 {
		all.Set(header[i], header[i+1])
	}
	w.set(url, answer{Answer: egress.Answer{Header: all, Body: []byte(body)}})
}

func (w *web) fail(url string, err error) { w.set(url, answer{err: err}) }

func (w *web) set(url string, a answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[url] = a
}

func (w *web) Get(ctx context.Context, url, _ string, limit int64) (egress.Answer, error) {
	w.mu.Lock()
	w.seen = append(w.seen, url)
	hold := w.hold
	w.mu.Unlock()
	if hold != nil {
		<-hold
	}
	if ctx.Err() != nil {
		return egress.Answer{}, ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	found, ok := w.answers[url]
	if !ok {
		return egress.Answer{}, &egress.Error{Reason: egress.BadStatus, Status: http.StatusNotFound}
	}
	if int64(len(found.Body)) > limit {
		return egress.Answer{}, &egress.Error{Reason: egress.Oversized}
	}
	return found.Answer, found.err
}

func (w *web) fetches() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.seen)
}

// document is a plain document, changed by pairs of member and value: a nil value takes the member away.
func document(id string, changes ...any) string {
	members := map[string]any{
		"client_id": id, "client_name": "An App", "redirect_uris": []string{"https://client.example/cb"},
	}
	more := map[string]any{}
	for i := 0; i+1 < len(changes); i += 2 {
		more[changes[i].(string)] = changes[i+1]
	}
	maps.Copy(members, more)
	maps.DeleteFunc(members, func(_ string, value any) bool { return value == nil })
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// nobody is who asks where that does not matter.
func nobody(context.Context) string { return "" }
