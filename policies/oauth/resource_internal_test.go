package oauth

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"durward/policies"
	"durward/policies/oauth/internal/ascii"
)

const gatewayOrigin = "https://mcp.example.com"

func serverWith(paths ...string) *server {
	s := &server{}
	for _, path := range paths {
		s.resources = append(s.resources, policies.Route{ID: path, Path: path})
	}
	return s
}

// The forms in which clients write a resource, each with the one route that it can only mean (Q3, Q4, Q18, Q29, Q36,
// Q45, A54), or with none: then the answer names what is accepted.
func TestResourceForms(t *testing.T) {
	for name, test := range map[string]struct {
		paths []string
		forms map[string]string
	}{
		"one route": {[]string{"/mcp/demo"}, map[string]string{
			"":                                     "/mcp/demo", // Q4
			gatewayOrigin + "/mcp/demo":            "/mcp/demo", // Q29, Q45
			gatewayOrigin + "/mcp/demo/":           "/mcp/demo", // Q36
			gatewayOrigin + "/mcp/demo?key=x&y":    "/mcp/demo", // Q18
			gatewayOrigin + "/mcp/demo/?key=x":     "/mcp/demo",
			gatewayOrigin + "/mcp/demo?":           "/mcp/demo",
			gatewayOrigin:                          "/mcp/demo", // Q18: the path dropped
			gatewayOrigin + "/":                    "/mcp/demo", // Q3, Q31
			gatewayOrigin + "?x":                   "/mcp/demo",
			gatewayOrigin + ":443/mcp/demo":        "/mcp/demo", // A54
			"HTTPS://MCP.Example.COM/mcp/demo":     "/mcp/demo",
			gatewayOrigin + "/mcp/demo//":          "",
			gatewayOrigin + "//mcp/demo":           "",
			gatewayOrigin + "//":                   "",
			gatewayOrigin + "/mcp":                 "",
			gatewayOrigin + "/mcp/":                "",
			gatewayOrigin + "/mcp/demo/x":          "",
			gatewayOrigin + "/MCP/demo":            "",
			gatewayOrigin + "/mcp/%64emo":          "",
			gatewayOrigin + "/mcp/./demo":          "",
			gatewayOrigin + "/mcp/x/../demo":       "",
			gatewayOrigin + "/mcp/demo;x":          "",
			gatewayOrigin + "/mcp/demo%2f":         "",
			gatewayOrigin + "/mcp/demo ":           "",
			gatewayOrigin + "/mcp/demo%00":         "",
			gatewayOrigin + "/mcp/demo#":           "",
			gatewayOrigin + "/mcp/demo#x":          "",
			gatewayOrigin + "/mcp/demo/%zz":        "",
			gatewayOrigin + ":444/mcp/demo":        "",
			gatewayOrigin + ":/mcp/demo":           "",
			gatewayOrigin + "./mcp/demo":           "",
			gatewayOrigin + "@evil.example/":       "",
			gatewayOrigin + ".evil.example/":       "",
			gatewayOrigin + `\mcp\demo`:            "",
			"https://user@mcp.example.com/":        "",
			"https://@mcp.example.com/mcp/demo":    "",
			"http://mcp.example.com/mcp/demo":      "",
			"https://mcp.example.com:80/mcp/demo":  "",
			"https://evil.example/mcp/demo":        "",
			"https:mcp.example.com/mcp/demo":       "",
			"https:///mcp/demo":                    "",
			"//mcp.example.com/mcp/demo":           "",
			"/mcp/demo":                            "",
			"mcp/demo":                             "",
			" " + gatewayOrigin + "/mcp/demo":      "",
			gatewayOrigin + "/mcp/demo\n":          "",
			"urn:mcp":                              "",
			"mailto:a@mcp.example.com":             "",
			"https://mcp.examp\u2113e.com/":        "",
			strings.Repeat("x", 100_000):           "",
			gatewayOrigin + "/mcp/demo?x#y":        "",
			gatewayOrigin + "/?resource=/mcp/demo": "/mcp/demo",
		}},
		"several": {[]string{"/mcp/a", "/mcp/b/", "/mcp/both", "/mcp/both/"}, map[string]string{
			gatewayOrigin + "/mcp/a":       "/mcp/a",
			gatewayOrigin + "/mcp/a/":      "/mcp/a",
			gatewayOrigin + "/mcp/b":       "/mcp/b/",
			gatewayOrigin + "/mcp/b/":      "/mcp/b/",
			gatewayOrigin + "/mcp/both":    "/mcp/both", // a route of its own
			gatewayOrigin + "/mcp/both/":   "/mcp/both/",
			gatewayOrigin + "/mcp/both/?x": "/mcp/both/",
			gatewayOrigin + "/mcp/both//":  "/mcp/both/",
			gatewayOrigin + "/mcp/b//":     "/mcp/b/",
			gatewayOrigin:                  "",
			gatewayOrigin + "/":            "",
			"":                             "",
		}},
		"none": {nil, map[string]string{"": "", gatewayOrigin: "", gatewayOrigin + "/mcp/a": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serverWith(test.paths...)
			for form, want := range test.forms {
				var given []string
				if form != "" {
					given = []string{form}
				}
				got, err := s.resolveResource(gatewayOrigin, given)
				if want != "" && (got != gatewayOrigin+want || err != nil) {
					t.Errorf("%.80q: %q %v, want %s", form, got, err, want)
				}
				if want == "" {
					wantRefusedResource(t, s, form, got, err)
				}
			}
		})
	}
}

// wantRefusedResource wants invalid_target, and every accepted value named.
func wantRefusedResource(t *testing.T, s *server, form, got string, err error) {
	t.Helper()
	no, ok := errors.AsType[*refusal](err)
	if !ok || got != "" || no.Code != "invalid_target" || no.Status != http.StatusBadRequest {
		t.Fatalf("%.80q: %q, %v", form, got, err)
	}
	for _, route := range s.resources {
		if !slices.Contains(strings.Fields(no.Text), gatewayOrigin+route.Path) {
			t.Fatalf("%.80q: %q does not name %s", form, no.Text, route.Path)
		}
	}
}

// FuzzResource holds what a resource comes to against a reading by one expression and without net/url; whatever comes of
// it is a route's resource or a refusal.
func FuzzResource(f *testing.F) {
	for _, form := range []string{
		"", gatewayOrigin, gatewayOrigin + "/", gatewayOrigin + "/mcp/a/?x", "HTTPS://mcp.EXAMPLE.com:443/mcp/b",
		gatewayOrigin + "/mcp/both/",
		gatewayOrigin + "/mcp/b//", "https://x@mcp.example.com/mcp/a", gatewayOrigin + "/mcp/%61", gatewayOrigin + "/mcp/a#",
		"https://mcp.example.com:0443/mcp/a", "https://mcp.examp\u212ae.com/", gatewayOrigin + "/mcp/a\x7f", gatewayOrigin + "?%zz",
	} {
		f.Add(form, true)
		f.Add(form, false)
	}
	several := serverWith("/mcp/a", "/mcp/b/", "/mcp/both", "/mcp/both/")
	single := serverWith("/mcp/a")
	control := func(c rune) bool { return c < ' ' || c == 0x7f }
	whole := regexp.MustCompile(`^([A-Za-z]+)://([A-Za-z.]+)(:443)?(/[^?#]*)?(\?[^#]*)?$`)
	f.Fuzz(func(t *testing.T, form string, many bool) {
		s := single
		if many {
			s = several
		}
		got, err := s.resolveResource(gatewayOrigin, []string{form})
		if err != nil {
			wantRefusedResource(t, s, form, got, err)
		}
		want := ""
		parts := whole.FindStringSubmatch(form)
		switch {
		case form == "" && !many:
			want = "/mcp/a"
		case parts == nil || ascii.Lower(parts[1]+"://"+parts[2]) != gatewayOrigin || strings.ContainsFunc(form, control):
		case parts[4] == "" || parts[4] == "/":
			if !many {
				want = "/mcp/a"
			}
		default:
			for _, path := range []string{parts[4], parts[4] + "/", strings.TrimSuffix(parts[4], "/")} {
				if want == "" && slices.ContainsFunc(s.resources, func(route policies.Route) bool { return route.Path == path }) {
					want = path
				}
			}
		}
		if want != "" {
			want = gatewayOrigin + want
		}
		if got != want {
			t.Fatalf("%q: %q, want %q", form, got, want)
		}
	})
}
