package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"durward/policies"
	"durward/runtime/internal/decision"
	"durward/runtime/internal/origin"
	"durward/runtime/internal/pluginhost"
	"durward/runtime/internal/telemetry"
)

// maxPolicyBody bounds the body of a request to a path that a policy serves, in bytes.
const maxPolicyBody = 64 << 10

// policyBodyTimeout bounds how long such a body may take to arrive: the policy is held meanwhile.
const policyBodyTimeout = 10 * time.Second

// policyAnswerTimeout bounds how long a policy may take to answer a path it serves: longer than the longest that one may
// be configured to wait for others.
const policyAnswerTimeout = 90 * time.Second

// servePath answers a path that a policy serves itself. The caller holds part; servePath gives it back.
func (h *Host) servePath(w http.ResponseWriter, r *http.Request, part *policyPart, caller origin.Caller) {
	release := sync.OnceFunc(part.Release)
	defer release()
	name := part.Value.key.name
	log := telemetry.RequestFrom(r.Context())
	log.Policy, log.Meter = name, part.Value.meter
	reading := http.NewResponseController(w)
	_ = reading.SetReadDeadline(time.Now().Add(policyBodyTimeout)) // a writer without one is a test's
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPolicyBody))
	_ = reading.SetReadDeadline(time.Time{})
	if err != nil {
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			writeError(w, http.StatusRequestEntityTooLarge, "request_too_large", "the request body is larger than 64 KiB")
			return
		}
		writeError(w, http.StatusBadRequest, "invalid_request", "the request body broke off")
		return
	}
	call := policies.Call{Time: h.options.Now(), RequestID: log.ID, Origin: caller.Origin, ClientAddress: caller.Address}
	request := pluginhost.HTTPRequest{
		Method: r.Method,
		Target: r.URL.RequestURI(),
		Header: policyHeader(r.Header, policies.CookiePrefix(name, caller.Origin)),
		Body:   body,
	}
	ctx, cancel := context.WithTimeout(r.Context(), policyAnswerTimeout)
	defer cancel()
	response, err := h.ask(ctx, part.Value, call, request, r.URL)
	release() // the policy has answered: a client that does not read keeps no process alive
	if err != nil {
		h.options.Logger.WarnContext(r.Context(), "policy did not answer", telemetry.KeyRequest, log.ID,
			telemetry.KeyPolicy, name, telemetry.KeyError, err)
		w.Header().Set("Retry-After", "1")
		writeError(w, http.StatusServiceUnavailable, "temporarily_unavailable",
			"the gateway cannot answer this right now: try again shortly")
		return
	}
	ownCookies(response.Header, policies.CookiePrefix(name, caller.Origin))
	writeResponse(w, &response)
}

// ask asks the policy, or answers what it lately said to everybody.
func (h *Host) ask(
	ctx context.Context, p *policyProcess, call policies.Call, request pluginhost.HTTPRequest, target *url.URL,
) (policies.Response, error) {
	do := func(ctx context.Context) (policies.Response, error) { return p.Do(ctx, call, request) }
	if request.Method != http.MethodGet || request.Header.Get("Cookie") != "" || request.Header.Get("Authorization") != "" {
		return do(ctx)
	}
	return h.answers.Get(ctx, decision.AnswerQuery{
		Instance: p.instance, Origin: call.Origin, Path: target.EscapedPath(), Query: target.RawQuery,
	}, do)
}

// answerTimeout bounds how long a client may take to read an answer that is held in memory.
const answerTimeout = 30 * time.Second

// boundWrite keeps a client that does not read from holding a connection for ever. The server lifts the bound when the
// request is over.
func boundWrite(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTimeout)) // a writer without one is a test's
}

// policyHeader is what a policy is told of a request's header: everything but connection matters and other people's
// cookies. The host's own findings (origin, client address) travel in the call, so the headers that claim them stay out.
func policyHeader(from http.Header, cookiePrefix string) http.Header {
	h := from.Clone()
	for _, name := range []string{"Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"Proxy-Authorization", "Proxy-Connection", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
		"X-Real-Ip", "Cookie"} {
		h.Del(name)
	}
	var kept []string
	for _, line := range from["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			if pair = strings.TrimSpace(pair); strings.HasPrefix(pair, cookiePrefix) {
				kept = append(kept, pair)
			}
		}
	}
	if len(kept) > 0 {
		h.Set("Cookie", strings.Join(kept, "; "))
	}
	return h
}

// ownCookies keeps a policy from setting a cookie that is not its own.
func ownCookies(h http.Header, prefix string) {
	var kept []string
	for _, c := range h["Set-Cookie"] {
		if strings.HasPrefix(c, prefix) {
			kept = append(kept, c)
		}
	}
	if len(kept) == 0 {
		h.Del("Set-Cookie")
		return
	}
	h["Set-Cookie"] = kept
}

// writeError answers a JSON error of the host's own. Pages of any origin may read it: it says nothing that is not the
// same for everybody (D7).
func writeError(w http.ResponseWriter, status int, code, text string) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	writeRefusal(w, status, code, text)
}

// writeRefusal answers the same to a caller that is not served at all. A foreign page cannot read it, and so does not
// learn from it what runs on a person's own machine (D1).
func writeRefusal(w http.ResponseWriter, status int, code, text string) {
	boundWrite(w)
	body, err := json.Marshal(struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{code, text})
	if err != nil {
		body = []byte(`{"error":"server_error"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client has gone: nothing is left to do
}
