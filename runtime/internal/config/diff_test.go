package config

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// lines are a difference in words, with nothing of what is the same.
func (d Difference) lines() (lines []string) {
	add := func(what, name string, old, next bool, reasons []Reason) {
		switch {
		case !old:
			lines = append(lines, "+ "+what+" "+name)
		case !next:
			lines = append(lines, "- "+what+" "+name)
		}
		for _, r := range reasons {
			lines = append(lines, "~ "+what+" "+name+": "+r.String())
		}
	}
	for _, p := range d.Policies {
		add("policy", either(p.Old, p.New).Name, p.Old != nil, p.New != nil, p.Reasons)
	}
	for _, r := range d.Routes {
		add("route", either(r.Old, r.New).ID, r.Old != nil, r.New != nil, r.Reasons)
	}
	add("gateway", "", true, true, d.Gateway)
	for _, what := range d.Reordered {
		lines = append(lines, "order of "+what)
	}
	return lines
}

func either[T any](a, b *T) *T {
	if a == nil {
		return b
	}
	return a
}

// What an edit of a configuration comes to, in words. No value of the environment and no secret stands in them (G10).
func TestCompare(t *testing.T) {
	base := validFolder(t)
	edit := func(pairs ...string) fstest.MapFS {
		folder := base
		for i := 0; i < len(pairs); i += 3 {
			folder = replaced(t, folder, pairs[i], pairs[i+1], pairs[i+2])
		}
		return folder
	}
	const secret = `"clientSecret": "$env(CLIENT_SECRET)"`
	long := strings.Repeat("x", maxTold)
	for _, tt := range []struct {
		name string
		// from is the old configuration, if it is another than the base.
		from, to fstest.MapFS
		env      map[string]string
		want     []string
	}{
		{name: "the same", to: base},
		{name: "a number", to: edit(PoliciesFile, "900", "600"),
			want: []string{"~ policy login: option /gateway/accessTokenTtlSeconds: 900 -> 600"}},
		{name: "a text that comes", to: edit(PoliciesFile, secret, secret+`, "scope": "openid email"`),
			want: []string{`~ policy login: option /scope: added "openid email"`}},
		{name: "a text that goes", from: edit(PoliciesFile, secret, secret+`, "scope": "openid email"`), to: base,
			want: []string{`~ policy login: option /scope: removed, was "openid email"`}},
		{name: "an object that goes", to: edit(PoliciesFile, `,
          "gateway": { "accessTokenTtlSeconds": 900, "cimdEnabled": true }`, ``),
			want: []string{"~ policy login: option /gateway/accessTokenTtlSeconds: removed, was 900",
				"~ policy login: option /gateway/cimdEnabled: removed, was true"}},
		{name: "an object that comes empty", from: edit(PoliciesFile, `,
          "gateway": { "accessTokenTtlSeconds": 900, "cimdEnabled": true }`, ``), to: edit(PoliciesFile,
			`{ "accessTokenTtlSeconds": 900, "cimdEnabled": true }`, `{}`),
			want: []string{"~ policy login: option /gateway: added {}"}},
		{name: "a list", from: edit(PoliciesFile, secret, secret+`, "extra": ["a"]`),
			to:   edit(PoliciesFile, secret, secret+`, "extra": ["a", "$env(CLIENT_ID)"]`),
			want: []string{`~ policy login: option /extra: ["a"] -> ["a","$env(CLIENT_ID)"]`}},
		{name: "a long list", from: edit(PoliciesFile, secret, secret+`, "extra": ["a"]`),
			to:   edit(PoliciesFile, secret, secret+`, "extra": ["`+long+`"]`),
			want: []string{`~ policy login: option /extra: changed (too long to show)`}},
		{name: "a longish text", to: edit(PoliciesFile, secret, secret+`, "extra": ["`+long[:100]+`"]`),
			want: []string{`~ policy login: option /extra: added ["` + long[:maxShown-2] + `...`}},
		{name: "one of twelve", from: edit(PoliciesFile, secret, secret+`, "extra": [`+people("ada", "bob")+`]`),
			to:   edit(PoliciesFile, secret, secret+`, "extra": [`+people("ada", "eve")+`]`),
			want: []string{`~ policy login: option /extra: + "eve@example.com", - "bob@example.com"`}},
		{name: "one of a thousand", from: edit(PoliciesFile, secret, secret+`, "extra": ["`+long+`", "bob"]`),
			to:   edit(PoliciesFile, secret, secret+`, "extra": ["eve", "`+long+`"]`),
			want: []string{`~ policy login: option /extra: + "eve", - "bob"`}},
		{name: "none of a thousand", from: edit(PoliciesFile, secret, secret+`, "extra": ["`+long+`"]`),
			to:   edit(PoliciesFile, secret, secret+`, "extra": ["`+long+`", "bob", "$env(CLIENT_ID)"]`),
			want: []string{`~ policy login: option /extra: + "bob", + "$env(CLIENT_ID)"`}},
		{name: "a list in another order", from: edit(PoliciesFile, secret, secret+`, "extra": [`+people("ada", "bob")+`]`),
			to:   edit(PoliciesFile, secret, secret+`, "extra": [`+people("bob", "ada")+`]`),
			want: []string{`~ policy login: option /extra: the same in another order`}},
		{name: "many of a list", from: edit(PoliciesFile, secret, secret+`, "extra": [`+people("ada", "bob")+`]`),
			to: edit(PoliciesFile, secret, secret+`, "extra": ["ada@example.com"]`),
			want: []string{`~ policy login: option /extra: - "a@example.com", - "b@example.com", - "c@example.com", - "d@example.com", ` +
				`- "e@example.com", - "f@example.com", - "g@example.com", - "h@example.com", and 3 more`}},
		{name: "the end of a long text", from: edit(PoliciesFile, secret, secret+`, "scope": "openid `+long[:100]+`one"`),
			to:   edit(PoliciesFile, secret, secret+`, "scope": "openid `+long[:100]+`two"`),
			want: []string{`~ policy login: option /scope: ...` + long[:20] + `one" -> ...` + long[:20] + `two"`}},
		{name: "a text with a variable", to: edit(PoliciesFile, "$env(CLIENT_ID)", "even-$env(KEY)"),
			want: []string{`~ policy login: option /clientId: "$env(CLIENT_ID)" -> "even-$env(KEY)"`}},
		{name: "a variable that holds something else", to: base, env: map[string]string{"CLIENT_ID": "another-canary"},
			want: []string{`~ policy login: option /clientId: changed, as another value comes from "$env(CLIENT_ID)"`}},
		{name: "a secret from a variable", to: base, env: map[string]string{"CLIENT_SECRET": "another-canary"},
			want: []string{"~ policy login: option /clientSecret: changed (secret)"}},
		{name: "a secret as it is", to: edit(PoliciesFile, "$env(CLIENT_SECRET)", "literally-canary"),
			want: []string{"~ policy login: option /clientSecret: changed (secret)"}},
		{name: "a title that is a secret elsewhere", env: map[string]string{"CLIENT_SECRET": "Tools canary"},
			to: edit(RoutesFile, `Tools A`, `Tools canary`),
			want: []string{"~ policy login: option /clientSecret: changed (secret)",
				`~ policy login: title of route a: "Tools A" -> "(secret)"`,
				`~ policy look: title of route a: "Tools A" -> "(secret)"`, `~ route a: title: "Tools A" -> "(secret)"`}},
		{name: "a CORS policy", to: edit(RoutesFile, `"corsPolicy": "none"`, `"corsPolicy": "apps"`, PoliciesFile, `"policies": [`,
			`"corsPolicies": [{ "name": "apps", "allowedOrigins": "https://app.example" }], "policies": [`),
			want: []string{`~ route a: corsPolicy: "none" -> "apps"`}},
		{name: "what a CORS policy says",
			from: edit(RoutesFile, `"corsPolicy": "none"`, `"corsPolicy": "apps"`, PoliciesFile, `"policies": [`,
				`"corsPolicies": [{ "name": "apps", "allowedOrigins": ["https://app.example"], "maxAge": 5 }], "policies": [`),
			to: edit(RoutesFile, `"corsPolicy": "none"`, `"corsPolicy": "apps"`, PoliciesFile, `"policies": [`,
				`"corsPolicies": [{ "name": "apps", "allowedOrigins": "https://$env(TENANT).example", "maxAge": 5 }], "policies": [`),
			want: []string{`~ route a: CORS policy apps allowedOrigins: ["https://app.example"] -> "https://$env(TENANT).example"`}},
		{name: "scopes", to: edit(RoutesFile, `"policies": { "inbound": ["login", "look"] }`,
			`"policies": { "inbound": ["login", "look"] }, "scopes": { "route": ["crm:read"], "tools": { "a tool": ["crm:write"] } }`),
			want: []string{`~ policy login: scopes of route a: added {"route":["crm:read"],"tools":{"a tool":["crm:write"]}}`,
				`~ policy look: scopes of route a: added {"route":["crm:read"],"tools":{"a tool":["crm:write"]}}`,
				`~ route a: scopes: added {"route":["crm:read"],"tools":{"a tool":["crm:write"]}}`}},
		{name: "an outbound policy", to: edit(RoutesFile, `["login", "look"]`, `["login"], "outbound": ["look"]`, PoliciesFile, `"look-inbound"`,
			`"set-headers-outbound"`, PoliciesFile, `"export": "LookInboundPolicy", "module": "$import(@durward/runtime)"`,
			`"export": "SetHeadersOutboundPolicy", "module": "$import(@durward/runtime)", "options": {"headers": [{"name": "X-A", "value": "1"}]}`),
			want: []string{`~ policy look: type: "look-inbound" -> "set-headers-outbound"`,
				`~ policy look: option /headers: added [{"name":"X-A","value":"1"}]`,
				`~ route a: policies: ["login","look"] -> ["login"]`, `~ route a: outbound policies: added ["look"]`}},
		{name: "a secret within a list", from: edit(PoliciesFile, secret, secret+`, "keys": [{"secret": "one-canary"}]`),
			to:   edit(PoliciesFile, secret, secret+`, "keys": [{"secret": "two-canary"}]`),
			want: []string{"~ policy login: option /keys: changed (secret)"}},
		{name: "a secret that comes in a list", to: edit(PoliciesFile, secret, secret+`, "keys": [{"secret": "one-canary"}]`),
			want: []string{`~ policy login: option /keys: added [{"secret":"(secret)"}]`}},
		{name: "a secret that is told elsewhere, too", from: edit(PoliciesFile, "$env(CLIENT_SECRET)", "same-canary"),
			to: edit(PoliciesFile, "$env(CLIENT_SECRET)", "same-canary",
				PoliciesFile, `"gateway": {`, `"scope": "openid same-canary", "gateway": {`),
			want: []string{`~ policy login: option /scope: added "openid (secret)"`}},
		{name: "the token for operators, told elsewhere, too", to: edit(PoliciesFile, `"gateway": {`,
			`"scope": "openid canary-admin-token-1", "gateway": {`),
			want: []string{`~ policy login: option /scope: added "openid (secret)"`}},
		{name: "another type, without a secret that is too short to be found", from: edit(PoliciesFile, "$env(CLIENT_SECRET)", "abc"),
			to: edit(PoliciesFile, "login-inbound", "look-inbound", PoliciesFile, "LoginInboundPolicy", "LookInboundPolicy",
				PoliciesFile, "@zuplo", "@durward", PoliciesFile, `"options": {
          "frontendApiUrl": "$env(FRONTEND_URL)",
          "clientId": "$env(CLIENT_ID)",
          "clientSecret": "$env(CLIENT_SECRET)",
          "gateway": { "accessTokenTtlSeconds": 900, "cimdEnabled": true }
        }`, `"options": {}`, GatewayFile, "{\n", `{ "publicRoutes": ["a", "b"],`+"\n"),
			want: []string{`~ policy login: type: "login-inbound" -> "look-inbound"`,
				`~ policy login: option /clientId: removed, was "$env(CLIENT_ID)"`,
				"~ policy login: option /clientSecret: removed (secret)",
				`~ policy login: option /frontendApiUrl: removed, was "$env(FRONTEND_URL)"`,
				"~ policy login: option /gateway/accessTokenTtlSeconds: removed, was 900",
				"~ policy login: option /gateway/cimdEnabled: removed, was true",
				`~ gateway : publicRoutes: added ["a","b"]`}},
		{name: "a secret that is too short to be found", to: edit(PoliciesFile, secret, secret+`, "keys": [{"secret": "abc"}]`),
			want: []string{`~ policy login: option /keys: added [{"secret":"(secret)"}]`}},
		{name: "another type", to: edit(PoliciesFile, `"look-inbound"`, `"set-headers-inbound"`, PoliciesFile,
			`"export": "LookInboundPolicy", "module": "$import(@durward/runtime)"`,
			`"export": "SetHeadersInboundPolicy", "module": "$import(@durward/runtime)", "options": {"headers": [{"name": "X-A", "value": "canary-header"}]}`),
			want: []string{`~ policy look: type: "look-inbound" -> "set-headers-inbound"`,
				`~ policy look: option /headers: added [{"name":"X-A","value":"(secret)"}]`}},
		{name: "a policy that comes", from: edit(PoliciesFile, ",\n    "+lookPolicy, "", RoutesFile, `["login", "look"]`, `["login"]`), to: base,
			want: []string{"+ policy look", `~ route a: policies: ["login"] -> ["login","look"]`}},
		{name: "a policy that goes", to: edit(PoliciesFile, ",\n    "+lookPolicy, "", RoutesFile, `["login", "look"]`, `["login"]`),
			want: []string{"- policy look", `~ route a: policies: ["login","look"] -> ["login"]`}},
		{name: "a policy with another name", to: edit(PoliciesFile, `"look"`, `"watch"`, RoutesFile, `"look"`, `"watch"`),
			want: []string{"+ policy watch", "- policy look", `~ route a: policies: ["login","look"] -> ["login","watch"]`}},
		{name: "the order of policies", to: edit(PoliciesFile, ",\n    "+lookPolicy, "", PoliciesFile, `"policies": [`, `"policies": [`+lookPolicy+`,`),
			want: []string{"order of policies"}},
		{name: "a route that comes with another's path", to: edit(RoutesFile, `"operationId": "b"`, `"operationId": "c"`),
			want: []string{"~ policy login: route c: added \"/mcp/b\"", "~ policy login: route b: removed, was \"/mcp/b\"",
				"+ route c", "- route b"}},
		{name: "the path of a route", to: edit(RoutesFile, `/mcp/b`, `/mcp/c`),
			want: []string{`~ policy login: route b: "/mcp/b" -> "/mcp/c"`, `~ route b: path: "/mcp/b" -> "/mcp/c"`}},
		{name: "the title of a route", to: edit(RoutesFile, `Tools A`, `Tools`),
			want: []string{`~ policy login: title of route a: "Tools A" -> "Tools"`,
				`~ policy look: title of route a: "Tools A" -> "Tools"`, `~ route a: title: "Tools A" -> "Tools"`}},
		{name: "the upstream of a route", to: edit(RoutesFile, `127.0.0.1:9/`, `127.0.0.1:8/`),
			want: []string{`~ route b: upstream: "http://127.0.0.1:9/mcp" -> "http://127.0.0.1:8/mcp"`}},
		{name: "an upstream from another variable", to: base, env: map[string]string{"UPSTREAM": "http://canary.example/"},
			want: []string{`~ route a: upstream: changed, as another value comes from "${env.UPSTREAM}"`}},
		{name: "the query of a route", to: edit(RoutesFile, `"forwardSearch": true`, `"forwardSearch": false`),
			want: []string{"~ route a: forwardSearch: true -> false"}},
		{name: "public origins", to: edit(GatewayFile, `["https://mcp.example.com", "http://localhost:9000"]`, `"https://mcp.example.org"`),
			want: []string{
				`~ policy login: publicUrl: ["https://mcp.example.com","http://localhost:9000"] -> ["https://mcp.example.org"]`,
				`~ policy look: publicUrl: ["https://mcp.example.com","http://localhost:9000"] -> ["https://mcp.example.org"]`,
				`~ gateway : publicUrl: ["https://mcp.example.com","http://localhost:9000"] -> ["https://mcp.example.org"]`}},
		{name: "proxies", to: edit(GatewayFile, `"10.0.0.0/8", `, ``),
			want: []string{`~ gateway : trustedProxies: ["10.0.0.0/8","192.0.2.7/32"] -> ["192.0.2.7/32"]`}},
		{name: "memory of policies", to: edit(GatewayFile, `"trustedProxies"`, `"policyMemoryMiB": 64, "trustedProxies"`),
			want: []string{"~ gateway : policyMemoryMiB: added 64"}},
		{name: "the token for operators", to: base, env: map[string]string{"ADMIN_TOKEN": "another-canary-token"},
			want: []string{"~ gateway : adminToken: changed (secret)"}},
		{name: "no token for operators", to: edit(GatewayFile, `,
  "adminToken": "$env(ADMIN_TOKEN)"`, ``), want: []string{"~ gateway : adminToken: removed (secret)"}},
		{name: "where to listen, which flags may have said", to: edit(GatewayFile, `9001`, `9002`, GatewayFile, `".durward"`, `"other"`)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from := tt.from
			if from == nil {
				from = base
			}
			env := baseEnv()
			maps.Copy(env, tt.env)
			old, next := mustLoad(t, from, baseEnv()), mustLoad(t, tt.to, env)
			d := Compare(old, next)
			if diff := cmp.Diff(tt.want, d.lines()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			raw, err := json.Marshal([]any{d.Gateway, reasonsOf(d)})
			if err != nil || bytes.Contains(raw, []byte(canary)) {
				t.Errorf("G10: %s, %v", raw, err)
			}
			if again := Compare(next, next).lines(); again != nil {
				t.Errorf("it differs from itself: %q", again)
			}
			for _, p := range d.Policies {
				if p.Old != nil && p.New != nil && (p.Old.Hash != p.New.Hash) != (len(p.Reasons) > 0) {
					t.Errorf("policy %s: hashes differ: %v, for %q", p.New.Name, p.Old.Hash != p.New.Hash, p.Reasons)
				}
			}
		})
	}
}

// people are twelve of them as a list has them, the last two by their names.
func people(names ...string) string {
	var all []string
	for _, name := range append(strings.Split("a b c d e f g h i j", " "), names...) {
		all = append(all, `"`+name+`@example.com"`)
	}
	return strings.Join(all, ", ")
}

func reasonsOf(d Difference) (all []Reason) {
	for _, p := range d.Policies {
		all = append(all, p.Reasons...)
	}
	for _, r := range d.Routes {
		all = append(all, r.Reasons...)
	}
	return all
}

// What a file holds that a policy reads is a reason, and its path is not told if it comes from a variable.
func TestCompareFiles(t *testing.T) {
	for _, tt := range []struct {
		name      string
		old, next []string
		want      []string
	}{
		{"content", []string{"/ca.pem"}, []string{"/ca.pem"}, []string{"~ policy a: file /ca.pem: changed"}},
		{"content, by a variable", []string{"$env(CA)/ca.pem"}, []string{"$env(CA)/ca.pem"},
			[]string{"~ policy a: file $env(CA)/ca.pem: changed"}},
		{"one that comes", []string{}, []string{"/ca.pem"},
			[]string{`~ policy a: option /files: [] -> ["/ca.pem"]`, `~ policy a: file: added "/ca.pem"`}},
		{"one that goes", []string{"$env(CA)"}, []string{},
			[]string{`~ policy a: option /files: ["$env(CA)"] -> []`, `~ policy a: file: removed, was "$env(CA)"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			one, _ := loadReaders(t, readers(map[string][]string{"a": tt.old}), map[string]string{"/ca.pem": "1", "/canary/CA/ca.pem": "1"})
			two, _ := loadReaders(t, readers(map[string][]string{"a": tt.next}), map[string]string{"/ca.pem": "2", "/canary/CA/ca.pem": "2"})
			if one.Config == nil || two.Config == nil {
				t.Fatal(one.Problems, two.Problems)
			}
			if diff := cmp.Diff(tt.want, Compare(one.Config, two.Config).lines()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A policy whose options all differ does not fill the log.
func TestCompareBoundsReasons(t *testing.T) {
	options := func(value string) json.RawMessage {
		all := map[string]string{}
		for i := range maxReasons + 7 {
			all[strings.Repeat("a", i+1)] = value
		}
		return written(all)
	}
	old, next := &Policy{Options: options("1")}, &Policy{Options: options("2")}
	d := optionsDiff{old: old, next: next, hide: strings.NewReplacer().Replace}
	d.compare()
	if last := d.reasons[len(d.reasons)-1].String(); len(d.reasons) != maxReasons+1 || last != "7 more options: changed" {
		t.Errorf("%d reasons, the last: %s", len(d.reasons), last)
	}
}

// Where two texts begin to differ both show it, and no character is cut.
func TestAround(t *testing.T) {
	long := strings.Repeat("\u00e9", 40)
	for _, tt := range []struct{ old, next, wantOld, wantNext string }{
		{"a", "b", "a", "b"},
		{"", long, "", strings.Repeat("\u00e9", 30) + "..."},
		{long + "a", long + "b", "..." + strings.Repeat("\u00e9", 10) + "a", "..." + strings.Repeat("\u00e9", 10) + "b"},
		{long, long + "b", "..." + strings.Repeat("\u00e9", 10), "..." + strings.Repeat("\u00e9", 10) + "b"},
		{long + "\u00e8", long + "\u00ea", "..." + strings.Repeat("\u00e9", 10) + "\u00e8", "..." + strings.Repeat("\u00e9", 10) + "\u00ea"},
	} {
		if old, next := around(tt.old, tt.next); old != tt.wantOld || next != tt.wantNext {
			t.Errorf("%q and %q: %q and %q", tt.old, tt.next, old, next)
		}
	}
}

// A reason says the same wherever it comes from: JSON that has been indented and escaped for the way is one line.
func TestReasonOfTravelledValue(t *testing.T) {
	r := Reason{What: "option", Where: "/extra", Is: json.RawMessage("[\n  \"a\\u003cb\",\n  900\n]")}
	if got, want := r.String(), `option /extra: added ["a<b",900]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := (Reason{What: "type", Was: json.RawMessage("no JSON")}).String(), "type: removed, was "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
