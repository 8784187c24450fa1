package config

import (
	"maps"
	"testing"
	"testing/fstest"
)

// What changes which hash. A policy restarts when its Hash changes, its cached decisions end when its DecisionHash or the
// route's Hash does.
func TestG5_Hashes(t *testing.T) {
	type changes struct {
		login, loginDecisions, look, lookDecisions, a, b bool
	}
	base := validFolder(t)
	edit := func(file, old, with string) fstest.MapFS { return replaced(t, base, file, old, with) }
	tests := []struct {
		name   string
		folder fstest.MapFS
		env    map[string]string
		want   changes
	}{
		{name: "the same bytes", folder: base},
		{name: "space and order of names", folder: edit(PoliciesFile, `"clientId": "$env(CLIENT_ID)",
          "clientSecret": "$env(CLIENT_SECRET)",`, `"clientSecret":"$env(CLIENT_SECRET)", "clientId"  : "$env(CLIENT_ID)",`)},
		{name: "another spelling of a number and a text", folder: replaced(t, edit(PoliciesFile, `900`, `9.0e2`),
			PoliciesFile, `"clientId": "$env`, `"clientId": "\u0024env`)},
		{name: "a variable for the same text", folder: edit(PoliciesFile, `$env(CLIENT_ID)`, `canary-client-id`)},
		{name: "the order of policies", folder: edit(PoliciesFile, `"policies": [`, `"policies": [`+lookPolicy+`,`)},
		{name: "absent options and empty ones", folder: edit(PoliciesFile, `"$import(@durward/runtime)"`, `"$import(@durward/runtime)", "options": {}`)},
		{name: "an option", folder: edit(PoliciesFile, `900`, `901`), want: changes{login: true, loginDecisions: true}},
		{name: "an option of the other", folder: edit(PoliciesFile, `"$import(@durward/runtime)"`, `"$import(@durward/runtime)", "options": {"level": "low"}`),
			want: changes{look: true, lookDecisions: true}},
		{name: "a resolved option", folder: base, env: map[string]string{"CLIENT_ID": "other"}, want: changes{login: true, loginDecisions: true}},
		{name: "a rotated secret", folder: base, env: map[string]string{"CLIENT_SECRET": "other"}, want: changes{login: true}},
		{name: "a new secret", folder: edit(PoliciesFile, `"clientId"`, `"keys": [{"secret": "x"}], "clientId"`), want: changes{login: true, loginDecisions: true}},
		{name: "the public origins", folder: edit(GatewayFile, `https://mcp.example.com`, `https://mcp.example.org`),
			want: changes{login: true, loginDecisions: true, look: true, lookDecisions: true}},
		{name: "listeners and tokens", folder: edit(GatewayFile, `9001`, `9002`), env: map[string]string{"ADMIN_TOKEN": "another-admin-token"}},
		{name: "the title of a route", folder: edit(RoutesFile, `Tools A`, `Tools`), want: changes{login: true, look: true, a: true}},
		{name: "the path of a route that one policy has", folder: edit(RoutesFile, `/mcp/b`, `/mcp/c`), want: changes{login: true, b: true}},
		{name: "the upstream of a route", folder: edit(RoutesFile, `127.0.0.1:9/`, `127.0.0.1:8/`), want: changes{b: true}},
		{name: "a resolved upstream", folder: base, env: map[string]string{"UPSTREAM": "http://other.example/"}, want: changes{a: true}},
		{name: "the query of a route", folder: edit(RoutesFile, `"forwardSearch": true`, `"forwardSearch": false`), want: changes{a: true}},
		{name: "the order of a chain", folder: edit(RoutesFile, `["login", "look"]`, `["look", "login"]`), want: changes{a: true}},
		{name: "a policy more on a route", folder: edit(RoutesFile, `["login"]`, `["login", "look"]`), want: changes{look: true, b: true}},
		{name: "a CORS policy", folder: edit(RoutesFile, `"corsPolicy": "none"`, `"corsPolicy": "anything-goes"`), want: changes{a: true}},
		{name: "the scopes of a route", folder: edit(RoutesFile, `"policies": { "inbound": ["login", "look"] }`,
			`"policies": { "inbound": ["login", "look"] }, "scopes": { "tools": { "echo": ["crm:read"] } }`), want: changes{login: true, look: true, a: true}},
		{name: "scopes that ask for nothing", folder: edit(RoutesFile, `"policies": { "inbound": ["login", "look"] }`,
			`"policies": { "inbound": ["login", "look"] }, "scopes": { "tools": {} }`)},
		{name: "the way in which a path is written", folder: edit(RoutesFile, `"summary": "free"`, `"x-zuplo-path": { "pathMode": "url-pattern" }`)},
		{name: "what means nothing here", folder: edit(RoutesFile, `"summary": "free"`, `"summary": "else"`)},
	}
	before := mustLoad(t, base, baseEnv())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := baseEnv()
			maps.Copy(env, tt.env)
			folder := tt.folder
			if tt.name == "the order of policies" {
				folder = replaced(t, folder, PoliciesFile, ",\n    "+lookPolicy, "")
			}
			after := mustLoad(t, folder, env)
			got := changes{
				login:          policyNamed(t, before, "login").Hash != policyNamed(t, after, "login").Hash,
				loginDecisions: policyNamed(t, before, "login").DecisionHash != policyNamed(t, after, "login").DecisionHash,
				look:           policyNamed(t, before, "look").Hash != policyNamed(t, after, "look").Hash,
				lookDecisions:  policyNamed(t, before, "look").DecisionHash != policyNamed(t, after, "look").DecisionHash,
				a:              before.Routes[0].Hash != after.Routes[0].Hash,
				b:              before.Routes[1].Hash != after.Routes[1].Hash,
			}
			if got != tt.want {
				t.Errorf("changed: %+v, want %+v", got, tt.want)
			}
		})
	}
	if policyNamed(t, before, "login").Hash == policyNamed(t, before, "login").DecisionHash {
		t.Error("the two hashes of a policy are one")
	}
}

// lookPolicy is the second policy as the tables write it.
const lookPolicy = `{
      "name": "look",
      "policyType": "look-inbound",
      "handler": { "export": "LookInboundPolicy", "module": "$import(@durward/runtime)" }
    }`

// A policy inside the host has one hash: of what it does, secrets and all. It changes nobody else's.
func TestG5_HashInsideTheHost(t *testing.T) {
	const with = `"policies": [
    { "name": "key", "policyType": "set-upstream-api-key-inbound", "handler": {
      "export": "SetUpstreamApiKeyInboundPolicy", "module": "$import(@durward/runtime)", "options": { "value": "Bearer $env(KEY)" } } },`
	base := replaced(t, replaced(t, validFolder(t), PoliciesFile, `"policies": [`, with), RoutesFile, `["login"]`, `["login", "key"]`)
	edit := func(file, old, with string) fstest.MapFS { return replaced(t, base, file, old, with) }
	env := func(value string) map[string]string { return map[string]string{"KEY": value} }
	tests := []struct {
		name   string
		folder fstest.MapFS
		env    map[string]string
		want   bool
	}{
		{"the same bytes", base, nil, false},
		{"another key", base, env("another"), true},
		{"another text around it", edit(PoliciesFile, `Bearer $`, `Basic $`), nil, true},
		{"another name", edit(PoliciesFile, `"options": { "value"`, `"options": { "header": "X-Api-Key", "value"`), nil, true},
		{"overwrite", edit(PoliciesFile, `"options": { "value"`, `"options": { "overwrite": false, "value"`), nil, true},
		{"the routes that use it", edit(RoutesFile, `["login", "look"]`, `["login", "look", "key"]`), nil, false},
		{"the public origins", edit(GatewayFile, `https://mcp.example.com`, `https://mcp.example.org`), nil, false},
	}
	// The same text means the principal in the file, and itself in a variable.
	reference := mustLoad(t, edit(PoliciesFile, `Bearer $env(KEY)`, `${principal.sub}`), baseEnv())
	verbatim := mustLoad(t, edit(PoliciesFile, `Bearer $env(KEY)`, `$env(NAME)`), map[string]string{"NAME": "${principal.sub}",
		"FRONTEND_URL": "https://x.example", "CLIENT_ID": "i", "CLIENT_SECRET": "s", "UPSTREAM": "http://x.example", "ADMIN_TOKEN": "0123456789abcdef"})
	if policyNamed(t, reference, "key").Hash == policyNamed(t, verbatim, "key").Hash {
		t.Error("a reference and the same text in a variable have one hash")
	}
	before := mustLoad(t, base, baseEnv())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all := baseEnv()
			maps.Copy(all, tt.env)
			after := mustLoad(t, tt.folder, all)
			if changed := policyNamed(t, before, "key").Hash != policyNamed(t, after, "key").Hash; changed != tt.want {
				t.Errorf("the hash has changed: %v, want %v", changed, tt.want)
			}
			if string(tt.folder[GatewayFile].Data) != string(base[GatewayFile].Data) ||
				string(tt.folder[RoutesFile].Data) != string(base[RoutesFile].Data) {
				return // these are the login's own
			}
			is, was := policyNamed(t, after, "login"), policyNamed(t, before, "login")
			if is.Hash != was.Hash || is.DecisionHash != was.DecisionHash {
				t.Error("the hashes of the policy that signs people in have changed")
			}
		})
	}
}

func policyNamed(t *testing.T, c *Config, name string) Policy {
	t.Helper()
	for _, p := range c.Policies {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no policy %s", name)
	return Policy{}
}
