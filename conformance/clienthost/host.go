package clienthost

import (
	"encoding/json"
	"encoding/pem"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// Host is an https host on a loopback address.
type Host struct {
	// URL is its origin, by address: "https://127.0.0.1:PORT". The certificate is good for *.example.com as well.
	URL string
	// CAFile holds the certificate, in PEM, by which it is trusted.
	CAFile string

	accepted *atomic.Int64
	mu       sync.Mutex
	served   map[string]http.Handler
	seen     []Request
}

// Request is one that reached the host.
type Request struct {
	Method, Path string
	Header       http.Header
}

// Start starts a host. It serves 404 until it is told what to serve.
func Start(t testing.TB) *Host {
	t.Helper()
	return At(t, "127.0.0.1:0")
}

// At is Start at a loopback address and port of the caller's choice.
func At(t testing.TB, address string) *Host {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	h := &Host{served: map[string]http.Handler{}, accepted: new(atomic.Int64)}
	server := httptest.NewUnstartedServer(h)
	_ = server.Listener.Close() // it has one of its own, which is not used
	server.Listener = counting{listener, h.accepted}
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections() // one of them may be an answer that never ends
		server.Close()
	})
	h.URL = server.URL
	h.CAFile = filepath.Join(t.TempDir(), "client-host.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(h.CAFile, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	return h
}

// counting is a listener that counts what it accepts.
type counting struct {
	net.Listener
	accepted *atomic.Int64
}

func (l counting) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.accepted.Add(1)
	}
	return conn, err
}

// Development is the value of the option gateway.cimdDevelopment that lets a gateway fetch from this host.
func (h *Host) Development() map[string]any {
	return map[string]any{"caFile": h.CAFile, "addresses": []string{"127.0.0.0/8"}}
}

// SetDocument serves an answer at a path from now on. Without a Content-Type in the header it is application/json.
func (h *Host) SetDocument(path string, status int, header http.Header, body string) {
	h.SetHandler(path, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
}

// SetHandler serves whatever the handler does at a path from now on.
func (h *Host) SetHandler(path string, handler http.Handler) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.served[path] = handler
}

// Publish serves the metadata document of a client at a path and answers its client_id, the document's URL. The document
// is Document's, changed by changes: a nil value takes a member away. It may be kept by nobody, so that a change is seen
// at once; SetDocument serves one with another Cache-Control.
func (h *Host) Publish(path string, changes map[string]any) (clientID string) {
	clientID = h.URL + path
	h.SetDocument(path, http.StatusOK, http.Header{"Cache-Control": {"no-store"}}, Document(clientID, changes))
	return clientID
}

// Document is a plain metadata document of a client on the person's own machine, in JSON, changed by changes: a nil value
// takes a member away.
func Document(clientID string, changes map[string]any) string {
	members := map[string]any{
		"client_id":                  clientID,
		"client_name":                "Example Client",
		"redirect_uris":              []string{"http://127.0.0.1/callback", "http://localhost/callback"},
		"grant_types":                []string{"authorization_code", "refresh_token"},
		"response_types":             []string{"code"},
		"token_endpoint_auth_method": "none",
	}
	for name, value := range changes {
		members[name] = value
		if value == nil {
			delete(members, name)
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		panic(err) // a test has put in what JSON does not have
	}
	return string(text)
}

// Requests answers those that have reached the host.
func (h *Host) Requests() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.seen)
}

// Count answers how many requests for a path have reached the host.
func (h *Host) Count(path string) int {
	count := 0
	for _, r := range h.Requests() {
		if r.Path == path {
			count++
		}
	}
	return count
}

// Accepted answers how many connections have been accepted.
func (h *Host) Accepted() int { return int(h.accepted.Load()) }

// ServeHTTP implements http.Handler.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.seen = append(h.seen, Request{r.Method, r.URL.Path, r.Header.Clone()})
	handler, ok := h.served[r.URL.Path]
	h.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	handler.ServeHTTP(w, r)
}
