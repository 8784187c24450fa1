// Package browser is a browser without a screen: it follows redirects, keeps cookies, fills in forms, and sends the
// headers by which servers tell who sent a form. It promises to stop before the redirect URI of the client it works for,
// which nobody need listen at. It runs no scripts and enforces no Content-Security-Policy: a real browser shows those.
package browser

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

// Browser is what a person's browser is to the pages of a sign-in: cookies, redirects, forms, and the headers by which
// servers tell who sent a form. It runs no scripts.
type Browser struct {
	client   *http.Client
	callback string // the client's redirect URI: it ends the journey and is never fetched
}

// Landing is where a navigation ended: at a page, or at the client's redirect URI.
type Landing struct {
	Page     *Page
	Callback url.Values
}

// PageError says that a navigation ended at a page with another status than 200, which is what servers tell a person by
// a page that something is wrong.
type PageError struct{ Page *Page }

func (e *PageError) Error() string {
	return fmt.Sprintf("%s answers %d %s: %s", originOf(e.Page.URL), e.Page.Status, http.StatusText(e.Page.Status),
		e.Page.Text)
}

// New makes a browser without cookies. callback is the redirect URI, without a query, at which a journey ends.
func New(transport http.RoundTripper, callback string) (*Browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("make cookie jar: %w", err)
	}
	return &Browser{callback: callback, client: &http.Client{
		Transport: transport, Jar: jar, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Open goes to an address as if another program had asked the browser to. It fails with a *PageError if it ends at a
// page that says what is wrong; so does Press.
func (b *Browser) Open(ctx context.Context, address string) (Landing, error) {
	u, err := url.Parse(address)
	if err != nil {
		return Landing{}, err
	}
	return b.navigate(ctx, nil, http.MethodGet, u, nil)
}

// Press sends the form of the button that is wanted.
func (b *Browser) Press(ctx context.Context, at *Page, wanted func(Button) bool) (Landing, error) {
	for _, f := range at.forms {
		i := slices.IndexFunc(f.buttons, wanted)
		if i < 0 {
			continue
		}
		values := url.Values{}
		for name, all := range f.values {
			values[name] = slices.Clone(all)
		}
		if chosen := f.buttons[i]; chosen.Name != "" {
			values.Add(chosen.Name, chosen.Value)
		}
		return b.navigate(ctx, at, f.method, at.URL.ResolveReference(f.action), values)
	}
	return Landing{}, fmt.Errorf("the page %q has no such button", at.Heading)
}

// navigate sends a request and follows where it leads. from is the page it started from, nil for none.
func (b *Browser) navigate(
	ctx context.Context, from *Page, method string, to *url.URL, form url.Values,
) (Landing, error) {
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
		if where, query := cutQuery(to.String()); where == b.callback {
			values, err := url.ParseQuery(query)
			if err != nil {
				return Landing{}, errors.New("the client's answer cannot be read")
			}
			return Landing{Callback: values}, nil
		}
		site = farther(site, from, to)
		answer, err := b.send(ctx, from, site, method, to, form)
		if err != nil {
			return Landing{}, err
		}
		next, err := answer.Location()
		if err != nil {
			return b.read(answer)
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusTemporaryRedirect || answer.StatusCode == http.StatusPermanentRedirect {
			return Landing{}, fmt.Errorf("%s would have the browser send the form on", originOf(to))
		}
		method, form, to = http.MethodGet, nil, next
	}
	return Landing{}, errors.New("too many redirects")
}

func (b *Browser) send(
	ctx context.Context, from *Page, site, method string, to *url.URL, form url.Values,
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
func (b *Browser) read(answer *http.Response) (Landing, error) {
	defer answer.Body.Close()
	p, err := readPage(answer)
	if err != nil {
		return Landing{}, err
	}
	if p.Status != http.StatusOK {
		return Landing{}, &PageError{p}
	}
	return Landing{Page: p}, nil
}

// farther is Sec-Fetch-Site after one more hop (Fetch Metadata, section 2.3): it speaks of the page that began the
// journey and of every URL on the way, so that it only ever gets farther.
func farther(site string, from *Page, to *url.URL) string {
	if from == nil || site == "cross-site" {
		return site
	}
	switch {
	case originOf(from.URL) == originOf(to):
		return site
	case from.URL.Scheme == to.Scheme && from.URL.Hostname() == to.Hostname():
		return "same-site"
	}
	return "cross-site"
}

func originOf(u *url.URL) string { return u.Scheme + "://" + u.Host }

// cutQuery splits an address where its query begins, and drops fragment and userinfo.
func cutQuery(address string) (where, query string) {
	u, err := url.Parse(address)
	if err != nil {
		return "a URL that is none", ""
	}
	query = u.RawQuery
	u.RawQuery, u.Fragment, u.User = "", "", nil
	return u.String(), query
}
