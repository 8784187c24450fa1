package config

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// drawn is an excerpt as two lines.
func drawn(e Excerpt) string {
	return e.Line + "\n" + strings.Repeat(" ", max(0, e.Column-1)) + strings.Repeat("^", e.Width)
}

func TestExcerpt(t *testing.T) {
	policies := string(validFolder(t)[PoliciesFile].Data)
	// with is the file with its line for clientSecret and what follows replaced.
	with := func(line string) string {
		return strings.Replace(policies, `          "clientSecret": "$env(CLIENT_SECRET)",`, line, 1)
	}
	tests := []struct{ name, data, want string }{
		{"a name", with(`"clientSecert": "canary", "scope": "openid",`), "\"clientSecert\": \"…\", \"scope\": \"openid\",\n^^^^^^^^^^^^^^"},
		{"a value", with(`"clientSecret": "canary", "scope": "email",`),
			"\"clientSecret\": \"…\", \"scope\": \"email\",\n                              ^^^^^^^"},
		{"a secret", with(`"clientSecret": ["canary", 5], "extra": [],`), "\"clientSecret\": [\"…\", …], \"extra\": [],\n                ^"},
		{"an item of a secret", with(`"keys": [{"secret": {"x": "canary"}}], "clientSecret": "s",`),
			"\"keys\": [{\"secret\": {\"x\": \"…\"}}], \"clientSecret\": \"…\",\n                    ^"},
		{"a variable within a text", with(`"clientSecret": "s", "extra": ["abc $env(NOBODY)"],`),
			"\"clientSecret\": \"…\", \"extra\": [\"abc $env(NOBODY)\"],\n                                    ^^^^^^^^^^^^"},
		{"a variable within a secret", with(`"clientSecret": "canary $env(NOBODY)",`), "\"clientSecret\": \"…\",\n                ^^^"},
		{"a secret that is a reference", with(`"clientSecret": "$env(NOBODY)",`), "\"clientSecret\": \"$env(NOBODY)\",\n                 ^^^^^^^^^^^^"},
		{"a secret in place of a name", with(`"clientSecret": "$env(canary)",`), "\"clientSecret\": \"…\",\n                ^^^"},
		{"a name twice", with(`"clientSecret": "s", "clientSecret": "canary", "clientID": "canary",`),
			"\"clientSecret\": \"…\", \"clientSecret\": \"…\", \"clientID\": \"…\",\n                     ^^^^^^^^^^^^^^"},
		{"a password in a URL", with(`"clientSecret": "s", "extra": ["https://u:canary@x/", 1],`),
			"\"clientSecret\": \"…\", \"extra\": [\"…\", 1],\n                                    ^"},
		{"a key in a URL", with(`"clientSecret": "s", "extra": ["https://x/?k=canary", 1],`),
			"\"clientSecret\": \"…\", \"extra\": [\"…\", 1],\n                                    ^"},
		{"a secret one level too high", with(`"keys": "canary", "clientSecret": "s",`),
			"\"keys\": \"…\", \"clientSecret\": \"…\",\n        ^^^"},
		{"a type that nobody knows", strings.Replace(with(`"clientSecret": "canary", "other": 1234,`), `login-inbound"`, `logon-inbound"`, 1),
			"      \"policyType\": \"logon-inbound\",\n                    ^^^^^^^^^^^^^^^"},
		{"wide", with(`"extra": ["😀é", "ü€", 5], "clientSecret": "s",`),
			"\"extra\": [\"😀é\", \"ü€\", 5], \"clientSecret\": \"…\",\n                      ^"},
		{"no JSON: a comma", with(`"clientSecret": "canary" "gateway"`), "\"clientSecret\": \"…\" \"…\"\n                   ^"},
		{"no JSON: a quote", with(`"clientSecret": "canary, "extra": [],`), "\"clientSecret\": \"…\"…\"…\n                   ^"},
		{"no JSON: a quote before", with(`"clientSecret: "canary", 5`), "\"…\"…\"…\n   ^"},
		{"no JSON: no quotes", with(`"clientSecret": canary, "x": true`), "\"clientSecret\": …, \"x\": true\n                ^"},
		{"no JSON: a comment", with(`"x": 1, // canary`), "\"x\": …, … …\n        ^"},
		{"no JSON: a text without end", with(`"clientSecret": "canary,`), "\"clientSecret\": \"…\n                ^^"},
		{"no JSON: an escape", with(`"clientSecret": "ca\nary \x"`), "\"clientSecret\": \"…\"\n                ^^^"},
		{"the end", "{\n \"policies\": [\n", " \"policies\": [\n              ^"},
		{"too long", with(`"clientSecert": "` + strings.Repeat("x", maxLine) + `"`), "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			folder := validFolder(t)
			folder[PoliciesFile] = &fstest.MapFile{Data: []byte(tt.data)}
			result := load(t, folder, baseEnv())
			if len(result.Problems) == 0 {
				t.Fatal("no problem")
			}
			if diff := cmp.Diff(tt.want, drawn(result.Problems[0].Excerpt)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", result.Problems[0], diff)
			}
			for _, p := range result.Problems {
				if strings.Contains(p.Excerpt.Line, canary) {
					t.Errorf("G10: %s", p.Excerpt.Line)
				}
			}
		})
	}
}

// What has not the form by which it would be known for a secret is not shown.
func TestExcerptOfOtherForms(t *testing.T) {
	for file, documents := range map[string][]string{
		PoliciesFile: {
			`[{"handler": {"options": {"clientSecret": "canary"}}}]`,
			`"canary"`,
			`{"policies": {"handler": {"options": {"clientSecret": "canary"}}}}`,
			`{"policies": "canary"}`,
			`{"policies": [[{"handler": {"options": {"clientSecret": "canary"}}}]]}`,
			`{"policies": ["canary"]}`,
			`{"policies": [{"policyType": "login-inbound", "handler": [{"options": {"clientSecret": "canary"}}]}]}`,
			`{"policies": [{"policyType": "login-inbound", "handler": "canary"}]}`,
			`{"policies": [{"handler": [{"options": {"clientSecret": "canary"}}]}]}`,
			`{"policies": [{"policyType": "login-inbound", "handler": {"options": {"keys": {"secret": "canary"}}}}]}`,
			`{"policies": [{"policyType": "login-inbound", "handler": {"options": {"keys": [["canary"]]}}}]}`,
		},
		GatewayFile: {`[{"adminToken": "canary"}]`, `{"store": ["canary"]}`, `{"store": [{"key": "canary"}]}`, `"canary"`},
	} {
		for _, document := range documents {
			folder := validFolder(t)
			folder[file] = &fstest.MapFile{Data: []byte(document)}
			problems := load(t, folder, baseEnv()).Problems
			if len(problems) == 0 {
				t.Errorf("%s: no problem", document)
			}
			for _, p := range problems {
				if strings.Contains(p.Excerpt.Line, canary) {
					t.Errorf("G10: %s", p.Excerpt.Line)
				}
			}
		}
	}
}

// A comment is not shown, whatever is in it.
func TestExcerptOfComments(t *testing.T) {
	folder := validFolder(t)
	delete(folder, GatewayFile)
	folder["gateway.jsonc"] = &fstest.MapFile{Data: []byte("{ /* canary\n\"canary\": 17 */ \"listn\": \"x\", // \"canary\": 1\n\"adminToken\": \"short canary\"}")}
	var got []string
	for _, p := range load(t, folder, baseEnv()).Problems {
		got = append(got, drawn(p.Excerpt))
	}
	want := []string{
		"\"…\": … … \"listn\": \"…\", … \"…\": …\n         ^^^^^^^",
		"\"adminToken\": \"…\"}\n              ^^^", // it is too short
		"\"adminToken\": \"…\"}\n              ^^^", // and has a space
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("excerpts (-want +got):\n%s", diff)
	}
}

// What is imported is masked as if it were written in its place.
func TestExcerptOfImports(t *testing.T) {
	folder := importing(t, `"clientSecret": "$import(./s.json)", "extra": "$import(./e.json)", "other": "$import(./o.json)"`, map[string]string{
		"s.json": `["canary"]`, "e.json": `["shown", 1, "https://u:canary@x"]`, "o.json": `{"canary": "canary", "canary": 5}`,
	})
	got := map[string]string{}
	for _, p := range load(t, folder, baseEnv()).Problems {
		got[p.File] = drawn(p.Excerpt)
	}
	want := map[string]string{
		"config/s.json":        "[\"…\"]\n^",
		"config/e.json":        "[\"shown\", 1, \"…\"]\n          ^",
		"config/o.json":        "{\"canary\": \"…\", \"canary\": …}\n                ^^^^^^^^",
		"config/policies.json": `          "clientSecret": "$import(./s.json)", "extra": "$import(./e.json)", "other": "$import(./o.json)",` + "\n" + strings.Repeat(" ", 77) + "^^^^^^^",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("excerpts (-want +got):\n%s", diff)
	}
}

// A long line is clipped around the place.
func TestExcerptIsClipped(t *testing.T) {
	for _, n := range []int{0, 50, 99, 100, 101, 150, 300} {
		folder := validFolder(t)
		folder[GatewayFile] = &fstest.MapFile{Data: fmt.Appendf(nil, `{%s"listn": 1%s}`, strings.Repeat(" ", n), strings.Repeat(" ", 300))}
		e := load(t, folder, baseEnv()).Problems[0].Excerpt
		runes := []rune(e.Line)
		if len(runes) != maxExcerpt || string(runes[e.Column-1:e.Column-1+e.Width]) != `"listn"` {
			t.Errorf("after %d spaces: %d characters, at %d:\n%s", n, utf8.RuneCountInString(e.Line), e.Column, drawn(e))
		}
	}
}
