package egress

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxURL is how many bytes a URL may have.
const maxURL = 2048

// Check says whether a URL may be fetched at all, before any name is looked up. It is read as a plain string, and in one
// spelling only, so that no two readers can take it for two URLs: https:// in small letters; no user, no fragment; a host
// that is a name in small letters with a dot in it, an IPv4 address as four decimal numbers, or an IPv6 address in
// brackets; a port, if there is one, without leading zeros. An address must be one that is connected to. The error is an
// *Error with the reason Refused, and its text reads on from the URL's name: "has a fragment".
func (c *Client) Check(raw string) error {
	_, err := c.parse(raw)
	return err
}

func (c *Client) parse(raw string) (*url.URL, error) {
	switch {
	case len(raw) > maxURL:
		return nil, refused("is longer than 2048 bytes")
	case !onlyURICharacters(raw):
		return nil, refused("holds a character that no URL may hold")
	case strings.Contains(raw, "#"):
		return nil, refused("has a fragment")
	}
	rest, ok := strings.CutPrefix(raw, "https://")
	if !ok {
		return nil, refused("does not begin with https://")
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		authority = rest[:end]
	}
	if strings.Contains(authority, "@") {
		return nil, refused("names a user")
	}
	if err := c.checkAuthority(authority); err != nil {
		return nil, err
	}
	parsed, err := url.Parse(raw)
	if err != nil || parsed.Host != authority { // what was checked is what will be connected to
		return nil, refused("is not a URL")
	}
	return parsed, nil
}

// onlyURICharacters allows what RFC 3986 section 2 allows: some of ASCII, and a percent sign that two hex digits follow.
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

func (c *Client) checkAuthority(authority string) error {
	host, port, hasPort := strings.Cut(authority, ":")
	if strings.HasPrefix(authority, "[") {
		end := strings.IndexByte(authority, ']') + 1 // zero: no address begins with nothing
		host = authority[:end]
		if port, hasPort = strings.CutPrefix(authority[end:], ":"); port != "" && !hasPort {
			return refused("has no plain host")
		}
	}
	if err := c.checkHost(host); err != nil {
		return err
	}
	if hasPort && !isPort(port) {
		return refused("has no plain port")
	}
	return nil
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0 && strconv.FormatUint(port, 10) == text
}

// checkHost takes names and addresses, each in one spelling. What other programs would read as an address though it is
// not written as one, "2130706433" or "0x7f.1", is no name either: the last part of a name is never a number (WHATWG URL,
// "ends in a number").
func (c *Client) checkHost(host string) error {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		address, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !address.Is6() || address.Zone() != "" {
			return refused("has no plain host")
		}
		return c.checkAddress(address)
	}
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	if endsInNumber(last) {
		address, err := netip.ParseAddr(host)
		if err != nil {
			return refused("has no plain host")
		}
		return c.checkAddress(address)
	}
	for _, label := range labels {
		if !isLabel(label) {
			return refused("has no plain host")
		}
	}
	switch {
	case len(host) > 253:
		return refused("has no plain host")
	case len(labels) == 1 && (host != "localhost" || !c.development):
		// Names without a dot are those of the own network and its search list.
		return refused("has a host that is not a public name")
	}
	return nil
}

func endsInNumber(label string) bool {
	if _, hex := strings.CutPrefix(label, "0x"); hex {
		return true
	}
	return label != "" && strings.Trim(label, "0123456789") == ""
}

// isLabel allows a part of a host name (RFC 1123 section 2.1), in small letters. International names come as punycode.
func isLabel(text string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	return text != "" && len(text) <= 63 && strings.Trim(text, letters+"-") == "" &&
		strings.Contains(letters, text[:1]) && strings.Contains(letters, text[len(text)-1:])
}

func (c *Client) checkAddress(address netip.Addr) error {
	if c.guardian.SafeAddr(address) != nil {
		return refused("has a host that is not a public address")
	}
	return nil
}
