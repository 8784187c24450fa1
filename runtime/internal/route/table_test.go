package route

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	var table Table[string]
	table.Add("/files/special", []string{"GET"}, "literal before the template")
	table.Add("/files/{name}", []string{"GET", "POST"}, "template")
	table.Add("/files/late", []string{"GET"}, "literal after the template")
	table.Add("/mcp/demo", []string{"POST", "GET"}, "demo")
	table.Add("/mcp/demo", []string{"GET", "DELETE"}, "second of the same path")
	table.Add("/a/{x}/b", []string{"GET"}, "middle")
	for _, c := range []struct{ method, path, want, allow string }{
		{"GET", "/files/special", "literal before the template", "GET"},
		{"GET", "/files/late", "template", "GET POST"},
		{"POST", "/files/any", "template", "GET POST"},
		{"POST", "/mcp/demo", "demo", "DELETE GET POST"},
		{"GET", "/mcp/demo", "demo", "DELETE GET POST"},
		{"DELETE", "/mcp/demo", "second of the same path", "DELETE GET POST"},
		{"PUT", "/mcp/demo", "", "DELETE GET POST"},
		{"GET", "/a/1/b", "middle", "GET"},
		{"GET", "/a/1/b/c", "", ""},
		{"GET", "/a/1", "", ""},
		{"GET", "/a//b", "", ""},
		{"GET", "/files/", "", ""},
		{"GET", "/files", "", ""},
		{"GET", "/files/..", "", ""},
		{"GET", "*", "", ""},
		// S74: as they stand on the wire
		{"POST", "/mcp/demo/", "", ""},
		{"POST", "//mcp/demo", "", ""},
		{"POST", "/mcp/%64emo", "", ""},
		{"POST", "/MCP/demo", "", ""},
		{"POST", "/mcp/demo;x", "", ""},
		{"POST", "/x/../mcp/demo", "", ""},
	} {
		got, allow, ok := table.Match(c.method, c.path)
		if got != c.want || ok != (c.want != "") || strings.Join(allow, " ") != c.allow {
			t.Errorf("%s %s = %q, %v, %v; want %q, [%s]", c.method, c.path, got, allow, ok, c.want, c.allow)
		}
	}
}

func BenchmarkMatchLiteralOf10000(b *testing.B) {
	var table Table[int]
	for i := range 10000 {
		table.Add("/mcp/"+strings.Repeat("x", i%7)+string(rune('a'+i%26))+strings.Repeat("y", i/1000), []string{"POST"}, i)
	}
	b.ReportAllocs()
	for b.Loop() {
		table.Match("POST", "/mcp/xxg")
	}
}
