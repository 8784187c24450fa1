package official

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Sent is one request of the SDK's and the status it was answered with.
type Sent struct {
	Method, Path  string
	Status        int
	Authorization string
	Session       string     // the header Mcp-Session-Id
	Form          url.Values // of a token request
}

// Wire carries the SDK's requests and notes them.
type Wire struct {
	base http.RoundTripper

	mu  sync.Mutex
	all []Sent
}

// RoundTrip implements http.RoundTripper.
func (w *Wire) RoundTrip(r *http.Request) (*http.Response, error) {
	one := Sent{
		Method: r.Method, Path: r.URL.Path, Authorization: r.Header.Get("Authorization"), Session: r.Header.Get("Mcp-Session-Id"),
	}
	if r.GetBody != nil && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if body, err := r.GetBody(); err == nil {
			if text, err := io.ReadAll(body); err == nil {
				one.Form, _ = url.ParseQuery(string(text)) // a form that is none shows by what it lacks
			}
		}
	}
	res, err := w.base.RoundTrip(r)
	if err == nil {
		one.Status = res.StatusCode
	}
	w.mu.Lock()
	w.all = append(w.all, one)
	w.mu.Unlock()
	return res, err
}

// First answers the first request of all.
func (w *Wire) First() Sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all[0]
}

// Find answers the requests of a kind, in order.
func (w *Wire) Find(method, path string) []Sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []Sent
	for _, one := range w.all {
		if one.Method == method && one.Path == path {
			found = append(found, one)
		}
	}
	return found
}
