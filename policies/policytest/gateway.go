package policytest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"

	"durward/policies"
)

// ClientAddress is where a Gateway's calls come from.
const ClientAddress = "192.0.2.1"

// Gateway calls a policy as the host does: the paths it declared through ServeHTTP, its routes through Evaluate. A
// request that the policy allows is answered with its Decision as JSON, so that a test sees what the upstream would get.
type Gateway struct {
	Policy policies.Policy
	Input  policies.Input
	Report policies.Report
	Host   *Host

	calls atomic.Int64
}

// NewGateway validates the input and configures a policy with it.
func NewGateway(host *Host, kind policies.Type, input policies.Input) (*Gateway, error) {
	report := kind.Validate(input)
	if len(report.Problems) > 0 {
		return nil, fmt.Errorf("validate input: %v", report.Problems)
	}
	policy, err := kind.Configure(context.Background(), input, host.Services())
	if err != nil {
		return nil, fmt.Errorf("configure policy: %w", err)
	}
	return &Gateway{Policy: policy, Input: input, Report: report, Host: host}, nil
}

// Client answers an HTTP client with a cookie jar of its own: one browser. It reaches the gateway under every origin
// and follows no redirects.
func (g *Gateway) Client() *http.Client {
	jar, _ := cookiejar.New(nil) // without options it cannot fail
	return &http.Client{
		Transport:     g,
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// RoundTrip implements http.RoundTripper without a socket. The scheme of the URL decides the origin's.
func (g *Gateway) RoundTrip(r *http.Request) (*http.Response, error) {
	body := []byte{}
	if r.Body != nil {
		defer r.Body.Close()
		read, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, fmt.Errorf("read request body: %w", err)
		}
		body = read
	}
	in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), bytes.NewReader(body))
	in.Header = r.Header.Clone()
	out := httptest.NewRecorder()
	g.ServeHTTP(out, in)
	response := out.Result()
	response.Request = r
	return response, nil
}

// ServeHTTP implements http.Handler. Paths are exact and come before routes; what nobody serves is 404.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	call := policies.Call{
		Time:          g.Host.Clock.Now(),
		RequestID:     fmt.Sprintf("req-%d", g.calls.Add(1)),
		Origin:        scheme + "://" + r.Host,
		ClientAddress: ClientAddress,
	}
	ctx := policies.WithCall(r.Context(), call)
	for _, path := range g.Report.Paths {
		if path.Path == r.URL.EscapedPath() {
			served := r.Clone(ctx)
			keepCookies(served, policies.CookiePrefix(g.Input.Name, call.Origin))
			g.Policy.ServeHTTP(w, served)
			return
		}
	}
	for _, route := range g.Input.Routes {
		if route.Path == r.URL.EscapedPath() {
			g.decide(ctx, w, r, route, call)
			return
		}
	}
	http.NotFound(w, r)
}

func (g *Gateway) decide(
	ctx context.Context, w http.ResponseWriter, r *http.Request, route policies.Route, call policies.Call,
) {
	request := policies.Request{Route: route.ID, Header: http.Header{}}
	vary := g.Report.Vary[route.ID]
	for _, name := range vary.Headers {
		if values := r.Header.Values(name); len(values) > 0 {
			request.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	if vary.Origin {
		request.Origin = call.Origin
	}
	if vary.ClientAddress {
		request.ClientAddress = call.ClientAddress
	}
	request.Method, request.Name = listed(r, vary)
	// Evaluate has its own fields for where a call comes from.
	call.Origin, call.ClientAddress = "", ""
	decision, err := g.Policy.Evaluate(policies.WithCall(ctx, call), request)
	switch {
	case err == nil && decision.Outcome == policies.Allow:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(decision)
	case err == nil && decision.Outcome == policies.Respond && decision.Response != nil:
		maps.Copy(w.Header(), decision.Response.Header)
		w.WriteHeader(decision.Response.Status)
		_, _ = w.Write(decision.Response.Body)
	default:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// keepCookies leaves the request only the cookies whose names begin with prefix.
func keepCookies(r *http.Request, prefix string) {
	cookies := r.Cookies()
	r.Header.Del("Cookie")
	for _, cookie := range cookies {
		if strings.HasPrefix(cookie.Name, prefix) {
			r.AddCookie(cookie)
		}
	}
}

// listed reads the method and the name of the MCP message that a request brings, as far as decisions depend on them.
func listed(r *http.Request, vary policies.Vary) (method, name string) {
	if len(vary.Methods)+len(vary.Names) == 0 || r.Method != http.MethodPost {
		return "", ""
	}
	var message struct {
		Method string `json:"method"`
		Params struct {
			Name string `json:"name"`
			URI  string `json:"uri"`
		} `json:"params"`
	}
	if json.NewDecoder(r.Body).Decode(&message) != nil {
		return "", ""
	}
	if slices.Contains(vary.Methods, message.Method) {
		method = message.Method
	}
	name = message.Params.Name
	if message.Method == "resources/read" {
		name = message.Params.URI
	}
	if !slices.Contains(vary.Names, name) || len(vary.Methods) > 0 && method == "" {
		name = ""
	}
	return method, name
}
