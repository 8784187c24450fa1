package cors

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"durward/schema/suggest"
)

// Settings are a named policy as a configuration has it.
type Settings struct {
	// AllowedOrigins are origins, "https://app.example.com", those with one label that may be any,
	// "https://*.example.com", or "*" for all that have a name.
	AllowedOrigins []string
	// AllowedMethods and AllowedHeaders are what preflights allow. nil, or "*" in them: the route's methods; the headers
	// that the page asks for.
	AllowedMethods, AllowedHeaders []string
	// ExposeHeaders are what pages may read besides what the gateway always exposes.
	ExposeHeaders []string
	// MaxAge is how long a browser may keep the answer to a preflight, in seconds. nil: 600.
	MaxAge *int
	// AllowCredentials: browsers may send cookies and the like, and show the answer all the same.
	AllowCredentials bool
}

// Fault is what is wrong with Settings.
type Fault struct {
	// Field is the name of what is wrong, "allowedOrigins", and Index its place in the list; -1 is the field as a whole.
	Field string
	Index int
	// Text is for a person and quotes nothing of what is wrong, which may come from a variable.
	Text string
}

// New makes a named policy. There is one if and only if there are no faults.
func New(s Settings) (*Policy, []Fault) {
	p := &Policy{credentials: s.AllowCredentials, maxAge: strconv.Itoa(defaultMaxAge)}
	if s.MaxAge != nil {
		p.maxAge = strconv.Itoa(*s.MaxAge)
	}
	var faults []Fault
	add := func(field string, index int, text string) { faults = append(faults, Fault{field, index, text}) }
	if len(s.AllowedOrigins) == 0 {
		add("allowedOrigins", -1, "must list at least one origin")
	}
	for i, text := range s.AllowedOrigins {
		if text == "*" {
			p.any = true
			continue
		}
		o, fault := parseAllowed(text)
		if fault != "" {
			add("allowedOrigins", i, fault)
			continue
		}
		p.origins = append(p.origins, o)
	}
	if p.any && s.AllowCredentials {
		add("allowCredentials", -1, "must not be true where allowedOrigins has *: every page there is could act for a person")
	}
	p.listed = !p.any
	var readable []string
	for _, list := range []struct {
		field string
		names []string
		into  *[]string
		fault string
	}{
		{"allowedMethods", s.AllowedMethods, &p.methods, "must be a method, such as POST"},
		{"allowedHeaders", s.AllowedHeaders, &p.headers, "must be the name of a header, such as Mcp-Session-Id"},
		{"exposeHeaders", s.ExposeHeaders, &readable, "must be the name of a header, such as Mcp-Session-Id"},
	} {
		for i, name := range list.names {
			switch {
			case name == "" || strings.IndexFunc(name, notInToken) >= 0:
				add(list.field, i, list.fault)
			case list.field == "allowedMethods" && name != strings.ToUpper(name):
				add(list.field, i, "must be in capitals, as methods are")
			case list.field == "allowedMethods" && name != "*" && !slices.Contains(known(), name):
				add(list.field, i, "is no method of HTTP"+meant(name))
			}
		}
		if !slices.Contains(list.names, "*") {
			*list.into = list.names
		} else if list.field == "exposeHeaders" {
			if s.AllowCredentials {
				add(list.field, -1, "must name each header where allowCredentials is true: * is a header's name then")
			}
			*list.into = []string{"*"}
		}
	}
	p.expose = strings.Join(slices.Concat([]string{exposed}, readable), ", ")
	if len(faults) > 0 {
		return nil, faults
	}
	return p, nil
}

// Lacks answers which of the headers that MCP clients send its preflights do not allow: a page that sends them is stopped
// by its browser. Accept needs no leave.
func (p *Policy) Lacks() (names []string) {
	if p.headers == nil {
		return nil
	}
	for _, name := range []string{"Authorization", "Content-Type", "MCP-Protocol-Version", "Mcp-Session-Id", "Last-Event-ID",
		"Mcp-Method", "Mcp-Name"} {
		if !slices.ContainsFunc(p.headers, func(h string) bool { return strings.EqualFold(h, name) }) {
			names = append(names, name)
		}
	}
	return names
}

// parseAllowed reads an origin of the list. The fault says what to write instead.
func parseAllowed(text string) (o origin, fault string) {
	const example = "must be an origin, such as https://app.example.com, https://*.example.com or *"
	switch {
	case text == "null":
		return o, "must not be null: every page can make that its origin"
	case strings.HasSuffix(text, "/"):
		return o, "must not end in a slash: an origin has no path"
	}
	scheme, host, found := strings.Cut(text, "://")
	below, wildcard := strings.CutPrefix(host, "*.")
	if !wildcard {
		below = host
	}
	if strings.Contains(below, "*") {
		return o, "may have * only as the whole first label, as in https://*.example.com"
	}
	o, ok := parse(scheme + "://" + below)
	if !found || !ok {
		return o, example
	}
	if wildcard {
		if !strings.Contains(o.host, ".") && o.host != "localhost" || strings.HasPrefix(o.host, "[") {
			return o, "must have at least two labels after *: everybody can have a name below one"
		}
		o.host = "*." + o.host
	}
	return o, ""
}

// notInToken is true of what no name of a header or method has (RFC 9110 section 5.6.2).
func notInToken(r rune) bool {
	return (r < '0' || '9' < r) && (r < 'a' || 'z' < r) && (r < 'A' || 'Z' < r) && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

// known are the methods that a page can ask for (RFC 9110 section 9.3, RFC 5789).
func known() []string {
	return []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}
}

// meant says which method a misspelt one probably is.
func meant(name string) string {
	if method, ok := suggest.Nearest(name, known()); ok {
		return fmt.Sprintf(": did you mean %q?", method)
	}
	return ""
}
