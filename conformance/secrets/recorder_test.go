package secrets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// recorder is a transport that keeps what the gateway answers, and learns the secrets of the requests and answers that
// pass: codes, states, tokens, cookies, verifiers, what clients show who they are with.
type recorder struct {
	next    http.RoundTripper
	learned *hunt
	// gateway tells the gateway's own answers from the provider's.
	gateway func(host string) bool

	mu      sync.Mutex
	answers []answer
}

type answer struct {
	request string
	status  int
	text    []byte
}

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	r.learnValues(request.URL.Query())
	if _, secret, ok := request.BasicAuth(); ok && !strings.HasPrefix(secret, "dw-") { // no client's id in its place
		r.learned.add("client secret", secret)
	}
	if request.Body != nil && strings.HasPrefix(request.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		request = request.Clone(request.Context())
		request.Body = io.NopCloser(bytes.NewReader(body))
		if form, err := url.ParseQuery(string(body)); err == nil {
			r.learnValues(form)
		}
	}
	response, err := r.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	for _, cookie := range response.Cookies() {
		r.learned.add("cookie "+cookie.Name, cookie.Value)
	}
	if location, err := response.Location(); err == nil {
		r.learnValues(location.Query())
	}
	text, err := httputil.DumpResponse(response, true)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	_, body, _ := bytes.Cut(text, []byte("\r\n\r\n"))
	r.learnTokens(body)
	if r.gateway(request.URL.Host) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.answers = append(r.answers, answer{request.Method + " " + request.URL.Path, response.StatusCode, text})
	}
	return response, nil
}

// learnValues learns what of a query or a form is nobody else's business.
func (r *recorder) learnValues(values url.Values) {
	for _, name := range []string{"code", "state", "nonce", "code_verifier", "refresh_token", "csrf", "client_secret",
		"client_assertion"} {
		for _, value := range values[name] {
			r.learned.add(name, value)
		}
	}
}

func (r *recorder) learnTokens(body []byte) {
	var tokens map[string]any
	if json.Unmarshal(body, &tokens) != nil {
		return
	}
	for _, name := range []string{"access_token", "refresh_token", "id_token", "client_secret"} {
		if token, ok := tokens[name].(string); ok {
			r.learned.add(name, token)
		}
	}
}

// look looks through the gateway's answers: in none may there be a canary, and in one that refuses none of the secrets
// that were learned either. It answers how many there were.
func (r *recorder) look(t *testing.T, canaries *hunt) (answers, refusals int) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.answers {
		where := fmt.Sprintf("the answer %d to %s", a.status, a.request)
		canaries.look(t, where, a.text)
		if a.status >= 400 {
			refusals++
			r.learned.look(t, where, a.text)
		}
	}
	return len(r.answers), refusals
}
