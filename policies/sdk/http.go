package sdk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"durward/policies"
	"durward/policies/policypb"
)

// newRequest makes the server's request that the message stands for, as net/http would have made it: URL with path and
// query only, Host from the origin, RemoteAddr the client's address with port 0, the body in memory.
func newRequest(ctx context.Context, m *policypb.HTTPRequest) (*http.Request, error) {
	call, err := policypb.DecodeCall(m.GetCall())
	if err != nil {
		return nil, fmt.Errorf("read http request: %w", err)
	}
	header, err := policypb.DecodeHeader(m.GetHeader())
	if err != nil {
		return nil, fmt.Errorf("read http request: %w", err)
	}
	target := string(m.GetTarget())
	u, err := url.ParseRequestURI(target)
	if err != nil || !strings.HasPrefix(target, "/") {
		return nil, errors.New("read http request: the target is not a path and query")
	}
	_, host, ok := strings.Cut(call.Origin, "://")
	if !ok || host == "" {
		return nil, errors.New("read http request: the call has no origin")
	}
	body := bytes.NewReader(m.GetBody())
	r, err := http.NewRequestWithContext(policies.WithCall(ctx, call), m.GetMethod(), "/", body)
	if err != nil {
		return nil, errors.New("read http request: the method is no token")
	}
	r.GetBody = nil // of client requests only
	r.URL = u
	r.RequestURI = target
	r.Host = host
	if call.ClientAddress != "" {
		r.RemoteAddr = net.JoinHostPort(call.ClientAddress, "0")
	}
	if header != nil {
		r.Header = header
	}
	return r, nil
}

// recorder is an http.ResponseWriter that keeps a bounded answer in memory.
type recorder struct {
	method string
	header http.Header
	// sent is header as it was at the first WriteHeader.
	sent   http.Header
	status int
	body   bytes.Buffer
	// fault is the first thing that cannot be answered.
	fault error
}

func newRecorder(method string) *recorder {
	return &recorder{method: method, header: make(http.Header)}
}

func (w *recorder) Header() http.Header { return w.header }

// WriteHeader takes the first final status. Informational ones have no way to the client and are dropped.
func (w *recorder) WriteHeader(status int) {
	if w.status != 0 || status >= 100 && status < 200 {
		return
	}
	w.status = status
	w.sent = w.header.Clone()
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.method == http.MethodHead {
		return len(p), nil
	}
	if w.status == http.StatusNoContent || w.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	if w.body.Len()+len(p) > policypb.MaxBody {
		w.fault = fmt.Errorf("serve http: the answer has more than %d bytes", policypb.MaxBody)
		return 0, w.fault
	}
	return w.body.Write(p)
}

// result is the answer, or why there is none: part of an answer is never given.
func (w *recorder) result() (policies.Response, error) {
	if w.fault != nil {
		return policies.Response{}, w.fault
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return policies.Response{Status: w.status, Header: w.sent, Body: w.body.Bytes()}, nil
}
