package faults

import (
	"bytes"
	"errors"
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"durward/cmd/durward/demo/browser"
	"durward/conformance/faults/double"
	"durward/conformance/gateway"
)

const (
	tokenPath = "/oauth/token"
	keysPath  = "/.well-known/jwks.json"
)

// waiting bounds what must happen soon, on a machine that does more.
const waiting = 30 * time.Second

// world is a gateway whose people sign in at the double.
type world struct {
	provider *double.Provider
	gateway  *gateway.Gateway
	answers  *answers
	client   *gateway.Client
	texts    texts
	timeout  int
	// quiet says that the policy leaves the key set alone for now.
	quiet bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{provider: double.Start(t), answers: &answers{next: http.DefaultTransport}, timeout: 1500}
	w.gateway = gateway.Start(t, func(g *gateway.Gateway) {
		g.Setenv("CLERK_FRONTEND_API_URL", w.provider.URL())
		g.Transport = w.answers
		g.SetOption(t, "browserLoginOverrides", map[string]any{"remoteTimeoutMs": w.timeout})
	})
	client, err := w.gateway.Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.client, w.texts = client, readTexts(t)
	return w
}

// fail has the provider fail from now on. If the policy asks for no keys at present, a fault that shows there would not:
// then the gateway starts it anew, and somebody signs in so that it knows the key that is about to be replaced.
func (w *world) fail(t *testing.T, f double.Fault) {
	t.Helper()
	if f.Keys && w.quiet {
		w.provider.Fail("")
		w.timeout++
		before := w.gateway.Policy("clerk").PID
		w.gateway.SetOption(t, "browserLoginOverrides", map[string]any{"remoteTimeoutMs": w.timeout})
		if !gateway.Within(waiting, func() bool { return w.gateway.Policy("clerk").PID != before }) {
			t.Fatal("the policy was not started anew")
		}
		w.wantSignedIn(t)
		w.quiet = false
	}
	w.quiet = w.quiet || f.Quiet
	w.provider.Fail(f.Name)
}

// signIn has a person with a fresh browser allow the client, which the provider answers at once, and answers what the
// gateway made of it: the answer of its callback, and where the browser ended.
func (w *world) signIn(t *testing.T) (answer, browser.Landing) {
	t.Helper()
	person := w.gateway.Person(t, double.Name)
	page, err := person.Open(t.Context(), w.client.AuthorizeURL(strings.Repeat("v", 43)))
	if err != nil {
		t.Fatal(err)
	}
	at, err := person.Consent(t.Context(), page)
	if wrong, ok := errors.AsType[*browser.PageError](err); ok {
		at.Page = wrong.Page
	} else if err != nil {
		t.Fatal(err)
	}
	return w.answers.take(t), at
}

func TestFaultsOfTheProvider(t *testing.T) {
	w := newWorld(t)
	expected := map[string]outcome{}
	for _, o := range outcomes() {
		expected[o.fault] = o
	}
	w.wantSignedIn(t) // and so the policy knows the key
	for _, f := range double.Faults() {
		o, ok := expected[f.Name]
		delete(expected, f.Name)
		if ok == f.Harmless {
			t.Errorf("what comes of the fault %q is not said, or said of one that is harmless", f.Name)
		}
		t.Run(f.Name, func(t *testing.T) {
			w.fail(t, f)
			tokens, keys := w.provider.Calls(tokenPath), w.provider.Calls(keysPath)
			if f.Harmless {
				w.wantSignedIn(t)
			} else {
				w.wantFailure(t, o)
			}
			if n := w.provider.Calls(tokenPath) - tokens; (n == 0) != (f.Callback && !f.Harmless) || n > 1 {
				t.Errorf("the provider was asked for tokens %d times", n)
			}
			if n := w.provider.Calls(keysPath) - keys; (n == 0) == f.Keys || n > 1 {
				t.Errorf("the provider was asked for keys %d times", n)
			}
		})
	}
	for name := range expected {
		t.Errorf("the table has the fault %q, which the double does not know", name)
	}
	w.provider.Fail("")
	w.wantSignedIn(t)
}

// wantFailure wants a sign-in to come to what the table says, and no more than that to be seen of it.
func (w *world) wantFailure(t *testing.T, o outcome) {
	t.Helper()
	got, at := w.signIn(t)
	id := got.header.Get("X-Request-Id")
	if o.page == "" {
		w.wantRefusal(t, got, at)
	} else {
		w.wantPage(t, o, got, at)
	}
	w.wantLog(t, o, id)
	w.wantAudit(t, o, id)
	w.wantNoSecret(t, got)
}

// wantSignedIn wants the client to get a code, and the audit log to say who signed in.
func (w *world) wantSignedIn(t *testing.T) {
	t.Helper()
	got, at := w.signIn(t)
	if at.Callback.Get("code") == "" {
		t.Fatalf("the client was told %v, the browser shows %+v", at.Callback, at.Page)
	}
	entry := w.audit(t, got.header.Get("X-Request-Id"))
	if entry.Field("event") != "login.succeeded" || entry.Field("subject") != double.Subject {
		t.Errorf("audit entry %s", entry.Text)
	}
}

// wantRefusal wants the client, and nobody else, to be told that it was refused.
func (w *world) wantRefusal(t *testing.T, got answer, at browser.Landing) {
	t.Helper()
	told := at.Callback
	if got.status != http.StatusSeeOther || at.Page != nil || told.Get("error") != "access_denied" || told.Has("code") ||
		told.Get("state") != "state-of-"+w.client.ID || told.Get("iss") != w.gateway.URL {
		t.Errorf("answer %d, the client was told %v, the browser shows %+v", got.status, told, at.Page)
	}
}

// wantPage wants the person to read what happened and what to do, with the id by which the operator finds the rest.
func (w *world) wantPage(t *testing.T, o outcome, got answer, at browser.Landing) {
	t.Helper()
	if at.Page == nil {
		t.Fatalf("no page is shown; the client was told %v", at.Callback)
	}
	says := w.texts.Messages[o.page]
	if got.status != o.status || at.Page.Heading != says.Heading {
		t.Errorf("page %d %q, want %d %q", got.status, at.Page.Heading, o.status, says.Heading)
	}
	retry, wait := w.texts.wait(o.wait)
	for _, part := range []string{says.Text, says.Advice, wait, got.header.Get("X-Request-Id")} {
		if !strings.Contains(at.Page.Text, part) {
			t.Errorf("the page does not say %q: %s", part, at.Page.Text)
		}
	}
	if _, other := w.texts.wait(7); o.wait == 0 && strings.Contains(at.Page.Text, other[:12]) {
		t.Errorf("the page knows how long to wait: %s", at.Page.Text)
	}
	if has := got.header.Get("Retry-After"); has != retry {
		t.Errorf("Retry-After %q, want %q", has, retry)
	}
	if strings.Contains(at.Page.Text, o.code) || o.hint != "" && strings.Contains(at.Page.Text, o.hint) {
		t.Errorf("the page tells the person what is the operator's to know: %s", at.Page.Text)
	}
}

// wantLog wants one line about the request, which the operator can act on.
func (w *world) wantLog(t *testing.T, o outcome, id string) {
	t.Helper()
	line := w.line(t, "sign-in failed", id)
	for name, want := range map[string]string{"code": o.code, "trace": o.traceID()} {
		if got, _ := line[name].(string); got != want {
			t.Errorf("the log has %s %q, want %q", name, got, want)
		}
	}
	hint, _ := line["hint"].(string)
	if !strings.Contains(hint, o.hint) || o.hint == "" && hint != "" {
		t.Errorf("the log has the hint %q, want %q", hint, o.hint)
	}
	if reason, _ := line["error"].(string); !strings.Contains(reason, o.code) {
		t.Errorf("the log has the error %q", reason)
	}
}

// wantAudit wants one entry about the request: who refused whom what, and why.
func (w *world) wantAudit(t *testing.T, o outcome, id string) {
	t.Helper()
	entry := w.audit(t, id)
	for name, want := range map[string]string{
		"event": "login.failed", "outcome": "refused", "reason": o.code, "client_id": w.client.ID,
		"resource": w.gateway.MCP(), "policy": "clerk", "subject": "",
	} {
		if got := entry.Field(name); got != want {
			t.Errorf("the audit log has %s %q, want %q", name, got, want)
		}
	}
}

// wantNoSecret looks for what was confided to the provider, or by it, in what is seen (G10).
func (w *world) wantNoSecret(t *testing.T, got answer) {
	t.Helper()
	var page bytes.Buffer
	if err := got.header.Write(&page); err != nil {
		t.Fatal(err)
	}
	page.WriteString(html.UnescapeString(got.body))
	log := w.gateway.Log.Text()
	for _, secret := range append(w.provider.Secrets(), gateway.Canary) {
		if strings.Contains(page.String(), secret) || strings.Contains(log, secret) {
			t.Errorf("G10: %q is on the page (%v) or in the log (%v)",
				secret, strings.Contains(page.String(), secret), strings.Contains(log, secret))
		}
	}
}

// line waits for the policy's one log line of that name about a request, and answers what the policy wrote.
func (w *world) line(t *testing.T, msg, id string) map[string]any {
	t.Helper()
	return w.one(t, msg, func(l gateway.Line) bool {
		said, _ := l.Fields["log"].(map[string]any)
		return l.Msg() == msg && said["request_id"] == id
	}).Fields["log"].(map[string]any)
}

// audit waits for the one audit entry about a request.
func (w *world) audit(t *testing.T, id string) gateway.Line {
	t.Helper()
	return w.one(t, "audit", func(l gateway.Line) bool { return l.Msg() == "audit" && l.Field("request_id") == id })
}

func (w *world) one(t *testing.T, what string, match func(gateway.Line) bool) gateway.Line {
	t.Helper()
	w.gateway.Wait(what, match)
	lines := w.gateway.Log.Lines(match)
	if len(lines) != 1 {
		t.Errorf("%d lines %q about one request", len(lines), what)
	}
	return lines[0]
}
