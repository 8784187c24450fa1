package route

import (
	"strings"
	"testing"
)

func TestParseFaults(t *testing.T) {
	const chars = "a path holds letters, digits and -._~!$&'()*+,;=:@ only"
	for _, c := range []struct {
		mode        Mode
		path, fault string
	}{
		{OpenAPI, "", "a path begins with /"},
		{OpenAPI, "mcp", "a path begins with /"},
		{OpenAPI, "/", ""},
		{OpenAPI, "/a:b/(c)*+", ""},
		{OpenAPI, "/a?b", "a path has no query and no fragment"},
		{OpenAPI, "/a//b", "a path has no empty segment: write one / instead of //"},
		{OpenAPI, "//", "a path has no empty segment: write one / instead of //"},
		{OpenAPI, "/a/..", "a path has no segment . or .."},
		{OpenAPI, "/%62", chars},
		{OpenAPI, "/ä", chars},
		{OpenAPI, "/x{a}", "a variable is a whole segment, {name} with letters, digits and _"},
		{OpenAPI, "/{a-b}", "a variable is a whole segment, {name} with letters, digits and _"},
		{OpenAPI, "/{}", "a variable is a whole segment, {name} with letters, digits and _"},
		{OpenAPI, "/{a}/{a}", twice},
		{OpenAPI, "/{a}/b c", chars},
		{OpenAPI, "/{a}//{b}", "a path has no empty segment: write one / instead of //"},
		{OpenAPI, "/{a}/", ""},

		{URLPattern, ":a", "a path begins with /"},
		{URLPattern, "*", "a path begins with /"},
		{URLPattern, "/a{/b}?", "groups in braces are not known here: write a path for each form, or pathMode open-api for {name}"},
		{URLPattern, "/{id}", "groups in braces are not known here: write a path for each form, or pathMode open-api for {name}"},
		{URLPattern, "/:a?", "a variable that may be missing or there several times (? + *) is not known here: write a path for each form"},
		{URLPattern, "/:a*", `a variable that may be missing or there several times (? + *) is not known here: write a path for each form, and \* for the sign itself`},
		{URLPattern, "/(a)+", `a variable that may be missing or there several times (? + *) is not known here: write a path for each form, and \+ for the sign itself`},
		{URLPattern, "/a+", `a variable that may be missing or there several times (? + *) is not known here: write a path for each form, and \+ for the sign itself`},
		{URLPattern, "/**", `a variable that may be missing or there several times (? + *) is not known here: write a path for each form, and \* for the sign itself`},
		{URLPattern, "/a?b", "a path has no query and no fragment"},
		{URLPattern, "/a#b", "a path has no query and no fragment"},
		{URLPattern, "/a)", `a ) has no ( before it: \) is the sign itself`},
		{URLPattern, "/(a", `a ( has no ) behind it: \( is the sign itself`},
		{URLPattern, `/(a\)`, `a ( has no ) behind it: \( is the sign itself`},
		{URLPattern, "/:", `a variable is :name with letters, digits and _, no digit first: \: is the sign itself`},
		{URLPattern, "/:1", `a variable is :name with letters, digits and _, no digit first: \: is the sign itself`},
		{URLPattern, "/:a/:a", twice},
		{URLPattern, `/a\b`, `a \ stands only before one of :*+()`},
		{URLPattern, `/a\`, `a \ stands only before one of :*+()`},
		{URLPattern, "/:a//b", "a path has no empty segment: write one / instead of //"},
		{URLPattern, "/:a/../b", "a path has no segment . or .."},
		{URLPattern, "/a b", chars},
		{URLPattern, "/:a()", "a regular expression is not empty"},
		{URLPattern, "/(ä)", "a regular expression holds ASCII characters only"},
		{URLPattern, "/(?i:a)", "a regular expression does not begin with ?"},
		{URLPattern, "/(a(b))", "a group within a regular expression is written (?:...)"},
		{URLPattern, "/(a(?:b|c))", ""},
		{URLPattern, "/(a(?!b))", "a regular expression cannot look around with (?=, (?! or (?<: a match takes linear time (RE2)"},
		{URLPattern, "/([)", "a regular expression cannot be used, as RE2 understands it: missing closing ]"},
		{URLPattern, `/(\1)`, "a regular expression cannot be used, as RE2 understands it: invalid escape sequence"},
		{URLPattern, "/(^a)", `a regular expression has no ^, $ or \b: it must match the whole of its part of the path anyway`},
		{URLPattern, "/((?:a$)?)", `a regular expression has no ^, $ or \b: it must match the whole of its part of the path anyway`},
		{URLPattern, "/(a{500})", "the pattern is too large: write fewer or smaller counts like {1,100} and shorter texts"},
		{URLPattern, "/((?:(?:a{20}){20}){20})", "a regular expression cannot be used, as RE2 understands it: invalid repeat count"},
		{URLPattern, "/(a{200})", ""},
		{URLPattern, "/:a" + strings.Repeat("x", 3*maxSteps), ""},
		{URLPattern, "/(a|b)" + strings.Repeat("x", maxSteps), "the pattern is too large: write fewer or smaller counts like {1,100} and shorter texts"},
		{URLPattern, "/:a:b-:c.json", ""},
		{URLPattern, "/a/*", ""},
	} {
		p, fault := Parse(c.mode, c.path)
		if fault != c.fault || (p == nil) != (fault != "") {
			t.Errorf("%s %.50s: fault %q, want %q (pattern %v)", c.mode, c.path, fault, c.fault, p)
		}
	}
}

func TestLiteralOrNot(t *testing.T) {
	for _, c := range []struct {
		mode          Mode
		path, literal string
	}{
		{OpenAPI, "/a:b", "/a:b"}, {OpenAPI, "/{a}", ""},
		{URLPattern, "/a/b", "/a/b"}, {URLPattern, `/a\:b/\(c\)`, "/a:b/(c)"}, {URLPattern, "/a:b", ""}, {URLPattern, "/a/(b)", ""},
	} {
		got, ok := parse(t, c.mode, c.path).Literal()
		if got != c.literal || ok != (c.literal != "") {
			t.Errorf("%s %s: literal %q, %v, want %q", c.mode, c.path, got, ok, c.literal)
		}
	}
}

// Covers is sound: of what one pattern covers, the other matches nothing that the first does not.
func TestCovers(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"/a/:x", "/a/b", true},
		{"/a/:x", "/a/:y", true},
		{"/a/:x", `/a/:y(\d+)`, true},
		{"/a/:x", `/a/v:y`, true},
		{"/a/:x", `/a/v:y(\d*)`, true},
		{"/a/:x", `/a/(\d*)`, false}, // "/a/" is one that only the second matches
		{"/a/:x", "/a/(a/b|c)", false},
		{"/a/:x", "/a/*", false},
		{"/a/:x", "/a/:y/", false},
		{"/a/:x", "/:y/b", false},
		{"/:y/b", "/a/:x", false},
		{"/:x/:y", "/a/:x", true},
		{"/a/*", "/a/:x/c", true},
		{"/a/*", `/a/b:x(\d+)/c`, true},
		{"/a/*", "/a/", true},
		{"/a/*", "/a", false},
		{"/a*", "/a/:x", true},
		{"/*", "/:x", true},
		{"/a/(.*)", "/a/:x", true},
		{"/a/*", "/*", false},
		{"/a/*/b", "/a/x/b", true},
		{"/a/*/b", "/a/:x/b", false}, // it does, but nothing is said in doubt
		{`/a/(\d+)`, `/a/(\d+)`, true},
		{`/a/(\d+)`, `/a/:other(\d+)`, true},
		{`/a/(\d+)/:x`, `/a/(\d+)/y`, true},
		{`/a/(\d+)`, "/a/17", true},
		{`/a/(\d+)`, "/a/:x", false},
		{"/a/b", "/a/:x", false},
		{"/a/v:x", "/a/:y", false},
		{"/a/v:x", "/a/v1", true},
		{"/a/:x.json", "/a/:y.json", true},
	} {
		a, b := parse(t, URLPattern, c.a), parse(t, URLPattern, c.b)
		if got := a.Covers(b); got != c.want {
			t.Errorf("%s covers %s: %v", c.a, c.b, got)
		}
	}
}

// FuzzPattern holds parser, matcher and the claims of Covers and Shape against each other.
func FuzzPattern(f *testing.F) {
	f.Add("/a/:x", `/a/(\d*)`, "/a/17")
	f.Add("/a/*", "/a/:x/c", "/a/b/c")
	f.Add(`/v:x(\d+)\:`, "/v:x", "/v1:")
	f.Add("/(a|b/c)", "/:x", "/b/c")
	f.Fuzz(func(t *testing.T, first, second, path string) {
		for _, mode := range []Mode{OpenAPI, URLPattern} {
			a, fault := Parse(mode, first)
			if (a == nil) != (fault != "") {
				t.Fatalf("%s: %v and fault %q", first, a, fault)
			}
			b, _ := Parse(URLPattern, second)
			if a == nil || b == nil {
				continue
			}
			if b.Match(path) && !a.Match(path) && (a.Covers(b) || a.Shape() == b.Shape()) {
				t.Errorf("%s is said to cover %s, which alone matches %s", first, second, path)
			}
			if at, ok := a.Literal(); ok && (!a.Match(at) || path != at && a.Match(path)) {
				t.Errorf("%s is literal and does not match itself alone", first)
			}
			var table Table[string]
			table.Add(a, []string{"POST"}, "a")
			table.Add(b, []string{"POST"}, "b")
			want := ""
			switch {
			case a.Match(path):
				want = "a"
			case b.Match(path):
				want = "b"
			}
			if got, _, _ := table.Match("POST", path); got != want {
				t.Errorf("%s, then %s: %s goes to %q, want %q", first, second, path, got, want)
			}
		}
	})
}

// A load compares each pattern with each: that must cost no memory.
func TestCoversAllocatesNothing(t *testing.T) {
	a, _ := Parse(OpenAPI, "/a/{n}/b")
	b, _ := Parse(OpenAPI, "/a/{n}/c")
	if n := testing.AllocsPerRun(10, func() { a.Covers(b) }); n > 0 {
		t.Errorf("it makes %v allocations", n)
	}
}
