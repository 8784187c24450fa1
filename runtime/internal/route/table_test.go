package route

import (
	"fmt"
	"strings"
	"testing"
)

func parse(t testing.TB, mode Mode, path string) *Pattern {
	t.Helper()
	p, fault := Parse(mode, path)
	if p == nil || fault != "" {
		t.Fatalf("%s: %s", path, fault)
	}
	return p
}

func TestMatch(t *testing.T) {
	var table Table[string]
	add := func(mode Mode, path string, methods []string, value string) {
		table.Add(parse(t, mode, path), methods, value)
	}
	add(OpenAPI, "/files/special", []string{"GET"}, "literal before the template")
	add(OpenAPI, "/files/{name}", []string{"GET", "POST"}, "template")
	add(OpenAPI, "/files/late", []string{"GET"}, "literal after the template")
	add(OpenAPI, "/mcp/demo", []string{"POST", "GET"}, "demo")
	add(OpenAPI, "/mcp/demo", []string{"GET", "DELETE"}, "second of the same path")
	add(OpenAPI, "/a/{x}/b", []string{"GET"}, "middle")
	add(OpenAPI, "/slash/{x}/", []string{"GET"}, "last slash")
	add(URLPattern, `/v:version(\d+)/tools`, []string{"POST"}, "version")
	add(URLPattern, "/v:version/tools", []string{"POST"}, "any version")
	add(URLPattern, "/v:other/tools", []string{"GET"}, "the same pattern under another name")
	add(URLPattern, "/docs/:name.json", []string{"GET"}, "suffix")
	add(URLPattern, "/tree/*", []string{"GET"}, "tree")
	add(URLPattern, `/odd/a\:b\*`, []string{"GET"}, "signs")
	add(URLPattern, "/(red|green)/:id/*/end", []string{"GET"}, "many")
	for _, c := range []struct{ method, path, want, allow string }{
		{"GET", "/files/special", "literal before the template", "GET"},
		{"GET", "/files/late", "template", "GET POST"},
		{"POST", "/files/any", "template", "GET POST"},
		{"POST", "/files/a%2Fb", "template", "GET POST"},
		{"POST", "/mcp/demo", "demo", "DELETE GET POST"},
		{"GET", "/mcp/demo", "demo", "DELETE GET POST"},
		{"DELETE", "/mcp/demo", "second of the same path", "DELETE GET POST"},
		{"PUT", "/mcp/demo", "", "DELETE GET POST"},
		{"GET", "/a/1/b", "middle", "GET"},
		{"GET", "/a/1/b/c", "", ""},
		{"GET", "/a/1", "", ""},
		{"GET", "/a//b", "", ""},
		{"GET", "/slash/1/", "last slash", "GET"},
		{"GET", "/slash/1", "", ""},
		{"GET", "/slash/1/2", "", ""},
		{"GET", "/files/", "", ""},
		{"GET", "/files", "", ""},
		{"GET", "/files/..", "", ""},
		{"GET", "*", "", ""},
		{"GET", "", "", ""},
		{"POST", "/v12/tools", "version", "POST"},
		{"POST", "/vnext/tools", "any version", "GET POST"},
		{"GET", "/vnext/tools", "the same pattern under another name", "GET POST"},
		{"GET", "/v12/tools", "", "POST"},
		{"POST", "/v/tools", "", ""},
		{"POST", "/v1/2/tools", "", ""},
		{"POST", "/v12/tools/", "", ""},
		{"GET", "/docs/a.json", "suffix", "GET"},
		{"GET", "/docs/a.b.json", "suffix", "GET"},
		{"GET", "/docs/.json", "", ""},
		{"GET", "/docs/a/b.json", "", ""},
		{"GET", "/docs/axjson", "", ""},
		{"GET", "/tree/", "tree", "GET"},
		{"GET", "/tree/a/b/c/", "tree", "GET"},
		{"GET", "/tree", "", ""},
		{"GET", "/odd/a:b*", "signs", "GET"},
		{"GET", "/odd/a:bc", "", ""},
		{"GET", "/red/1/x/y/end", "many", "GET"},
		{"GET", "/blue/1/x/end", "", ""},
		{"GET", "/reds/1/x/end", "", ""},
		// S74: as they stand on the wire
		{"POST", "/mcp/demo/", "", ""},
		{"POST", "//mcp/demo", "", ""},
		{"POST", "/mcp/%64emo", "", ""},
		{"POST", "/MCP/demo", "", ""},
		{"POST", "/mcp/demo;x", "", ""},
		{"POST", "/x/../mcp/demo", "", ""},
		// S74: what others would resolve to another path matches no pattern
		{"GET", "/tree/../mcp/demo", "", ""},
		{"GET", "/tree/a/%2e%2E/b", "", ""},
		{"GET", "/tree/.%2e/b", "", ""},
		{"GET", "/tree/./b", "", ""},
		{"GET", "/tree/%2E", "", ""},
		{"GET", "/tree//b", "", ""},
		{"GET", "/tree/...", "tree", "GET"},
		{"GET", "/tree/%2e%2ex", "tree", "GET"},
		{"GET", "/tree/" + strings.Repeat("a", maxPath), "", ""},
	} {
		got, allow, ok := table.Match(c.method, c.path)
		if got != c.want || ok != (c.want != "") || strings.Join(allow, " ") != c.allow {
			t.Errorf("%s %.60s = %q, %v, %v; want %q, [%s]", c.method, c.path, got, allow, ok, c.want, c.allow)
		}
	}
}

// What can never be reached is found, and nothing else is said to be so.
func TestCover(t *testing.T) {
	var table Table[string]
	for _, path := range []string{"/a/literal", "/a/{x}", "/b/{x}/c", "/b/{x}/{y}", "/a/other"} {
		table.Add(parse(t, OpenAPI, path), []string{"POST"}, path)
	}
	for _, c := range []struct{ path, by string }{
		{"/a/literal", "/a/literal"}, {"/a/other", "/a/{x}"}, {"/a/{other}", "/a/{x}"}, {"/b/1/c", "/b/{x}/c"}, {"/b/{z}/d", "/b/{x}/{y}"},
		{"/c", ""}, {"/{x}/literal", ""}, {"/a/{x}/", ""}, {"/b/{z}", ""},
	} {
		if by, ok := table.Cover(parse(t, OpenAPI, c.path)); by != c.by || ok != (c.by != "") {
			t.Errorf("%s is covered by %q, %v, want %q", c.path, by, ok, c.by)
		}
	}
}

func BenchmarkMatchLiteralOf10000(b *testing.B) {
	var table Table[int]
	for i := range 10000 {
		table.Add(parse(b, OpenAPI, fmt.Sprintf("/mcp/server-%d", i)), []string{"POST"}, i)
	}
	table.Add(parse(b, URLPattern, "/last/*"), []string{"POST"}, -1)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := table.Match("POST", "/mcp/server-7777"); !ok {
			b.Fatal("not found")
		}
	}
}
