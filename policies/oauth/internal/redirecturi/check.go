package redirecturi

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// MaxLength is how many bytes a redirect URI may have.
const MaxLength = 2048

// vendors are the only redirect URIs besides https and loopback http: private-use schemes of known clients, exactly as
// those clients register them (A30, Q32). It is a list and not a rule on purpose: any application may claim any scheme
// on a device.
func vendors() []string {
	return []string{"cursor://anysphere.cursor-mcp/oauth/callback"}
}

// Check says what is wrong with a redirect URI that a client wants to register, nil if nothing is (A28, A30, S4). It is
// an allowlist. The error's text reads on from the URI's name: "is longer than 2048 bytes".
func Check(uri string) error {
	switch {
	case slices.Contains(vendors(), uri):
		return nil
	case len(uri) > MaxLength:
		return errors.New("is longer than 2048 bytes")
	case !onlyURICharacters(uri):
		return errors.New("holds a character that no URI may hold")
	case strings.Contains(uri, "#"):
		return errors.New("has a fragment")
	case IsLoopback(uri):
		return nil
	}
	rest, ok := strings.CutPrefix(uri, "https://")
	if !ok {
		return errors.New("must begin with https://, http://127.0.0.1, http://[::1] or http://localhost")
	}
	authority, _ := cutAuthority(rest)
	parsed, err := url.Parse("https://" + authority)
	if err != nil || parsed.User != nil || !PlainHost(parsed.Hostname()) || !plainPort(authority) {
		return errors.New("is not an absolute URI with a plain host")
	}
	return nil
}

// onlyURICharacters allows what RFC 3986 section 2 allows in a URI: some of ASCII, and a percent sign that two hex
// digits follow.
func onlyURICharacters(text string) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c <= ' ' || c >= 0x7f || strings.IndexByte("\\\"<>^`{|}", c) >= 0:
			return false
		case c == '%' && (i+2 >= len(text) || !isHex(text[i+1]) || !isHex(text[i+2])):
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// PlainHost allows names and addresses, without brackets, wildcards and percent-encoding. International names come as
// punycode.
func PlainHost(host string) bool {
	odd := func(c rune) bool {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		return !letter && !strings.ContainsRune("-._:", c)
	}
	return host != "" && !strings.ContainsFunc(host, odd)
}

// plainPort says whether an authority has no port or one that there is.
func plainPort(authority string) bool {
	afterHost := authority[strings.LastIndexByte(authority, ']')+1:]
	_, port, given := strings.Cut(afterHost, ":")
	return !given || isPort(port)
}

func isPort(text string) bool {
	if strings.ContainsFunc(text, func(c rune) bool { return c < '0' || c > '9' }) {
		return false
	}
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

// cutAuthority parts what follows "scheme://" into the authority and the rest, which begins with a slash, a question
// mark, a number sign, or is empty.
func cutAuthority(text string) (authority, rest string) {
	if end := strings.IndexAny(text, "/?#"); end >= 0 {
		return text[:end], text[end:]
	}
	return text, ""
}
