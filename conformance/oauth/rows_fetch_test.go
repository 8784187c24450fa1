package oauth

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"durward/conformance/clienthost"
)

func fetchRows() []row {
	return []row{
		{
			id: "S34", holds: "no connection is made for a document at an address of this machine or a private network, however it is written",
			play: specialAddresses,
			breaks: []edit{
				{"policies/oauth/internal/egress/url.go", `if c.guardian.SafeAddr(address) != nil {`,
					`if c.guardian.SafeAddr(address) != nil && address.IsUnspecified() {`},
				{"policies/oauth/internal/egress/client.go", `dialer := net.Dialer{Resolver: c.resolver, ControlContext: c.judge}`,
					`dialer := net.Dialer{Resolver: c.resolver}`},
			},
		},
		{
			id: "S35", holds: "a name is judged by the addresses that it has when the connection is made, and the certificate must be the name's (names that change their addresses: conformance/cimd)",
			in: local, play: namesOfThisMachine,
			breaks: []edit{{"policies/oauth/internal/egress/client.go", `ServerName: host, RootCAs: c.roots,`,
				`ServerName: host, InsecureSkipVerify: true,`}},
		},
		{
			id: "S36", holds: "a redirect is followed neither inward nor to another public place",
			in: local, play: func(t *testing.T, w *world) {
				target := w.host.Publish("/s36/target", nil)
				for _, status := range []int{301, 302, 303, 307, 308} {
					for name, to := range map[string]string{"same": target, "inward": "https://10.0.0.1/x", "relative": "/s36/target", "plain": "http://example.com/"} {
						path := fmt.Sprintf("/s36/%d-%s", status, name)
						w.host.SetDocument(path, status, http.Header{"Location": {to}}, clienthost.Document(w.host.URL+path, nil))
						w.unread(t, path, w.host.URL+path)
					}
				}
				if n := w.host.Count("/s36/target"); n != 0 {
					t.Errorf("the target is fetched %d times", n)
				}
			},
			breaks: []edit{{"policies/oauth/internal/egress/client.go", `response, err := transport.RoundTrip(request)`,
				`response, err := (&http.Client{Transport: transport}).Do(request)`}},
		},
		{
			id: "S37", holds: "an answer other than 200 is no document, and is forgotten at once",
			in: local, play: func(t *testing.T, w *world) {
				for _, status := range []int{201, 204, 304, 404, 500} {
					path := fmt.Sprintf("/s37/%d", status)
					a := w.documented(w.host.URL + path)
					body := clienthost.Document(a.id, nil)
					if status == 204 || status == 304 {
						body = ""
					}
					w.host.SetDocument(path, status, http.Header{"Cache-Control": {"max-age=600"}}, body)
					w.notOK(t, path, status, a.id)
					w.host.Publish(path, nil)
					w.browser(t).tokens(t, a)
				}
			},
		},
		{
			id: "S38", holds: "a document that is too large, packed, too slow, or headed without end is given up",
			in: local, play: hostileAnswers,
			breaks: []edit{{"policies/oauth/internal/egress/client.go", `, MaxResponseHeaderBytes: maxHeader,`,
				`,`}},
		},
		{
			id: "S39", holds: "a document that names another URL than its own, by however little, is none",
			in: local, play: func(t *testing.T, w *world) {
				const path = "/s39/client"
				own := w.host.URL + path
				for _, other := range []string{
					own + "/", strings.ToUpper(own), strings.Replace(own, "client", "Client", 1), strings.Replace(own, "client", "%63lient", 1),
					strings.Replace(own, "127.0.0.1", "localhost", 1), own + "?", own + "#", strings.Replace(own, "https", "http", 1), " " + own, own + " ",
					strings.Replace(own, "/s39", ":443/s39", 1), "//" + strings.TrimPrefix(own, "https://"), path, "",
				} {
					w.noDocument(t, other, w.host.Publish(path, map[string]any{"client_id": other}))
				}
				w.browser(t).tokens(t, w.published(t, path, nil))
			},
			breaks: []edit{{"policies/oauth/internal/cimd/document.go", `case document.ID != id:`,
				`case document.ID == "":`}},
		},
		{
			id: "S40", holds: "plain http, no path, dot segments, fragments, users and queries make no document's URL, and nothing is fetched",
			in: local, play: badURLs,
			breaks: []edit{{"policies/oauth/internal/cimd/id.go", `case hasQuery:`,
				`case hasQuery && path == "":`}},
		},
		{
			id: "S41", holds: "a document with a secret, with a method that shares one, or with a wildcard is refused whole",
			in: local, play: func(t *testing.T, w *world) {
				for name, changes := range map[string]map[string]any{
					"secret": {"client_secret": "s"}, "null": {"client_secret": json.RawMessage("null")}, "post": {"token_endpoint_auth_method": "client_secret_post"},
					"port": {"redirect_uris": list("http://localhost:*/cb")}, "host": {"redirect_uris": list("https://*.example.com/cb")},
					"path": {"redirect_uris": list("https://app.example/*")}, "one": {"redirect_uris": list("https://app.example/cb", "http://localhost:*/cb")},
				} {
					w.noDocument(t, name, w.host.Publish("/s41/"+name, changes))
				}
			},
			breaks: []edit{{"policies/oauth/internal/cimd/document.go", `if _, ok := m.members[name]; ok {`,
				`if raw, ok := m.members[name]; ok && raw == nil {`}},
		},
		{
			id: "S42", holds: "keys inside a private network are not fetched, and a logo never is, nor shown",
			in: local, play: insideLinks,
			breaks: []edit{{"policies/oauth/internal/cimd/document.go", `if err := check(uri); err != nil {`,
				`if err := check(uri); err != nil && uri == "" {`}},
		},
		{
			id: "S43", holds: "an assertion with anything wrong is invalid_client, and so is none at all or the same one again",
			in: local, play: badAssertions,
			breaks: []edit{{"policies/oauth/clientauth.go", `return s.failed(ctx, found, "assertion_replayed", "the client assertion has been used before: each is good once")`,
				`return nil`}},
		},
		{
			id: "S44", holds: "a client whose document names another host after it was allowed is asked about anew, and what it had ends",
			in: local, play: changedAfterwards,
			breaks: []edit{{"policies/oauth/client.go", `client.Fingerprint != agreed.ClientPrint:`,
				`agreed.ClientPrint == "never":`}},
		},
	}
}

func specialAddresses(t *testing.T, w *world) {
	host := clienthost.Start(t)
	port := host.URL[strings.LastIndexByte(host.URL, ':'):]
	for _, address := range []string{
		"169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0", "127.0.0.1" + port, "127.1.2.3" + port, "localhost" + port,
		"[::1]" + port, "[::]" + port, "[::ffff:127.0.0.1]" + port, "[::ffff:7f00:1]" + port, "[64:ff9b::7f00:1]" + port, "[64:ff9b::a9fe:a9fe]",
		"[2002:7f00:1::]" + port, "[fe80::1]", "[fc00::1]", "[fd12::1]", "2130706433" + port, "0x7f000001" + port, "0x7f.1" + port, "0177.0.0.1" + port,
		"127.1" + port, "127.0.0.1." + port, "LOCALHOST" + port, "localhost." + port, "198.18.0.1", "224.0.0.1", "255.255.255.255", "[ff02::1]", "192.0.0.8", "192.0.2.1",
		"①②⑦.0.0.1" + port,
	} {
		began := time.Now()
		w.noDocument(t, address, "https://"+address+"/client")
		if took := time.Since(began); took > 4*time.Second { // else it was waited for
			t.Errorf("%s: the page comes after %v", address, took)
		}
	}
	if n := host.Accepted(); n != 0 {
		t.Errorf("%d connections are made", n)
	}
}

// namesOfThisMachine plays names at a policy that fetches as in production, and the certificate at one that may fetch from
// this machine.
func namesOfThisMachine(t *testing.T, w *world) {
	host := clienthost.Start(t)
	port := host.URL[strings.LastIndexByte(host.URL, ':'):]
	strict := w.at(t, "scoped")
	for _, name := range []string{"localhost", "ip6-localhost"} { // those without a dot are not looked up
		strict.noDocument(t, name, "https://"+name+port+"/client")
	}
	for _, name := range []string{"localhost.localdomain", "test.localhost"} {
		strict.unread(t, name, "https://"+name+port+"/client")
	}
	if n := host.Accepted(); n != 0 {
		t.Errorf("%d connections are made", n)
	}
	w.browser(t).tokens(t, w.published(t, "/s35", nil))
	before := w.host.Count("/s35")
	id := strings.Replace(w.host.URL, "127.0.0.1", "localhost", 1) + "/s35" // for which it has no certificate
	w.host.SetDocument("/s35", http.StatusOK, nil, clienthost.Document(id, nil))
	w.unread(t, "a host with another's certificate", id)
	if w.host.Count("/s35") != before {
		t.Error("a host with another's certificate is asked")
	}
}

func hostileAnswers(t *testing.T, w *world) {
	// Each is all that is asked of a document, but for how it is told.
	for name, test := range map[string]struct {
		status int
		tell   func(w http.ResponseWriter, r *http.Request, document string)
	}{
		"large": {400, func(w http.ResponseWriter, _ *http.Request, document string) {
			_, _ = io.WriteString(w, document+strings.Repeat(" ", 8<<10))
		}},
		"endless": {400, func(w http.ResponseWriter, _ *http.Request, document string) {
			_, err := io.WriteString(w, document)
			for err == nil {
				_, err = w.Write(bytes.Repeat([]byte(" "), 4<<10))
			}
		}},
		"bomb": {400, func(w http.ResponseWriter, _ *http.Request, document string) {
			w.Header().Set("Content-Encoding", "gzip")
			packed := gzip.NewWriter(w)
			_, _ = io.WriteString(packed, document+strings.Repeat(" ", 10<<20))
			_ = packed.Close()
		}},
		"slow": {503, func(w http.ResponseWriter, r *http.Request, document string) {
			_, err := io.WriteString(w, document)
			for err == nil && r.Context().Err() == nil {
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(200 * time.Millisecond):
				case <-r.Context().Done():
				}
				_, err = io.WriteString(w, " ")
			}
		}},
		"headers": {503, func(w http.ResponseWriter, _ *http.Request, document string) {
			for i := range 2000 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 100))
			}
			_, _ = io.WriteString(w, document)
		}},
	} {
		a := w.documented(w.host.URL + "/s38/" + name)
		w.host.SetHandler("/s38/"+name, http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			out.Header().Set("Content-Type", "application/json")
			test.tell(out, r, clienthost.Document(a.id, nil))
		}))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			w.browser(t).get(t, a.ask()).page(t, name, test.status)
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("%s: the page comes after %v", name, took)
			}
		})
	}
}

func badURLs(t *testing.T, w *world) {
	host := clienthost.Start(t)
	for _, bad := range []string{
		strings.Replace(host.URL, "https", "http", 1) + "/client", host.URL, host.URL + "/", host.URL + "/a/../client", host.URL + "/..", host.URL + "/./client",
		host.URL + "/a/%2e%2e/client", host.URL + "/%2E/client", host.URL + "/a%2fclient", host.URL + "/client#", host.URL + "/client#x",
		strings.Replace(host.URL, "://", "://u@", 1) + "/client", strings.Replace(host.URL, "://", "://u:p@", 1) + "/client", host.URL + "/client?", host.URL + "/client?a=b",
		"https:///client", "https:/client", "https://", "https:", strings.Replace(host.URL, "https", "ftp", 1) + "/client", host.URL + `\client`, host.URL + "/cli ent",
	} {
		w.noDocument(t, bad, bad)
	}
	if n := host.Accepted(); n != 0 {
		t.Errorf("%d connections are made", n)
	}
}

func insideLinks(t *testing.T, w *world) {
	inside := clienthost.Start(t) // the gateway may connect to it, as it trusts no certificate of it: it is asked by nobody
	for name, uri := range map[string]string{
		"private": "https://10.0.0.1/jwks", "metadata": "https://169.254.169.254/latest", "http": strings.Replace(inside.URL, "https", "http", 1) + "/jwks",
		"user": strings.Replace(inside.URL, "://", "://u@", 1) + "/jwks", "file": "file:///etc/passwd",
	} {
		id := w.host.Publish("/s42/"+name, map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": uri})
		w.noDocument(t, name, id)
	}
	logo := w.published(t, "/s42/logo", map[string]any{"logo_uri": inside.URL + "/logo.svg", "client_uri": inside.URL + "/"})
	page := w.browser(t).asked(t, logo)
	if strings.Contains(page.body, "logo.svg") || strings.Contains(page.body, "<img") {
		t.Error("the page shows the client's logo")
	}
	if csp := page.header.Get("Content-Security-Policy"); strings.Contains(csp, "img-src") && !strings.Contains(csp, "img-src 'none'") && !strings.Contains(csp, "img-src data:") {
		t.Errorf("pictures from elsewhere may be shown: %s", csp)
	}
	w.browser(t).tokens(t, logo)
	if n := inside.Accepted(); n != 0 {
		t.Errorf("%d connections are made inside", n)
	}
}

func badAssertions(t *testing.T, w *world) {
	key, strange := clienthost.NewKey(t, "one"), clienthost.NewKey(t, "one")
	unknown := clienthost.NewKey(t, "two")
	published := w.published(t, "/s43", map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks": clienthost.Set(key)})
	published.key = key
	registered := w.register(t, metadata{"token_endpoint_auth_method": "private_key_jwt", "jwks": clienthost.Set(key)})
	registered.key = key
	for _, a := range []*app{published, registered} {
		now := time.Now()
		code := w.browser(t).code(t, a)
		assert := func(changes map[string]any) string {
			return key.Assert(t, clienthost.Claims(a.id, w.issuer(), changes))
		}
		used := assert(nil)
		for what, assertion := range map[string]string{
			"wrong iss": assert(map[string]any{"iss": "https://evil.example/client"}), "wrong sub": assert(map[string]any{"sub": "dw-OTHER"}), "no sub": assert(map[string]any{"sub": nil}),
			"wrong aud": assert(map[string]any{"aud": "https://evil.example"}), "no aud": assert(map[string]any{"aud": nil}),
			"two auds": assert(map[string]any{"aud": []string{w.issuer(), "https://evil.example"}}), "a longer aud": assert(map[string]any{"aud": w.issuer() + "/"}),
			"expired": assert(map[string]any{"exp": now.Add(-5 * time.Minute).Unix()}), "no exp": assert(map[string]any{"exp": nil}),
			"too long": assert(map[string]any{"exp": now.Add(24 * time.Hour).Unix()}), "not yet": assert(map[string]any{"nbf": now.Add(10 * time.Minute).Unix()}),
			"issued later": assert(map[string]any{"iat": now.Add(10 * time.Minute).Unix()}), "no jti": assert(map[string]any{"jti": nil}), "an empty jti": assert(map[string]any{"jti": ""}),
			"another key of the id": strange.Assert(t, clienthost.Claims(a.id, w.issuer(), nil)), "a key not in the set": unknown.Assert(t, clienthost.Claims(a.id, w.issuer(), nil)),
			"HS256": clienthost.Sign(t, jose.SigningKey{Algorithm: jose.HS256, Key: bytes.Repeat([]byte("k"), 32)}, clienthost.Claims(a.id, w.issuer(), nil)),
			"none":  "eyJhbGciOiJub25lIn0." + strings.Split(assert(nil), ".")[1] + ".", "noise": "x.y.z", "cut": used[:len(used)-4],
		} {
			a.redeem(t, code, "client_assertion_type", clienthost.AssertionType, "client_assertion", assertion, "client_id", a.id).refused(t, what, 401, "invalid_client")
		}
		a.redeem(t, code, "client_assertion_type", "urn:example:other", "client_assertion", assert(nil)).refused(t, "another type", 400, "invalid_request")
		a.redeem(t, code, "client_id", "dw-OTHER").refused(t, "another client_id beside it", 401, "invalid_client")
		plain := *a
		plain.method = "none"
		plain.redeem(t, code).refused(t, "no assertion", 401, "invalid_client")
		got := a.redeem(t, code, "client_assertion_type", clienthost.AssertionType, "client_assertion", used).tokens(t)
		a.refresh(t, got.Refresh, "client_assertion_type", clienthost.AssertionType, "client_assertion", used).refused(t, "the same again", 401, "invalid_client")
		a.refresh(t, got.Refresh).tokens(t)
	}
}

func changedAfterwards(t *testing.T, w *world) {
	a := w.published(t, "/s44", map[string]any{"redirect_uris": list("https://one.example/cb")})
	b := w.browser(t)
	got := b.tokens(t, a)
	code := b.code(t, a)
	open := b.asked(t, a)
	w.host.Publish("/s44", map[string]any{"redirect_uris": list("https://one.example/cb", "https://evil.example/cb")})
	if pressed := b.press(t, open, "allow"); pressed.to() != nil {
		t.Errorf("what was asked before is allowed after it: %s", pressed)
	}
	a.redeem(t, code).refused(t, "a code of before", 400, "invalid_grant")
	a.refresh(t, got.Refresh).refused(t, "a refresh token of before", 400, "invalid_grant")
	w.dead(t, "an access token of before", got.Access)
	if page := b.asked(t, a); !strings.Contains(page.text(), "changed since") {
		t.Errorf("the page does not say that the client has changed: %s", page.text())
	}
	w.alive(t, "allowed anew", b.tokens(t, a).Access)
}
