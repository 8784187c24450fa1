package oauth

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// answer is what came back.
type answer struct {
	at     *url.URL
	status int
	header http.Header
	body   string
}

func (a *answer) String() string {
	return fmt.Sprintf("%d %s %s", a.status, a.header.Get("Location"), words(a.body))
}

// send sends a request with a client. headers are names and values in turn; one that is empty is left out, and one that
// comes twice is sent twice.
func send(t testing.TB, c *http.Client, method, address, body string, headers ...string) *answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		switch {
		case headers[i+1] == "":
		case headers[i] == "Host":
			r.Host = headers[i+1]
		default:
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &answer{r.URL, res.StatusCode, res.Header, string(text)}
}

// do sends a request that no browser sends, to a path of the gateway's.
func (w *world) do(t testing.TB, method, path, body string, headers ...string) *answer {
	t.Helper()
	return send(t, w.http, method, w.origin+path, body, headers...)
}

// get fetches a document of the gateway's.
func (w *world) get(t testing.TB, path string) *answer {
	t.Helper()
	return w.do(t, http.MethodGet, path, "")
}

// object reads an answer that must be a JSON object of this status, in which nothing is null or empty: clients' strict
// schemas take neither.
func (a *answer) object(t testing.TB, status int) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(a.body), &o); err != nil || a.status != status || a.header.Get("Location") != "" ||
		a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s: %s %s: %v, want %d and a JSON object", a.at.Path, a.header.Get("Content-Type"), a, err, status)
	}
	for name, value := range o {
		if value == nil || value == "" {
			t.Errorf("%s: %s is %v", a.at.Path, name, value)
		}
	}
	return o
}

// refused wants an OAuth error in JSON, of just this status and code, that nobody may keep.
func (a *answer) refused(t testing.TB, what string, status int, code string) {
	t.Helper()
	var o map[string]string
	if err := json.Unmarshal([]byte(a.body), &o); err != nil || a.status != status || o["error"] != code ||
		a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "no-store" ||
		a.header.Get("Location") != "" {
		t.Errorf("%s: %s %q, want %d %s in JSON with Cache-Control: no-store", what, a, a.header.Get("Cache-Control"), status, code)
	}
	for name := range o {
		if !slices.Contains([]string{"error", "error_description", "error_uri"}, name) {
			t.Errorf("%s: the error holds %s", what, name)
		}
	}
}

// page wants a page that leads nowhere by itself and that no other may frame.
func (a *answer) page(t testing.TB, what string, status int) {
	t.Helper()
	if a.status != status || len(a.header.Values("Location")) > 0 || a.header.Get("Refresh") != "" ||
		a.header.Get("Content-Type") != "text/html; charset=utf-8" || a.header.Get("Cache-Control") != "no-store" ||
		!strings.Contains(a.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("%s: %s %v, want a page with status %d", what, a, a.header, status)
	}
}

// errorTo wants the client to be told an error at its redirect URI, with state and issuer, each once.
func (a *answer) errorTo(t testing.TB, what string, c *app, code string) url.Values {
	t.Helper()
	query := a.answerTo(t, what, c)
	if got := query["error"]; !slices.Equal(got, []string{code}) || query.Has("code") {
		t.Errorf("%s: the client is told %v, want the error %s", what, query, code)
	}
	return query
}

// answerTo wants the browser to be sent to the client, and answers with what.
func (a *answer) answerTo(t testing.TB, what string, c *app) url.Values {
	t.Helper()
	to, query, _ := strings.Cut(a.header.Get("Location"), "?")
	bare, _, _ := strings.Cut(c.redirect, "?")
	values, err := url.ParseQuery(query)
	if err != nil || a.status != http.StatusSeeOther || to != bare || len(a.header.Values("Location")) != 1 {
		t.Fatalf("%s: %s, want 303 to %s", what, a, bare)
	}
	return values
}

// to answers where the browser is sent, nil if nowhere.
func (a *answer) to() *url.URL {
	if a.header.Get("Location") == "" {
		return nil
	}
	to, err := a.at.Parse(a.header.Get("Location"))
	if err != nil {
		return nil
	}
	return to
}

// challengeForm is the one form that simple parsers of clients read: one scheme, each parameter quoted, printable ASCII
// without quotes and backslashes (RFC 6750 section 3).
var challengeForm = regexp.MustCompile(`^Bearer ([a-z_]+="[ !#-\[\]-~]*")(, [a-z_]+="[ !#-\[\]-~]*")*$`)

var challengePart = regexp.MustCompile(`([a-z_]+)="([^"]*)"`)

// challenge wants an answer of this status with one Bearer challenge, each of its parameters once, and answers them.
func (a *answer) challenge(t testing.TB, what string, status int) map[string]string {
	t.Helper()
	lines := a.header.Values("WWW-Authenticate")
	if a.status != status || len(lines) != 1 || !challengeForm.MatchString(lines[0]) {
		t.Fatalf("%s: %s, WWW-Authenticate %q, want %d and one challenge", what, a, lines, status)
	}
	params := map[string]string{}
	for _, part := range challengePart.FindAllStringSubmatch(lines[0], -1) {
		if _, twice := params[part[1]]; twice {
			t.Errorf("%s: %s stands twice in %s", what, part[1], lines[0])
		}
		params[part[1]] = part[2]
	}
	var o map[string]any
	if err := json.Unmarshal([]byte(a.body), &o); err != nil || a.header.Get("Content-Type") != "application/json" ||
		a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: the body is %s %s: %v", what, a.header.Get("Content-Type"), a.body, err)
	}
	return params
}

// form is a form of a page: where to and what it would send.
type form struct {
	action string
	fields url.Values
}

// form answers the form that has a button of this answer.
func (a *answer) form(t testing.TB, button string) form {
	t.Helper()
	root, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.DataAtom != atom.Form {
			continue
		}
		action, err := a.at.Parse(attribute(n, "action"))
		if err != nil {
			t.Fatal(err)
		}
		found, f := false, form{action: action.String(), fields: url.Values{}}
		for n := range n.Descendants() {
			switch {
			case n.DataAtom == atom.Button:
				found = found || attribute(n, "value") == button
			case n.DataAtom == atom.Input && attribute(n, "type") == "hidden":
				f.fields.Add(attribute(n, "name"), attribute(n, "value"))
			}
		}
		if found {
			return f
		}
	}
	t.Fatalf("no button %q on the page: %s", button, a)
	return form{}
}

// text answers the words of the page.
func (a *answer) text() string { return words(a.body) }

func words(page string) string {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return page
	}
	var all []string
	for n := range root.Descendants() {
		if n.Type == html.TextNode && n.Parent.DataAtom != atom.Style {
			all = append(all, strings.Fields(n.Data)...)
		}
	}
	return strings.Join(all, " ")
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
