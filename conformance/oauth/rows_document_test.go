package oauth

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"durward/conformance/clienthost"
)

// The rows on client metadata documents play at policies whose gateway may fetch from clients' host on this machine.
// What is fetched and from where, seen at the socket, is conformance/cimd's.

func documentRows() []row {
	return []row{
		{
			id: "A6", holds: "metadata says that documents are taken where they are, and nothing where they are switched off",
			in: local, play: documentsAdvertised,
		},
		{
			id: "A10", holds: "a client_id that is a URL is a document's, and the client needs no registration",
			in: local, play: func(t *testing.T, w *world) {
				for _, at := range []*world{w, w.at(t, "reduced")} {
					a := at.published(t, "/a10-"+at.path[5:], nil)
					got := at.browser(t).tokens(t, a)
					at.alive(t, at.path, got.Access)
					at.alive(t, at.path+", refreshed", a.refresh(t, got.Refresh).tokens(t).Access)
				}
				off := w.at(t, "closed")
				off.browser(t).get(t, off.published(t, "/a10-off", nil).ask()).page(t, "switched off", 400)
				if n := w.host.Count("/a10-off"); n != 0 {
					t.Errorf("switched off, it is fetched %d times", n)
				}
			},
		},
		{
			id: "A11", holds: "a document's URL is https with a path, a port if need be, without dot segments, fragment, user and query, and is compared as a string",
			in: local, play: documentURLs,
			breaks: []edit{{"policies/oauth/internal/cimd/id.go", `if segment == "." || segment == ".." {`,
				`if segment == ".." {`}},
		},
		{
			id: "A12", holds: "of answers 200 alone is a document, and no redirect is followed",
			in: local, play: onlyOK,
			breaks: []edit{{"policies/oauth/internal/egress/client.go", `case response.StatusCode != http.StatusOK:`,
				`case response.StatusCode >= 300:`}},
		},
		{
			id: "A13", holds: "a document is JSON that names its own URL, a name and redirect URIs, and says that it is JSON",
			in: local, play: documentForm,
			breaks: []edit{{"policies/oauth/internal/cimd/documents.go", `if !isJSON(answer.Header.Get("Content-Type")) {`,
				`if answer.Header.Get("Content-Type") == "" {`}},
		},
		{
			id: "A14", holds: "no shared secret comes from a document; one that names private_key_jwt has its client prove itself",
			in: local, play: documentKeys,
			breaks: []edit{{"policies/oauth/internal/cimd/document.go", `if named == MethodNone || slices.Contains(listed, MethodNone) {`,
				`if named != "" || slices.Contains(listed, MethodNone) {`}},
		},
		{
			id: "A15", holds: "nothing is fetched from addresses that are not public, neither a document nor a client's keys",
			play: func(t *testing.T, w *world) {
				host := clienthost.Start(t)
				w.noDocument(t, "a document on this machine", host.Publish("/client", nil))
				w.registration(t, metadata{
					"redirect_uris": list(usualRedirect), "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": host.URL + "/keys",
				}).refused(t, "keys on this machine", 400, "invalid_client_metadata")
				if n := host.Accepted(); n != 0 {
					t.Errorf("%d connections are made to it", n)
				}
			},
			breaks: []edit{
				{"policies/oauth/internal/egress/url.go", `if c.guardian.SafeAddr(address) != nil {`,
					`if c.guardian.SafeAddr(address) != nil && address.IsUnspecified() {`},
				{"policies/oauth/internal/egress/client.go", `dialer := net.Dialer{Resolver: c.resolver, ControlContext: c.judge}`,
					`dialer := net.Dialer{Resolver: c.resolver}`},
			},
		},
		{
			id: "A16", holds: "a document of more than 5 KiB is none",
			in: local, play: func(t *testing.T, w *world) {
				for size, want := range map[int]int{5 << 10: 200, 5<<10 + 1: 400, 1 << 20: 400} {
					path := fmt.Sprintf("/a16-%d", size)
					bare := len(clienthost.Document(w.host.URL+path, map[string]any{"x": ""}))
					a := w.published(t, path, map[string]any{"x": strings.Repeat("x", size-bare)})
					w.browser(t).get(t, a.ask()).page(t, fmt.Sprint(size), want)
				}
			},
			breaks: []edit{{"policies/oauth/internal/cimd/documents.go", `maxDocument   = 5 << 10`,
				`maxDocument   = 6 << 10`}},
		},
		{
			id: "A17", holds: "a document is kept as long as HTTP says, and a failure not at all",
			in: moved, play: keptDocuments,
			breaks: []edit{{"policies/oauth/internal/cimd/freshness.go", `return min(max(fresh, minFresh), maxFresh)`,
				`return max(fresh, maxFresh)`}},
		},
		{
			id: "A18", holds: "a redirect URI must be the document's, and whose keys, name or hosts have changed asks anew",
			in: local, play: changedDocument,
			breaks: []edit{{"policies/oauth/internal/cimd/document.go", `essence.Name = d.Name`,
				`essence.Name = ""`}},
		},
		{
			id: "A19", holds: "if there is no document the person sees a page, and the client is told nothing",
			in: local, play: func(t *testing.T, w *world) {
				b := w.browser(t)
				b.signIn(t)
				missing := &app{w: w, id: w.host.URL + "/a19-missing", redirect: "https://evil.example/", verifier: oauth2.GenerateVerifier()}
				b.get(t, missing.ask()).page(t, "no document", 400)
				b.get(t, missing.ask("prompt", "none")).page(t, "no document, silently", 400)
				missing.id = "https://127.0.0.1:1/a19" // nobody listens there
				got := b.get(t, missing.ask())
				got.page(t, "no host", 503)
				if got.header.Get("Retry-After") == "" {
					t.Error("no host: no Retry-After")
				}
			},
		},
		{
			id: "A20", holds: "the consent page names the host of the client's URL and where the answer goes, warns if that is this machine, and shows no picture of the client's",
			in: local, play: hostsOnThePage,
		},
		{
			id: "A21", holds: "who runs the gateway may say whose clients are trusted, and others get no further than a page",
			in: local, play: trustedHosts,
			breaks: []edit{{"policies/oauth/trust.go", `strings.HasSuffix(host, below) && host != below`,
				`strings.HasSuffix(host, below[1:]) && host != below`}},
		},
		{
			id: "A22", holds: "an id that was made here never looks like a document's URL",
			play: func(t *testing.T, w *world) {
				for range 5 {
					if a := w.app(t); strings.Contains(a.id, ":") || strings.Contains(a.id, "/") || len(a.id) < 20 {
						t.Errorf("the id %q", a.id)
					}
				}
				for _, chosen := range []string{"https://evil.example/client", "dw-mine"} {
					if a := w.register(t, metadata{"client_id": chosen}); a.id == chosen || strings.HasPrefix(a.id, "https://") {
						t.Errorf("a client chooses its id: %s", a.id)
					}
				}
			},
		},
		{
			id: "Q12", holds: "metadata advertises documents together with the method none, and both work",
			in: local, play: func(t *testing.T, w *world) {
				document := w.get(t, serverDocument).object(t, 200)
				if document["client_id_metadata_document_supported"] != true || texts(document["token_endpoint_auth_methods_supported"])[0] != "none" {
					t.Errorf("%v", document)
				}
				w.browser(t).tokens(t, w.published(t, "/q12", nil))
			},
		},
		{
			id: "Q16", holds: "Claude Code's document lists loopback addresses without a port, and any port is taken, on localhost too",
			in: local, play: func(t *testing.T, w *world) {
				a := w.published(t, "/oauth/claude-code-client-metadata", map[string]any{
					"client_name": "Claude Code", "redirect_uris": list("http://localhost/callback", "http://127.0.0.1/callback"),
				})
				b := w.browser(t)
				for _, redirect := range []string{"http://localhost:54212/callback", "http://127.0.0.1:3118/callback", "http://localhost/callback"} {
					use := *a
					use.redirect = redirect
					w.alive(t, redirect, b.tokens(t, &use).Access)
				}
				b.get(t, a.ask("redirect_uri", "http://localhost:54212/other")).page(t, "another path", 400)
				registered := w.app(t, "http://localhost/callback")
				registered.redirect = "http://localhost:54212/callback"
				b.tokens(t, registered)
			},
		},
		{
			id: "Q26", holds: "ChatGPT's document declares private_key_jwt with keys elsewhere, and its assertions are taken; none is, if it is listed",
			in: local, play: chatGPT,
		},
		{
			id: "Q38", holds: "VS Code finds that documents are taken, uses its own, and could register instead",
			in: local, play: func(t *testing.T, w *world) {
				if w.get(t, serverDocument).object(t, 200)["client_id_metadata_document_supported"] != true {
					t.Error("metadata does not say so")
				}
				a := w.published(t, "/oauth/client-metadata.json", map[string]any{
					"client_name": "Visual Studio Code", "redirect_uris": list("http://127.0.0.1:33418/", "https://vscode.dev/redirect"),
				})
				for _, redirect := range []string{"http://127.0.0.1:33418/", "http://127.0.0.1:60000/", "https://vscode.dev/redirect"} {
					use := *a
					use.redirect = redirect
					w.browser(t).tokens(t, &use)
				}
				off := w.at(t, "closed")
				if said, has := off.get(t, serverDocument+"/closed").object(t, 200)["client_id_metadata_document_supported"]; has {
					t.Errorf("where they are not taken, metadata says %v", said)
				}
				off.browser(t).tokens(t, off.app(t, "http://127.0.0.1:33418/"))
			},
		},
		{
			id: "Q49", holds: "Goose's document lists a bare http://localhost: that is taken at any port, another path is not, and registering still works",
			in: local, play: func(t *testing.T, w *world) {
				a := w.published(t, "/q49", map[string]any{"redirect_uris": list("http://localhost")})
				a.redirect = "http://localhost:41234"
				w.browser(t).tokens(t, a)
				w.browser(t).get(t, a.ask("redirect_uri", "http://localhost:41234/oauth_callback")).page(t, "a path", 400)
				registered := w.app(t, "http://localhost:41234/oauth_callback")
				w.browser(t).tokens(t, registered)
			},
		},
	}
}

// published is a client of which there is a document and no registration.
func (w *world) published(t testing.TB, path string, changes map[string]any) *app {
	t.Helper()
	a := &app{w: w, id: w.host.Publish(path, changes), method: "none", redirect: "http://127.0.0.1:9/callback", verifier: oauth2.GenerateVerifier()}
	if method, ok := changes["token_endpoint_auth_method"].(string); ok {
		a.method = method
	}
	if redirects, ok := changes["redirect_uris"].([]any); ok && len(redirects) > 0 {
		a.redirect, _ = redirects[0].(string)
	}
	return a
}

// documented is a client that says that its document is at a URL.
func (w *world) documented(id string) *app {
	return &app{w: w, id: id, method: "none", redirect: "http://127.0.0.1:9/callback", verifier: oauth2.GenerateVerifier()}
}

// noDocument wants a client_id that is no good, or whose document is not, to lead to a page that says so and nowhere else.
func (w *world) noDocument(t *testing.T, what, id string) {
	t.Helper()
	a := w.documented(id)
	w.browser(t).get(t, a.ask()).page(t, what, http.StatusBadRequest)
	a.redeem(t, "dwc_x").refused(t, what+", tokens", http.StatusUnauthorized, "invalid_client")
}

// unread wants a client_id whose document cannot be had to lead to a page that says to try again, and nowhere else.
func (w *world) unread(t *testing.T, what, id string) {
	t.Helper()
	got := w.browser(t).get(t, w.documented(id).ask())
	got.page(t, what, http.StatusServiceUnavailable)
	if got.header.Get("Retry-After") == "" {
		t.Errorf("%s: no Retry-After", what)
	}
}

// notOK wants a document that comes with this status, which is not 200, to be none.
func (w *world) notOK(t *testing.T, what string, status int, id string) {
	t.Helper()
	if status == http.StatusNotFound || status == http.StatusGone { // the host says that there is none
		w.noDocument(t, what, id)
		return
	}
	w.unread(t, what, id)
}

func documentsAdvertised(t *testing.T, w *world) {
	for _, place := range []string{serverDocument, openidDocument} {
		if got := w.get(t, place).object(t, 200)["client_id_metadata_document_supported"]; got != true {
			t.Errorf("%s says %v", place, got)
		}
		if got, has := w.get(t, place+"/closed").object(t, 200)["client_id_metadata_document_supported"]; has {
			t.Errorf("switched off, %s says %v", place, got)
		}
	}
	w.browser(t).tokens(t, w.published(t, "/a6", nil))
}

func onlyOK(t *testing.T, w *world) {
	w.browser(t).tokens(t, w.published(t, "/a12", nil))
	for _, status := range []int{201, 202, 203, 206, 301, 302, 307, 308, 400, 401, 403, 404, 410, 500, 503} {
		path := fmt.Sprintf("/a12-%d", status)
		document := clienthost.Document(w.host.URL+path, nil)
		// Whoever follows finds all that is asked of a document.
		w.host.SetDocument(path+"-to", http.StatusOK, nil, document)
		w.host.SetDocument(path, status, http.Header{"Location": {w.host.URL + path + "-to"}}, document)
		w.notOK(t, fmt.Sprint(status), status, w.host.URL+path)
		if n := w.host.Count(path + "-to"); n != 0 {
			t.Errorf("%d is followed", status)
		}
	}
}

func documentURLs(t *testing.T, w *world) {
	const path = "/a11/with.dots/and~more"
	good := w.published(t, path, nil)
	w.browser(t).tokens(t, good)
	fetched := func() (n int) {
		for _, request := range w.host.Requests() {
			if request.Path == "/" || strings.HasPrefix(request.Path, "/a11/") {
				n++
			}
		}
		return n
	}
	before := fetched()
	if before == 0 {
		t.Error("a port and dots within a name are no reason not to fetch")
	}
	for _, bad := range []string{
		w.host.URL, w.host.URL + "/", strings.Replace(good.id, "https:", "http:", 1), strings.Replace(good.id, "https:", "HTTPS:", 1),
		good.id + "#", good.id + "#x", w.host.URL + "/a11/x/../more", w.host.URL + "/a11/./more", w.host.URL + "/a11/x/%2e%2e/more",
		strings.Replace(good.id, "://", "://user@", 1), strings.Replace(good.id, "://", "://user:pw@", 1), good.id + "?", good.id + "?x=1",
		good.id + " ", " " + good.id, good.id + "%", good.id + "\n",
	} {
		// Whoever fetches it all the same finds a document that names just this URL.
		if at, err := url.Parse(bad); err == nil {
			w.host.SetDocument(cmp.Or(at.Path, "/"), http.StatusOK, http.Header{"Cache-Control": {"no-store"}}, clienthost.Document(bad, nil))
		}
		w.noDocument(t, bad, bad)
	}
	if n := fetched() - before; n != 0 {
		t.Errorf("%d of them are fetched", n)
	}
	// Another string is another client, though it leads to the same document.
	w.host.Publish(path, nil)
	for _, other := range []string{strings.Replace(good.id, "~", "%7e", 1), strings.Replace(good.id, "a11", "%611", 1)} {
		w.noDocument(t, other, other)
	}
}

func documentForm(t *testing.T, w *world) {
	serve := func(name, kind, body string) string {
		path := "/a13/" + name
		header := http.Header{"Content-Type": {kind}, "Cache-Control": {"no-store"}}
		if body == "" {
			body = clienthost.Document(w.host.URL+path, nil)
		}
		w.host.SetDocument(path, http.StatusOK, header, body)
		return w.host.URL + path
	}
	for _, kind := range []string{"application/json", "application/json; charset=utf-8", "application/oauth-client+json"} {
		w.browser(t).tokens(t, w.documented(serve("kind"+strings.Map(letters, kind), kind, "")))
	}
	for _, kind := range []string{"text/html", "text/plain", "application/jsonx", "text/json+x", "application/octet-stream"} {
		w.noDocument(t, kind, serve("bad"+strings.Map(letters, kind), kind, ""))
	}
	for name, body := range map[string]string{
		"array": `[]`, "null": `null`, "text": `"x"`, "empty": ` `, "cut": `{"client_id":`, "two": clienthost.Document(w.host.URL+"/a13/two", nil) + "{}",
		"html": "<!doctype html>",
	} {
		w.noDocument(t, name, serve(name, "application/json", body))
	}
	for _, member := range []string{"client_id", "client_name", "redirect_uris"} {
		for i, value := range []any{nil, json.RawMessage("null"), "", 7, []string{}, map[string]any{}} { // nil: it is left out
			path := fmt.Sprintf("/a13/%s-%d", member, i)
			w.noDocument(t, fmt.Sprintf("%s %v", member, value), w.host.Publish(path, map[string]any{member: value}))
		}
	}
	w.noDocument(t, "another's id", w.host.Publish("/a13/other", map[string]any{"client_id": w.host.URL + "/a13/else"}))
}

// letters keeps what may stand in a path as it is.
func letters(r rune) rune {
	if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
		return r
	}
	return '-'
}

func documentKeys(t *testing.T, w *world) {
	for name, changes := range map[string]map[string]any{
		"secret": {"client_secret": "x"}, "expires": {"client_secret_expires_at": 0}, "basic": {"token_endpoint_auth_method": "client_secret_basic"},
		"post": {"token_endpoint_auth_method": "client_secret_post"}, "jwt": {"token_endpoint_auth_method": "client_secret_jwt"},
		"keyless": {"token_endpoint_auth_method": "private_key_jwt"},
	} {
		w.noDocument(t, name, w.host.Publish("/a14/"+name, changes))
	}
	key := clienthost.NewECKey(t, "one")
	a := w.published(t, "/a14/confidential", map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks": clienthost.Set(key)})
	a.key = key
	code := w.browser(t).code(t, a)
	unproved := *a
	unproved.method = "none"
	unproved.redeem(t, code).refused(t, "without an assertion", 401, "invalid_client")
	unproved.key, unproved.method = clienthost.NewECKey(t, "one"), a.method
	unproved.redeem(t, code).refused(t, "by another key", 401, "invalid_client")
	got := a.redeem(t, code).tokens(t)
	unproved.method = "none"
	unproved.refresh(t, got.Refresh).refused(t, "a refresh without an assertion", 401, "invalid_client")
	w.alive(t, "proved", a.refresh(t, got.Refresh).tokens(t).Access)
}

func keptDocuments(t *testing.T, w *world) {
	path := "/a17/kept"
	a := w.published(t, path, nil)
	w.host.SetDocument(path, 200, http.Header{"Cache-Control": {"max-age=3600"}}, clienthost.Document(a.id, nil))
	for range 3 {
		w.browser(t).tokens(t, a)
		w.forward(15 * time.Minute)
	}
	if n := w.host.Count(path); n != 1 {
		t.Errorf("kept for an hour, it is fetched %d times", n)
	}
	w.forward(16 * time.Minute)
	w.browser(t).tokens(t, a)
	if n := w.host.Count(path); n != 2 {
		t.Errorf("after its hour it has been fetched %d times in all", n)
	}
	a = w.published(t, "/a17/fresh", nil) // no-store
	w.browser(t).tokens(t, a)
	before := w.host.Count("/a17/fresh")
	w.browser(t).get(t, a.ask()).page(t, "again", 200)
	if w.host.Count("/a17/fresh") == before {
		t.Error("what may not be kept is kept")
	}
	for name, status := range map[string]int{"missing": 404, "failing": 500} {
		path := "/a17/" + name
		failed := w.documented(w.host.URL + path)
		w.host.SetDocument(path, status, http.Header{"Cache-Control": {"max-age=3600"}}, clienthost.Document(failed.id, nil))
		w.notOK(t, name, status, failed.id)
		w.host.Publish(path, nil)
		w.browser(t).tokens(t, failed)
	}
	bad := w.published(t, "/a17/bad", nil)
	w.host.SetDocument("/a17/bad", 200, http.Header{"Cache-Control": {"max-age=3600"}}, `{}`)
	w.noDocument(t, "invalid", bad.id)
	w.host.Publish("/a17/bad", nil)
	w.browser(t).tokens(t, bad)
}

func changedDocument(t *testing.T, w *world) {
	a := w.published(t, "/a18", map[string]any{"redirect_uris": list("https://one.example/cb")})
	b := w.browser(t)
	for _, other := range []string{"https://one.example/cb/", "https://two.example/cb", "http://127.0.0.1/callback"} {
		b.get(t, a.ask("redirect_uri", other)).page(t, other, 400)
	}
	b.tokens(t, a)
	if page := b.asked(t, a); !strings.Contains(page.body, "<time") || strings.Contains(page.text(), "has changed") {
		t.Errorf("unchanged, the page does not say that it was allowed before: %s", page.text())
	}
	for what, changes := range map[string]map[string]any{
		"name": {"client_name": "Another", "redirect_uris": list("https://one.example/cb")},
		"host": {"redirect_uris": list("https://one.example/cb", "https://two.example/cb")},
		"keys": {"redirect_uris": list("https://one.example/cb"), "token_endpoint_auth_method": "private_key_jwt", "jwks": clienthost.Set(clienthost.NewECKey(t, "x"))},
	} {
		w.host.Publish("/a18", changes)
		if page := b.asked(t, a); !strings.Contains(page.text(), "changed since") {
			t.Errorf("%s: the page does not say that the client has changed: %s", what, page.text())
		}
	}
}

func hostsOnThePage(t *testing.T, w *world) {
	const host = "described by 127.0.0.1" // the port is the host's own business
	web := w.published(t, "/a20/web", map[string]any{
		"redirect_uris": list("https://answers.example/cb"), "logo_uri": w.host.URL + "/a20/logo.png", "client_name": "Drawing Board",
	})
	page := w.browser(t).asked(t, web)
	for _, want := range []string{host, "answers.example", "Drawing Board"} {
		if !strings.Contains(page.text(), want) {
			t.Errorf("the page does not show %q: %s", want, page.text())
		}
	}
	if strings.Contains(page.body, "logo.png") || w.host.Count("/a20/logo.png") != 0 {
		t.Error("the client's logo is shown or fetched")
	}
	device := w.browser(t).asked(t, w.published(t, "/a20/device", nil))
	if !strings.Contains(device.text(), host) || !strings.Contains(device.text(), "This app runs on your device") ||
		strings.Contains(page.text(), "This app runs on your device") {
		t.Errorf("a client on this machine: %s", device.text())
	}
}

func trustedHosts(t *testing.T, w *world) {
	w, denying := w.at(t, "trusting"), w.at(t, "reduced")
	w.browser(t).tokens(t, w.published(t, "/a21", nil)) // its host is allowed by name
	for _, redirect := range []string{"https://app.trusted.example/cb"} {
		w.browser(t).tokens(t, w.app(t, redirect))
	}
	for _, redirect := range []string{
		"https://evil.example/cb", "https://trusted.example/cb", "https://app.trusted.example.evil.example/cb", "https://apptrusted.example/cb",
		"http://127.0.0.1/cb", "http://localhost/cb", "cursor://anysphere.cursor-mcp/oauth/callback",
	} {
		if got := w.registration(t, metadata{"redirect_uris": list(redirect)}); got.status < 400 || got.status > 403 || strings.Contains(got.body, "client_id\"") {
			t.Errorf("%s registers: %s", redirect, got)
		}
		both := w.registration(t, metadata{"redirect_uris": list("https://app.trusted.example/cb", redirect)})
		if both.status < 400 || both.status > 403 {
			t.Errorf("%s registers beside a trusted one: %s", redirect, both)
		}
	}
	untrusted := func(w *world, what, id string) {
		t.Helper()
		a := w.documented(id)
		w.browser(t).get(t, a.ask()).page(t, what, 400)
		a.redeem(t, "dwc_x").refused(t, what+", tokens", 400, "unauthorized_client")
	}
	// Nobody looks for the document: it would be found that there is no such host, which is told otherwise.
	untrusted(w, "a document of a host that is not allowed", "https://client.evil.example/metadata")
	untrusted(denying, "a document of a host that is denied", "https://app.denied.example/metadata")
	untrusted(denying, "a redirect URI of a host that is denied", denying.host.Publish("/a21-denied", map[string]any{
		"redirect_uris": list("http://127.0.0.1/cb", "https://app.denied.example/cb"),
	}))
	denying.browser(t).tokens(t, denying.published(t, "/a21-other", nil))
}

func chatGPT(t *testing.T, w *world) {
	key := clienthost.NewKey(t, "chatgpt-1")
	w.host.SetDocument("/oauth/jwks.json", 200, nil, encode(t, clienthost.Set(key)))
	document := func(path string, more map[string]any) *app {
		changes := map[string]any{
			"client_name": "ChatGPT", "redirect_uris": list("https://chatgpt.com/connector/oauth/abc"),
			"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "RS256", "jwks_uri": w.host.URL + "/oauth/jwks.json",
		}
		maps.Copy(changes, more)
		a := w.published(t, path, changes)
		a.key = key
		return a
	}
	a := document("/oauth/abc/client.json", nil)
	got := w.browser(t).tokens(t, a)
	w.alive(t, "by assertion", a.refresh(t, got.Refresh).tokens(t).Access)
	public := *a
	public.method = "none"
	public.redeem(t, w.browser(t).code(t, a)).refused(t, "none, which is not listed", 401, "invalid_client")

	listed := document("/oauth/listed/client.json", map[string]any{"token_endpoint_auth_methods_supported": list("none", "private_key_jwt")})
	w.alive(t, "listed, by assertion", w.browser(t).tokens(t, listed).Access)
	listed.method = "none"
	w.alive(t, "listed, by none", w.browser(t).tokens(t, listed).Access)
}
