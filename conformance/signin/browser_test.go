package signin

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// browser is a person's browser as far as servers see one: a cookie jar, and the headers by which they tell who sent a
// request. It follows no redirect: a test looks at each step, and decides who takes the next one.
type browser struct {
	t    testing.TB
	w    *world
	jar  http.CookieJar
	http *http.Client
}

func (w *world) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := *w.http
	c.Jar = jar
	return &browser{t: t, w: w, jar: jar, http: &c}
}

// at is the same browser at another policy.
func (b *browser) at(w *world) *browser {
	other := *b
	other.w = w
	return &other
}

// answer is what came back.
type answer struct {
	at     *url.URL
	status int
	header http.Header
	body   string
}

// get opens an address: a path of the gateway's, or a URL. headers are names and values in turn; one that is empty is
// left out of the request.
func (b *browser) get(address string, headers ...string) *answer {
	b.t.Helper()
	return b.send(http.MethodGet, address, nil, append([]string{"Sec-Fetch-Site", "none"}, headers...))
}

// post sends a form as a page of the gateway's own does, which sends no referrer and so Origin: null.
func (b *browser) post(address string, form url.Values, headers ...string) *answer {
	b.t.Helper()
	return b.send(http.MethodPost, address, form, append([]string{
		"Sec-Fetch-Site", "same-origin", "Origin", "null", "Content-Type", "application/x-www-form-urlencoded",
	}, headers...))
}

func (b *browser) send(method, address string, form url.Values, headers []string) *answer {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.w.origin + address
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, address, body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return &answer{at: r.URL, status: res.StatusCode, header: res.Header, body: string(text)}
}

// cookie answers the value of the browser's own cookie whose name ends in suffix, or "".
func (b *browser) cookie(suffix string) string {
	for name, value := range b.cookies() {
		if strings.HasSuffix(name, suffix) {
			return value
		}
	}
	return ""
}

// cookies answers what the browser would send to the gateway.
func (b *browser) cookies() map[string]string {
	at, err := url.Parse(b.w.origin)
	if err != nil {
		b.t.Fatal(err)
	}
	all := map[string]string{}
	for _, c := range b.jar.Cookies(at) {
		all[c.Name] = c.Value
	}
	return all
}

// plant puts a cookie into the browser, as malware or a hostile neighbour might.
func (b *browser) plant(name, value string) {
	b.t.Helper()
	at, err := url.Parse(b.w.origin)
	if err != nil {
		b.t.Fatal(err)
	}
	b.jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: at.Scheme == "https"}})
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

// query answers the parameters with which the browser is sent on, nil if it is not.
func (a *answer) query() url.Values {
	if to := a.to(); to != nil {
		return to.Query()
	}
	return nil
}

// set answers the cookies that the answer sets, those left out that it takes away.
func (a *answer) set() []*http.Cookie {
	all := (&http.Response{Header: a.header}).Cookies()
	return slices.DeleteFunc(all, func(c *http.Cookie) bool { return c.MaxAge < 0 })
}

// form is a form of a page: where to and what it would send, and the answers that its buttons give.
type form struct {
	action  string
	fields  url.Values
	answers []string
}

func (a *answer) forms(t testing.TB) []form {
	t.Helper()
	root, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	var all []form
	for n := range root.Descendants() {
		if n.DataAtom != atom.Form {
			continue
		}
		action, err := a.at.Parse(attribute(n, "action"))
		if err != nil {
			t.Fatal(err)
		}
		f := form{action: action.String(), fields: url.Values{}}
		for n := range n.Descendants() {
			switch {
			case n.DataAtom == atom.Button:
				f.answers = append(f.answers, attribute(n, "value"))
			case n.DataAtom == atom.Input && attribute(n, "type") == "hidden":
				f.fields.Add(attribute(n, "name"), attribute(n, "value"))
			}
		}
		all = append(all, f)
	}
	return all
}

// form answers the form that has a button of this answer.
func (a *answer) form(t testing.TB, answer string) form {
	t.Helper()
	for _, f := range a.forms(t) {
		if slices.Contains(f.answers, answer) {
			return f
		}
	}
	t.Fatalf("no button %q on the page: %d %s", answer, a.status, words(a.body))
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
