// Package admin owns the listener for those who operate the gateway: is it alive, is it ready, what runs, load anew.
//
// It promises to be nothing a web page can reach: a request with an Origin header is refused, and so is a Host that is
// neither the listener's own address nor a loopback name. What is below /-/ asks for the bearer token of the configuration
// if there is one, and is closed without one unless the listener is on a loopback address. Liveness and readiness are
// answered to whoever passes the first two checks.
//
// It is never served on the public listener, and it decides nothing: it shows and asks the host.
package admin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Options say what the handler shows.
type Options struct {
	// Loopback: the listener can be reached from this machine only.
	Loopback bool
	// Token answers the bearer token that everything below /-/ asks for, or "" for none: then it is served on a loopback
	// listener only.
	Token func() string
	// Ready answers nil, or why the gateway should not get traffic.
	Ready func() error
	// Generation answers what runs, as JSON will show it.
	Generation func() any
	// Reload loads the configuration anew and answers the result; ok tells whether it is in use now.
	Reload func(*http.Request) (result any, ok bool)
	// Plan compares the files of a candidate with what runs and answers the result. It changes nothing. An error is told
	// to the caller.
	Plan func(ctx context.Context, files fs.FS) (result any, err error)
	// Policy answers the handler of a policy's own admin paths, or nil.
	Policy func(name string) http.Handler
	// Metrics answers GET /metrics, which is guarded as what is below /-/ is. Nil: there are none.
	Metrics http.Handler
}

// New makes the handler.
func New(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := o.Ready(); err != nil {
			writeText(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		writeText(w, http.StatusOK, "ready")
	})
	guarded := http.NewServeMux()
	guarded.HandleFunc("GET /-/generation", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, o.Generation())
	})
	guarded.HandleFunc("POST /-/reload", func(w http.ResponseWriter, r *http.Request) {
		result, ok := o.Reload(r)
		status := http.StatusOK
		if !ok {
			status = http.StatusUnprocessableEntity
		}
		writeJSON(w, status, result)
	})
	guarded.HandleFunc("POST /-/plan", o.plan)
	guarded.HandleFunc("/-/policies/{name}/", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		h := o.Policy(name)
		if h == nil {
			writeText(w, http.StatusNotFound, "no such policy")
			return
		}
		http.StripPrefix("/-/policies/"+name, h).ServeHTTP(w, r)
	})
	mux.Handle("/-/", o.authorize(guarded))
	if o.Metrics != nil {
		mux.Handle("GET /metrics", o.authorize(o.Metrics))
	}
	return noPages(mux)
}

// archiveTimeout bounds how long an archive may take to arrive.
const archiveTimeout = 30 * time.Second

// plan answers POST /-/plan, whose body is a zip archive of the candidate's files.
func (o Options) plan(w http.ResponseWriter, r *http.Request) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/zip" {
		writeText(w, http.StatusUnsupportedMediaType, "send the files of the configuration as application/zip")
		return
	}
	reading := http.NewResponseController(w)
	_ = reading.SetReadDeadline(time.Now().Add(archiveTimeout)) // a writer without one is a test's
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxArchive))
	_ = reading.SetReadDeadline(time.Time{})
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			writeText(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the archive is larger than %d MiB", maxArchive>>20))
			return
		}
		writeText(w, http.StatusBadRequest, "the archive broke off")
		return
	}
	files, err := openArchive(data, maxContent)
	if err != nil {
		writeText(w, http.StatusBadRequest, err.Error())
		return
	}
	result, err := o.Plan(r.Context(), files)
	if err != nil {
		writeText(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, result)
}

// noPages refuses what only a browser sends, and names that are not this listener's.
func noPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, has := r.Header["Origin"]; has {
			writeText(w, http.StatusForbidden, "the admin listener answers no web page")
			return
		}
		if !ownHost(r) {
			writeText(w, http.StatusMisdirectedRequest, "the admin listener answers to its address and to loopback names only")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ownHost accepts the address the connection came in on, and every loopback name.
func ownHost(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	named, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if named.Unmap().IsLoopback() {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.AddrPort().Addr().Unmap() == named.Unmap()
}

func (o Options) authorize(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := o.Token()
		if token == "" && !o.Loopback {
			writeText(w, http.StatusForbidden, "the admin listener is not on a loopback address: set adminToken in gateway.json")
			return
		}
		if token != "" {
			scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			want, got := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(strings.TrimSpace(given)))
			if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
				w.Header().Set("WWW-Authenticate", "Bearer")
				writeText(w, http.StatusUnauthorized, "give adminToken from gateway.json as a bearer token")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // the client has gone: nothing is left to do
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		writeText(w, http.StatusInternalServerError, "encode answer: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(visible(body), '\n')) // as above
}

// visible is the same JSON for people's terminals: what they would obey and not show (U+009B, U+202E) is escaped. It can
// only stand within a string.
func visible(body []byte) []byte {
	hidden := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
	if bytes.IndexFunc(body, hidden) < 0 {
		return body
	}
	var out []byte
	for _, r := range string(body) {
		if !hidden(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}
