package config

import (
	"bytes"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"durward/runtime/internal/reference"
)

// What a load may allocate: bytes for each byte of the files, and costFixed. That is the price of 10,000 values, which is as
// many as options may have: for one of two bytes the library that checks them takes a kilobyte, and what blots out a secret
// five.
const costPerByte = 64

// No bytes make Load panic, print what came from the environment, tell of a place that is not there, answer a Config together
// with problems, or take more memory than their size allows; and the same bytes come to the same. The bits of kinds say which
// of the files are .jsonc. Run it with -fuzzminimizetime=5x: the seeds are long, and making them short takes minutes.
func FuzzLoad(f *testing.F) {
	base := validFolder(f)
	add := func(policies, routes, gateway, more, imported, dotEnv string) {
		f.Add([]byte(policies), []byte(routes), []byte(gateway), []byte(more), []byte(imported), []byte(dotEnv), byte(0))
		f.Add([]byte(policies), []byte(routes), []byte(gateway), []byte(more), []byte(imported), []byte(dotEnv), byte(31))
	}
	policies, routes := string(base[PoliciesFile].Data), string(base[RoutesFile].Data)
	add(policies, routes, string(base[GatewayFile].Data), "", "", "")
	importing := strings.Replace(policies, `"clientId": "$env(CLIENT_ID)"`, `"clientId": "$env(OF_DOT_ENV)", "keys": "$import(./x.json)"`, 1)
	add(importing, routes, `{}`, strings.ReplaceAll(strings.ReplaceAll(routes, "/mcp/", "/more/"), `"operationId": "`, `"operationId": "m`),
		"[{\"secret\": \"$env(CLIENT_SECRET)\"}, \"$import(./x.json)\", // none\n]", "export OF_DOT_ENV='of-dot-env' # so\n=\nA=\"\\x\"")
	inHost := folderOf(f, "middleware")
	add(string(inHost[PoliciesFile].Data), string(inHost[RoutesFile].Data), `{}`, "", "", "")
	add(`{"policies":[{"name":"a","policyType":"login-inbound","handler":{"options":{"extra":[1e999,"$env("]}}}]}`,
		`{"openapi":"3.1.0","paths":{"/{a}/":{"post":{"x-zuplo-route":{"handler":{"options":{"rewritePattern":"${env.UPSTREAM}${"}}}}}}}`,
		`{"publicUrl":["http://[::1]:0"],"trustedProxies":["::/129"],"listen":":","adminToken":null}`, "", "", "")
	add(`[[[`, "\xef\xbb\xbf{}", `{"a":1,"a":2}`, "\xff\xfe{", "", "")
	add(`{"policies":{"0":{}}}`, `{"paths":[{}]}`, `null`, `{"paths":{"/a":{"get":{"responses":[{}]},"GET":1}}}`, `{`, "\x00")
	f.Fuzz(func(t *testing.T, policies, routes, gateway, more, imported, dotEnv []byte, kinds byte) {
		folder := fstest.MapFS{}
		input := string(dotEnv)
		for i, file := range []struct {
			name string
			data []byte
		}{{PoliciesFile, policies}, {RoutesFile, routes}, {GatewayFile, gateway}, {"more.oas.json", more}, {"x.json", imported}} {
			if file.data = bytes.Clone(file.data); kinds>>i&1 == 1 && file.name != "x.json" {
				file.name += "c"
			}
			folder[file.name] = &fstest.MapFile{Data: file.data}
			input += string(file.data)
		}
		if len(more) == 0 {
			maps.DeleteFunc(folder, func(name string, _ *fstest.MapFile) bool { return strings.HasPrefix(name, "more") })
		}
		loader := newLoader(t, folder, baseEnv())
		loader.options.DotEnv = "/.env"
		loader.options.ReadFile = func(string, int) reference.Content { return reference.Content{Data: bytes.Clone(dotEnv), Sum: "x"} }
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		first := loader.Load()
		runtime.ReadMemStats(&after)
		if took := int(after.TotalAlloc - before.TotalAlloc); took > costPerByte*len(input)+costFixed {
			t.Fatalf("%d bytes cost %d", len(input), took)
		}
		second := loader.Load()
		if (first.Config == nil) != (len(first.Problems) > 0) {
			t.Fatalf("Config is nil: %v, with %d problems", first.Config == nil, len(first.Problems))
		}
		if diff := cmp.Diff(first.Problems, second.Problems); diff != "" {
			t.Fatalf("problems differ (-first +second):\n%s", diff)
		}
		told := slices.Clone(first.Problems)
		if first.Config != nil {
			told = slices.Concat(told, first.Config.Notes, first.Config.Unsafe)
		}
		for _, p := range told {
			if name, ok := strings.CutPrefix(p.File, "config/"); ok && folder[name] != nil {
				checkPlace(t, p, folder[name].Data)
			}
			if strings.Contains(p.String(), "\n") {
				t.Fatalf("G10: more than a line: %q", p)
			}
			if text := p.String() + p.Excerpt.Line; strings.Contains(text, canary) && !strings.Contains(input, canary) {
				t.Fatalf("G10: a value of the environment is printed: %s", text)
			}
		}
		if first.Config == nil {
			return
		}
		for _, r := range first.Config.Routes {
			if r.Upstream == nil {
				t.Fatalf("route %q leads nowhere", r.ID)
			}
		}
		for i, p := range first.Config.Policies {
			if q := second.Config.Policies[i]; p.Hash != q.Hash || p.DecisionHash != q.DecisionHash {
				t.Fatalf("G5: the hashes of policy %s differ", p.Name)
			}
		}
	})
}

// checkPlace says whether a problem has a place that its file has, and an excerpt that has what it points at.
func checkPlace(t *testing.T, p Problem, data []byte) {
	t.Helper()
	lines := bytes.Split(data, []byte("\n"))
	if p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.Column > len(lines[p.Line-1])+1 {
		t.Fatalf("there is no such place: %s", p)
	}
	e := p.Excerpt
	if length := utf8.RuneCountInString(e.Line); e != (Excerpt{}) && (e.Column < 1 || e.Width < 1 || e.Column > length+1 || length > maxExcerpt) {
		t.Fatalf("an excerpt that shows nothing: %+v", e)
	}
}
