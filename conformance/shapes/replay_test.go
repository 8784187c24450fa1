package shapes

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"durward/cmd/durward/demo/browser"
	"durward/conformance/clienthost"
	"durward/conformance/gateway"
)

// replay is a client that does what its shape says. These variables it has from the start:
//
//	gateway, mcp       the gateway's origin, and the URL of its MCP server
//	host               the origin of the client's web host
//	client_id          the client, from when its document is published or a registration's answer is kept
//	jwks, assertion    the client's key set, and a new assertion of ${client_id} for the gateway each time
//	basic              the credential of HTTP Basic of ${client_id} and ${client_secret}
//	verifier, challenge, and with anything behind the names: a code verifier, and the challenge that is made of it
type replay struct {
	t      *testing.T
	g      *gateway.Gateway
	host   *clienthost.Host
	key    *clienthost.Key
	client *http.Client
	people map[string]*gateway.Person // by where the client is answered
	values map[string]string
}

func newReplay(t *testing.T, g *gateway.Gateway) *replay {
	t.Helper()
	host := clienthost.Start(t)
	return &replay{
		t: t, g: g, host: host, key: clienthost.NewKey(t, "one"), people: map[string]*gateway.Person{},
		client: &http.Client{
			Transport: g.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		values: map[string]string{"gateway": g.URL, "mcp": g.MCP(), "host": host.URL},
	}
}

var variable = regexp.MustCompile(`\$\{([a-z_0-9]+)\}`)

// fill puts the variables' values into a text.
func (r *replay) fill(text string) string {
	r.t.Helper()
	return variable.ReplaceAllStringFunc(text, func(found string) string {
		r.t.Helper()
		return r.value(found[2 : len(found)-1])
	})
}

func (r *replay) value(name string) string {
	r.t.Helper()
	switch {
	case name == "assertion":
		return r.key.Assert(r.t, clienthost.Claims(r.value("client_id"), r.g.URL, nil))
	case name == "basic":
		return base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(r.value("client_id")) + ":" + url.QueryEscape(r.value("client_secret"))))
	case name == "jwks":
		text, err := json.Marshal(clienthost.Set(r.key))
		if err != nil {
			r.t.Fatal(err)
		}
		return string(text)
	case strings.HasPrefix(name, "verifier") && r.values[name] == "":
		r.values[name] = rand.Text() + rand.Text()
	case strings.HasPrefix(name, "challenge"):
		sum := sha256.Sum256([]byte(r.value("verifier" + strings.TrimPrefix(name, "challenge"))))
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	value, ok := r.values[name]
	if !ok {
		r.t.Fatalf("no step has given ${%s} a value", name)
	}
	return value
}

// do does one step and looks at what comes of it.
func (r *replay) do(s step) {
	r.t.Helper()
	var got result
	switch s.verb {
	case "publish":
		r.publish(s.target, r.fill(s.body))
		return
	case "authorize":
		got = r.authorize(s, "allow")
	case "refuse":
		got = r.authorize(s, "deny")
	default:
		got = r.send(s)
	}
	r.hold(got, s.want)
}

// publish serves a document at the client's host. One of metadata is the client from now on.
func (r *replay) publish(path, document string) {
	r.t.Helper()
	var metadata struct {
		ID string `json:"client_id"`
	}
	if err := json.Unmarshal([]byte(document), &metadata); err != nil {
		r.t.Fatal(err)
	}
	if metadata.ID != "" {
		r.values["client_id"] = metadata.ID
	}
	r.host.SetDocument(path, http.StatusOK, nil, document)
}

// send sends a request.
func (r *replay) send(s step) result {
	r.t.Helper()
	target, body := r.fill(s.target), r.fill(s.body)
	if strings.HasPrefix(target, "/") {
		target = r.g.URL + target
	}
	if s.header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		body = r.form(s.body)
	}
	request, err := http.NewRequestWithContext(r.t.Context(), s.verb, target, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for name, values := range s.header {
		for _, value := range values {
			request.Header.Add(name, r.fill(value))
		}
	}
	answer, err := r.client.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	got := result{status: answer.StatusCode, header: answer.Header, text: string(text)}
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(text, &got.object); err != nil {
			r.t.Errorf("the answer is no JSON object: %v", err)
		}
		noNull(r.t, "", got.object)
	}
	return got
}

// form writes parameters as forms and queries have them, in the order they have in the shape.
func (r *replay) form(lines string) string {
	r.t.Helper()
	var parts []string
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			r.t.Fatalf("%q is no parameter", line)
		}
		parts = append(parts, url.QueryEscape(name)+"="+url.QueryEscape(r.fill(value)))
	}
	return strings.Join(parts, "&")
}

// authorize sends the person to the authorization endpoint, who gives the answer on the consent page.
func (r *replay) authorize(s step, answer string) result {
	r.t.Helper()
	query := r.form(s.body)
	params, err := url.ParseQuery(query)
	if err != nil {
		r.t.Fatal(err)
	}
	redirect := params.Get("redirect_uri")
	if r.people[redirect] == nil {
		r.people[redirect] = r.g.PersonFor(r.t, "Ada Lovelace", redirect)
	}
	person := r.people[redirect]
	consent, err := person.Open(r.t.Context(), r.value("authorization_endpoint")+"?"+query)
	if refused, ok := errors.AsType[*browser.PageError](err); ok {
		return result{status: refused.Page.Status, text: refused.Page.Text}
	}
	if err != nil {
		r.t.Fatal(err)
	}
	at, err := person.Press(r.t.Context(), consent, func(b browser.Button) bool { return b.Value == answer })
	if err != nil {
		r.t.Fatal(err)
	}
	callback := at.Callback
	if at.Page != nil {
		if callback, err = person.SignIn(r.t.Context(), at.Page); err != nil {
			r.t.Fatal(err)
		}
	}
	got := result{status: http.StatusFound, text: consent.Text, object: map[string]any{}}
	for name, values := range callback {
		if len(values) != 1 {
			r.t.Errorf("the client is told %s %d times", name, len(values))
		}
		got.object[name] = values[0]
	}
	return got
}
