package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"time"
)

// browser is what a person's browser is to the pages of a sign-in: cookies, redirects, forms, and the headers by which
// servers tell who sent a form. It runs no scripts.
type browser struct {
	client   *http.Client
	callback string // the client's redirect URI: it ends the journey and is never fetched
}

// landing is where a navigation ended: at a page, or at the client's redirect URI.
type landing struct {
	page     *page
	callback url.Values
}

func newBrowser(transport http.RoundTripper, callback string) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("make cookie jar: %w", err)
	}
	return &browser{callback: callback, client: &http.Client{
		Transport: transport, Jar: jar, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// open goes to an address as if another program had asked the browser to.
func (b *browser) open(ctx context.Context, address string) (landing, error) {
	u, err := url.Parse(address)
	if err != nil {
		return landing{}, err
	}
	return b.navigate(ctx, nil, http.MethodGet, u, nil)
}

// press sends the form of the button that is wanted.
func (b *browser) press(ctx context.Context, at *page, wanted func(button) bool) (landing, error) {
	for _, f := range at.forms {
		i := slices.IndexFunc(f.buttons, wanted)
		if i < 0 {
			continue
		}
		values := url.Values{}
		for name, all := range f.values {
			values[name] = slices.Clone(all)
		}
		if chosen := f.buttons[i]; chosen.name != "" {
			values.Add(chosen.name, chosen.value)
		}
		return b.navigate(ctx, at, f.method, at.url.ResolveReference(f.action), values)
	}
	return landing{}, fmt.Errorf("the page %q has no such button", at.heading)
}

// navigate sends a request and follows where it leads. from is the page it started from, nil for none.
func (b *browser) navigate(
	ctx context.Context, from *page, method string, to *url.URL, form url.Values,
) (landing, error) {
	site := "none"
	if from != nil {
		site = "same-origin"
	}
	if method == http.MethodGet && form != nil {
		next := *to
		next.RawQuery = form.Encode()
		to, form = &next, nil
	}
	for range 10 {
		if where, query, _ := cutQuery(to.String()); where == b.callback {
			values, err := url.ParseQuery(query)
			if err != nil {
				return landing{}, errors.New("the client's answer cannot be read")
			}
			return landing{callback: values}, nil
		}
		site = farther(site, from, to)
		answer, err := b.send(ctx, from, site, method, to, form)
		if err != nil {
			return landing{}, err
		}
		next, err := answer.Location()
		if err != nil {
			return b.read(answer)
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusTemporaryRedirect || answer.StatusCode == http.StatusPermanentRedirect {
			return landing{}, fmt.Errorf("%s would have the browser send the form on", originOf(to))
		}
		method, form, to = http.MethodGet, nil, next
	}
	return landing{}, errors.New("too many redirects")
}

func (b *browser) send(
	ctx context.Context, from *page, site, method string, to *url.URL, form url.Values,
) (*http.Response, error) {
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, to.String(), body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Site", site)
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	r.Header.Set("Sec-Fetch-User", "?1")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", from.formOrigin())
	}
	return b.client.Do(r)
}

// read takes the answer that a navigation ended with.
func (b *browser) read(answer *http.Response) (landing, error) {
	defer answer.Body.Close()
	p, err := readPage(answer)
	if err != nil {
		return landing{}, err
	}
	if answer.StatusCode != http.StatusOK {
		return landing{}, fmt.Errorf("%s answers %s: %s", originOf(p.url), answer.Status, p.text)
	}
	return landing{page: p}, nil
}

// farther is Sec-Fetch-Site after one more hop (Fetch Metadata, section 2.3): it speaks of the page that began the
// journey and of every URL on the way, so that it only ever gets farther.
func farther(site string, from *page, to *url.URL) string {
	if from == nil || site == "cross-site" {
		return site
	}
	switch {
	case originOf(from.url) == originOf(to):
		return site
	case from.url.Scheme == to.Scheme && from.url.Hostname() == to.Hostname():
		return "same-site"
	}
	return "cross-site"
}
