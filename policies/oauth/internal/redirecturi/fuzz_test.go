package redirecturi_test

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"durward/policies/oauth/internal/redirecturi"
)

// The oracle says the same as the package by another way: it reads whole URIs with net/url, and asks of each that
// writing it again gives the text that was read. It was written from RFC 3986, OAuth 2.1 and RFC 8252, and shares no code
// with what it judges.

// uri is a URI as the oracle reads it. OAuth 2.1 wants an absolute one without a fragment.
type uri struct {
	*url.URL
	text string
}

// generic is the grammar of RFC 3986 appendix B with characters narrowed to those of section 2, and with all parts that
// are there: scheme, authority, path, query, fragment.
var generic = regexp.MustCompile(
	`^([a-z][a-z0-9+.-]*)://([^/?#]*)((?:[]A-Za-z0-9._~:/@!$&'()*+,;=[-]|%[0-9A-Fa-f]{2})*)` +
		`(\?(?:[]A-Za-z0-9._~:/?@!$&'()*+,;=[-]|%[0-9A-Fa-f]{2})*)?$`)

func read(text string) (uri, bool) {
	parsed, err := url.Parse(text)
	if err != nil || !generic.MatchString(text) || parsed.User != nil || parsed.Opaque != "" || parsed.Fragment != "" ||
		parsed.String() != text {
		return uri{}, false
	}
	return uri{parsed, text}, true
}

// port is the number of an authority's port, 0 for none; false if it is none that there is.
func (u uri) port() (int, bool) {
	if !strings.Contains(strings.TrimPrefix(u.Host, "["+u.Hostname()+"]"), ":") {
		return 0, true
	}
	number, err := strconv.Atoi(u.Port())
	return number, err == nil && 1 <= number && number <= 65535
}

// loopback is RFC 8252 section 7.3, and OAuth 2.1 where it adds localhost: the http scheme and one of three hosts.
func (u uri) loopback() bool {
	_, sound := u.port()
	bracketed := strings.HasPrefix(u.Host, "[")
	return u.Scheme == "http" && sound && (u.Hostname() == "127.0.0.1" && !bracketed ||
		u.Hostname() == "::1" && bracketed || u.Hostname() == "localhost" && !bracketed)
}

func mayBeRegistered(text string) bool {
	if text == "cursor://anysphere.cursor-mcp/oauth/callback" {
		return true
	}
	u, ok := read(text)
	if !ok || len(text) > 2048 {
		return false
	}
	_, sound := u.port()
	named := regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[A-Za-z0-9._:-]+\])(:[0-9]+)?$`).MatchString(u.Host)
	return u.loopback() || u.Scheme == "https" && named && sound
}

func mayBeUsed(registered, given string) bool {
	if given == registered { // simple string comparison (RFC 3986 section 6.2.1)
		return true
	}
	a, okA := read(registered)
	b, okB := read(given)
	if !okA || !okB || !a.loopback() || !b.loopback() {
		return false
	}
	// All but the port: of two URIs that are loopback, those that are one text with the port set to the same.
	for _, u := range []uri{a, b} {
		host := u.Hostname()
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		u.Host = host + ":1"
	}
	return a.String() == b.String()
}

// FuzzMatch holds Check and Match against the oracle, and what they take for good against how browsers read it.
func FuzzMatch(f *testing.F) {
	texts := []string{
		"https://a.example/cb", "https://a.example:443/cb", "http://127.0.0.1:1/cb?x", "http://127.0.0.1/cb?x", "http://[::1]/",
		"http://[::1]:65535/", "http://localhost", "http://localhost:0", "http://localhost.evil.example/", "https://a@b/",
		"javascript:x", "https://a.example:1:2/", `https://a\b`, "http://localhost:1@evil/", "https://a/%", "https://a/%7e?%",
		"http://localhost:080/[x]?[y]", "http://localhost:1?", "https://*.a/", "cursor://anysphere.cursor-mcp/oauth/callback",
	}
	for _, registered := range texts {
		for _, given := range texts {
			f.Add(registered, given)
		}
	}
	f.Fuzz(func(t *testing.T, registered, given string) {
		err := redirecturi.Check(registered)
		if want := mayBeRegistered(registered); (err == nil) != want {
			t.Fatalf("%q may be registered: %v, the oracle says %v (%v)", registered, err == nil, want, err)
		}
		if err != nil {
			return
		}
		got := redirecturi.Match([]string{registered}, given)
		if want := mayBeUsed(registered, given); got != want {
			t.Fatalf("registered %q, given %q: %v, the oracle says %v", registered, given, got, want)
		}
		if got {
			wantAnswer(t, given)
		}
	})
}

// wantAnswer wants an answer to lead where the URI leads, with ours in it once.
func wantAnswer(t *testing.T, given string) {
	t.Helper()
	text := redirecturi.Answer(given, redirecturi.Param{Name: "code", Value: "c"}, redirecturi.Param{Name: "iss"},
		redirecturi.Param{Name: "state", Value: "a b&c=+\r\n"})
	to, err := url.Parse(given)
	if err != nil {
		t.Fatalf("given %q: %v", given, err)
	}
	answer, err := url.Parse(text)
	if err != nil || answer.Scheme != to.Scheme || answer.Host != to.Host || answer.EscapedPath() != to.EscapedPath() {
		t.Fatalf("the answer to %q is %q (%v)", given, text, err)
	}
	query := answer.Query()
	if !slices.Equal(query["code"], []string{"c"}) || !slices.Equal(query["state"], []string{"a b&c=+\r\n"}) ||
		query.Has("iss") {
		t.Fatalf("the answer to %q is %q", given, text)
	}
}
