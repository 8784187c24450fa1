package browser

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The names under which Chromium finds this machine. What lies below site is one site to a browser, and foreignSite is
// another. The certificate that package httptest brings is good for site.
const (
	site        = "example.com"
	foreignSite = "example.net"
)

// certificateHash names the key of the certificate that all servers of this suite use: base64 of the SHA-256 of its
// SubjectPublicKeyInfo.
func certificateHash() (string, error) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	certificate, err := x509.ParseCertificate(server.Certificate().Raw)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}

// listener is a server of a test's own, under a public name.
type listener struct {
	// origin is what stands in a browser's address bar.
	origin string
	server *httptest.Server
}

// listen begins to listen for name; an empty name is plain http on loopback. Nothing is served until serve is called.
func listen(t *testing.T, name string) *listener {
	t.Helper()
	l := &listener{server: httptest.NewUnstartedServer(nil)}
	l.server.EnableHTTP2 = true
	l.server.Config.ErrorLog = log.New(io.Discard, "", 0) // browsers open connections ahead and leave them
	_, port, err := net.SplitHostPort(l.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	l.origin = "http://127.0.0.1:" + port
	if name != "" {
		l.origin = "https://" + name + ":" + port
	}
	t.Cleanup(l.server.Close)
	return l
}

func (l *listener) serve(h http.Handler) {
	l.server.Config.Handler = h
	if strings.HasPrefix(l.origin, "https://") {
		l.server.StartTLS()
	} else {
		l.server.Start()
	}
}

// serveText serves one HTML page at every path.
func serveText(t *testing.T, name, page string) *listener {
	t.Helper()
	l := listen(t, name)
	l.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(page))
	}))
	return l
}

// front ends TLS before the gateway, as an operator's proxy does. It can keep an answer back.
type front struct {
	*listener
	mu    sync.Mutex
	holds []*hold
}

// hold keeps the first answer to a request that fits, after the gateway has given it.
type hold struct {
	fits func(*http.Request) bool
	// kept is closed when an answer is kept. let is closed to let it go.
	kept, let chan struct{}
}

// hold keeps the answer to the next request that fits. It is let go when let is closed, or nobody waits for it any more.
func (f *front) hold(fits func(*http.Request) bool) *hold {
	h := &hold{fits: fits, kept: make(chan struct{}), let: make(chan struct{})}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.holds = append(f.holds, h)
	return h
}

// holdConsent keeps the answer to the consent form that carries this handle.
func (f *front) holdConsent(handle string) *hold {
	return f.hold(func(r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/oauth/consent") && strings.Contains(r.Header.Get("Cookie"), "consent-"+handle)
	})
}

func (f *front) held(r *http.Request) *hold {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.holds, func(h *hold) bool { return h.fits(r) })
	if i < 0 {
		return nil
	}
	h := f.holds[i]
	f.holds = slices.Delete(f.holds, i, i+1)
	return h
}

// forward serves what the gateway at target answers. The gateway gets every request to its end, whether or not the
// browser still waits: so what a test sees does not hang on how fast a click was.
func (f *front) forward(target *url.URL) {
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.SetXForwarded()
		r.Out.Host = r.In.Host
	}}
	f.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		held := f.held(r)
		if held == nil {
			proxy.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		proxy.ServeHTTP(answer, r.WithContext(context.WithoutCancel(r.Context())))
		close(held.kept)
		select {
		case <-held.let:
		case <-r.Context().Done():
			return
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	}))
}
