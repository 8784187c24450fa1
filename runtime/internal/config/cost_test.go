//go:build !race

// What a load allocates is not what it allocates under the race detector: see costFixed.

package config

import (
	"maps"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// cost answers how many bytes a load allocates, and for how many bytes of files.
func cost(t testing.TB, folder fstest.MapFS) (allocated, size int) {
	t.Helper()
	loader := newLoader(t, folder, baseEnv())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	loader.Load()
	runtime.ReadMemStats(&after)
	for _, file := range folder {
		size += len(file.Data)
	}
	return int(after.TotalAlloc - before.TotalAlloc), size
}

// many is a text made n times, with the number in place of #.
func many(n int, format string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strings.ReplaceAll(format, "#", strconv.Itoa(i)))
	}
	return b.String()
}

// Whatever the files hold, a load costs no more memory than their size allows.
func TestCost(t *testing.T) {
	const much = 1 << 17
	options := func(options string) map[string]string {
		return map[string]string{PoliciesFile: `{"policies": [{"name": "a", "policyType": "login-inbound", "handler": {"export": "LoginInboundPolicy", ` +
			`"module": "$import(@zuplo/runtime)", "options": {"frontendApiUrl": "https://x.example", "clientId": "c", "clientSecret": "s", ` + options + `}}}]}`}
	}
	routes := func(paths string) map[string]string {
		return map[string]string{RoutesFile: `{"openapi": "3.1.0", "paths": {` + paths + `}}`}
	}
	const route = `"/mcp/#":{"post":{"operationId":"r#","x-zuplo-route":{"handler":{"export":"McpProxyHandler","module":` +
		`"$import(@zuplo/runtime)","options":{"rewritePattern":"http://127.0.0.1:9/#"}},"policies":{"inbound":["login"]}}}}`
	long := strings.Repeat("n", 900)
	for name, files := range map[string]map[string]string{
		"as it ships":                       {},
		"numbers for policies":              {PoliciesFile: "[" + strings.Repeat("1,", 2*much-2) + "1]"},
		"objects for policies":              {PoliciesFile: `{"policies":[` + many(much, "{}") + "]}"},
		"policies":                          {PoliciesFile: `{"policies":[` + many(1600, `{"name":"a#","policyType":"look-inbound","handler":{"export":"LookInboundPolicy","module":"$import(@zuplo/runtime)"}}`) + "]}"},
		"policies that are no policies":     {PoliciesFile: `{"policies":[` + many(1000, `{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8}`) + "]}"},
		"names of policies":                 {PoliciesFile: `{` + many(10_000, `"n#":1`) + `}`},
		"duplicates":                        {PoliciesFile: `{` + many(20_000, `"":1`) + `}`},
		"twins":                             {PoliciesFile: `{` + many(5_000, `"a#":1,"A#":1`) + `}`},
		"numbers in options":                options(`"extra": [` + strings.Repeat("1,", 9_500) + `1]`),
		"texts in options":                  options(`"extra": [` + strings.Repeat(`"",`, 9_500) + `""]`),
		"too many texts in options":         options(`"extra": [` + strings.Repeat(`"",`, 50_000) + `""]`),
		"objects in options":                options(`"keys": [` + strings.Repeat(`{},`, 9_500) + `{}]`),
		"secrets in options":                options(`"keys": [` + many(4_000, `{"secret":"#---"}`) + `]`),
		"unknown options":                   options(many(9_500, `"o#": 1`)),
		"variables in options":              options(`"extra": [` + strings.Repeat(`"$env(A)",`, 9_500) + `""]`),
		"variables that are set":            options(`"extra": [` + strings.Repeat(`"$env(TENANT)",`, 9_500) + `""]`),
		"a long name in options":            options(`"keys": [{"` + long + `": [` + strings.Repeat("{},", 9_000) + `{}]}]`),
		"numbers for routes":                {RoutesFile: "[" + strings.Repeat("1,", 4*much) + "1]"},
		"free parts":                        {RoutesFile: `{"openapi":"3.1.0","components":[` + strings.Repeat(`"",`, 4*much) + `""],"paths":{}}`},
		"free names":                        {RoutesFile: `{"openapi":"3.1.0",` + many(15_000, `"x#":1`) + `,"paths":{}}`},
		"free parts of a path":              routes(`"/a":{"get":{"responses":[` + strings.Repeat(`[],`, 2*much) + `[]]}}`),
		"free parts of many":                routes(many(5_000, `"/#":{"parameters":[]}`)),
		"routes":                            routes(many(1_000, route)),
		"paths that are none":               routes(many(5_000, `"#":1`)),
		"paths that mean the same":          routes(many(2_000, `"/{a#}":{}`)),
		"paths with nothing":                routes(many(5_000, `"/#":{}`)),
		"operations with nothing":           routes(many(5_000, `"/#":{"post":{}}`)),
		"an array of names":                 routes(`"/a":{"post":{"operationId":"a","x-zuplo-route":{"policies":{"inbound":[` + strings.Repeat(`"",`, 2*much) + `""]}}}}`),
		"numbers in the options of a route": routes(`"/a":{"post":{"operationId":"a","x-zuplo-route":{"handler":{"options":{"x":[` + strings.Repeat(`1,`, 2*much) + `1]}}}}}`),
		"numbers for the gateway":           {GatewayFile: `{"trustedProxies":[` + strings.Repeat("1,", 9_500) + "1]}"},
		"texts for the gateway":             {GatewayFile: `{"trustedProxies":[` + strings.Repeat(`"",`, much) + `""]}`},
		"line ends":                         {PoliciesFile: strings.Repeat("\n", 4*much-10) + "{}"},
		"comments":                          {PoliciesFile: "remove", "policies.jsonc": strings.Repeat("//\n", much) + `{"policies":[]}`},
		"a long text":                       options(`"clientId2": "` + strings.Repeat("x", 3*much) + `"`),
		"a long text in options":            options(`"extra": ["` + strings.Repeat("x", 3*much) + `"]`),
		"a long text with escapes":          options(`"extra": ["` + strings.Repeat(`\u00e9`, much/2) + `"]`),
		"imports":                           {PoliciesFile: options(`"extra": ["$import(./e.json)","$import(./e.json)"]`)[PoliciesFile], "e.json": `[` + strings.Repeat(`"",`, 4_800) + `""]`},
		"a long text imported":              {PoliciesFile: options(`"extra": [` + strings.Repeat(`"$import(./e.json)",`, 4_000) + `""]`)[PoliciesFile], "e.json": `"` + strings.Repeat("x", 1_000) + `"`},
		"variables imported":                {PoliciesFile: options(`"extra": "$import(./e.json)"`)[PoliciesFile], "e.json": `"` + strings.Repeat("$env(TENANT)", much/4) + `"`},
	} {
		t.Run(name, func(t *testing.T) {
			folder := maps.Clone(validFolder(t))
			for name, data := range files {
				if folder[name] = (&fstest.MapFile{Data: []byte(data)}); data == "remove" {
					delete(folder, name)
				}
			}
			allocated, size := cost(t, folder)
			t.Logf("%8d KiB cost %8d KiB: %6.1f for each byte, or %6d KiB and 64 for each", size>>10, allocated>>10,
				float64(allocated)/float64(size), max(0, allocated-costPerByte*size)>>10)
			if allocated > costPerByte*size+costFixed {
				t.Errorf("%d bytes cost %d", size, allocated)
			}
		})
	}
}

// With files so large that the fixed part hardly counts, each byte by itself costs no more than it may: of the smallest values
// there are, of one long text, and of what has more faults than anybody is told.
func TestCostOfEachByte(t *testing.T) {
	const large = 2 << 20
	free := func(item string) string {
		return `{"openapi":"3.1.0","components":[` + strings.Repeat(item+",", large/(len(item)+1)) + item + `],"paths":{}}`
	}
	for name, text := range map[string]string{
		"texts": free(`""`), "arrays": free(`[]`), "objects with a member": free(`{"":0}`), "one long text": free(`"` + strings.Repeat("x", large) + `"`),
		"paths that are none": `{"openapi":"3.1.0","paths":{` + many(large/12, `"#":1`) + `}}`,
	} {
		t.Run(name, func(t *testing.T) {
			folder := maps.Clone(validFolder(t))
			folder[RoutesFile] = &fstest.MapFile{Data: []byte(text)}
			allocated, size := cost(t, folder)
			t.Logf("%d KiB cost %d KiB: %.1f for each byte", size>>10, allocated>>10, float64(allocated)/float64(size))
			if allocated > costPerByte*size {
				t.Errorf("%d bytes cost %d", size, allocated)
			}
		})
	}
}
