package browser

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Page is what of a page matters to whoever fills in its forms.
type Page struct {
	URL    *url.URL
	Status int // of the answer that it came in
	// Heading is its first h1, Text its words: those of its main element, if it has one.
	Heading, Text string

	referrer string // its Referrer-Policy
	forms    []form
}

type form struct {
	action  *url.URL // as written: relative to the page's URL
	method  string
	values  url.Values // of its inputs
	fields  []string   // names of the inputs that a person types into
	buttons []Button   // that submit it
}

// Button is a button that submits a form.
type Button struct{ Name, Value, Text string }

// formOrigin is the Origin header of a form the page sends. With the policy no-referrer it is "null", even to the
// page's own origin (Fetch, "append a request Origin header").
func (p *Page) formOrigin() string {
	if p.referrer == "no-referrer" {
		return "null"
	}
	return originOf(p.URL)
}

// Fill types into a field of a form, in place of what stood there. Whoever presses a button later sends it.
func (p *Page) Fill(field, text string) error {
	for _, f := range p.forms {
		if slices.Contains(f.fields, field) {
			f.values.Set(field, text)
			return nil
		}
	}
	return fmt.Errorf("the page %q has no field %q", p.Heading, field)
}

// Has says whether a person finds such a field on the page.
func (p *Page) Has(field string) bool {
	return slices.ContainsFunc(p.forms, func(f form) bool { return slices.Contains(f.fields, field) })
}

func readPage(answer *http.Response) (*Page, error) {
	u := answer.Request.URL
	if kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); kind != "text/html" {
		return nil, fmt.Errorf("%s answers %s with no page", originOf(u), answer.Status)
	}
	body := io.LimitReader(answer.Body, 1<<20)
	root, err := html.ParseWithOptions(body, html.ParseOptionEnableScripting(false)) // what is in noscript counts
	if err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	p := &Page{URL: u, Status: answer.StatusCode, Text: textOf(root), referrer: answer.Header.Get("Referrer-Policy")}
	for n := range root.Descendants() {
		switch n.DataAtom {
		case atom.H1:
			if p.Heading == "" {
				p.Heading = textOf(n)
			}
		case atom.Main:
			p.Text = textOf(n)
		case atom.Form:
			f, err := readForm(n)
			if err != nil {
				return nil, err
			}
			p.forms = append(p.forms, f)
		}
	}
	return p, nil
}

func readForm(n *html.Node) (form, error) {
	action, err := url.Parse(attribute(n, "action"))
	if err != nil {
		return form{}, fmt.Errorf("read form: %w", err)
	}
	f := form{action: action, method: http.MethodGet, values: url.Values{}}
	if strings.EqualFold(attribute(n, "method"), http.MethodPost) {
		f.method = http.MethodPost
	}
	for n := range n.Descendants() {
		kind, name := strings.ToLower(attribute(n, "type")), attribute(n, "name")
		switch {
		case n.DataAtom == atom.Button && (kind == "" || kind == "submit"):
			f.buttons = append(f.buttons, Button{name, attribute(n, "value"), textOf(n)})
		case n.DataAtom == atom.Input && kind == "submit":
			f.buttons = append(f.buttons, Button{name, attribute(n, "value"), attribute(n, "value")})
		case n.DataAtom != atom.Input || name == "":
		case kind == "hidden":
			f.values.Add(name, attribute(n, "value"))
		case slices.Contains([]string{"", "text", "email", "password"}, kind):
			f.values.Add(name, attribute(n, "value"))
			f.fields = append(f.fields, name)
		}
	}
	return f, nil
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// textOf is a node's words, one space apart, without those that no browser shows.
func textOf(n *html.Node) string {
	var words []string
	for d := range n.Descendants() {
		if d.Type == html.TextNode && !slices.Contains([]atom.Atom{atom.Style, atom.Script, atom.Title}, d.Parent.DataAtom) {
			words = append(words, strings.Fields(d.Data)...)
		}
	}
	return strings.Join(words, " ")
}
