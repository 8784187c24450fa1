package config

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/runtime/internal/reference"
)

// Each cause, its place, its remedy.
func TestUnsafe(t *testing.T) {
	cert, key := pemOf(t, "mcp.example.com")
	files := outsideFiles{
		"/cert.pem": {Data: cert, Shared: true}, "/key.pem": {Data: key}, "/shared-key.pem": {Data: key, Shared: true},
		"/run/token": {Data: []byte("canary-admin-token-2\n"), Shared: true}, "/etc/.env": {Data: []byte("A=canary\n"), Shared: true},
	}
	const storeKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	for _, row := range []struct {
		name, gateway string
		change        func(*Options)
		want          []string
	}{
		{name: "nothing said", gateway: `{}`},
		{name: "loopback", gateway: `{"listen": "localhost:9000", "admin": "[::1]:9001"}`},
		{name: "behind a proxy", gateway: `{"listen": ":9000", "publicUrl": "https://mcp.example.com", "trustedProxies": ["10.0.0.0/8"]}`},
		{name: "TLS", gateway: `{"listen": ":443", "publicUrl": "https://mcp.example.com", "tls": {"certFile": "/cert.pem", "keyFile": "/key.pem"}}`},
		{name: "any name", gateway: `{"listen": ":443", "tls": {"certFile": "/cert.pem", "keyFile": "/key.pem"}}`, want: []string{
			`config/gateway.json:1:12: /listen: other machines reach this address, and the gateway goes by whatever name they call it: set "publicUrl" to the https origin that clients use`}},
		{name: "plain http", gateway: `{"publicUrl": "https://mcp.example.com", "listen": "192.0.2.1:80"}`, want: []string{
			`config/gateway.json:1:52: /listen: other machines reach this address, which speaks plain http: set "tls", or name in "trustedProxies" the proxy before it that does`}},
		{name: "any name on an address of a flag", gateway: `{"trustedProxies": ["10.0.0.1"]}`, change: func(o *Options) { o.Listen = "0.0.0.0:9000" }, want: []string{
			`config/gateway.json:1:1: /: other machines reach this address, and the gateway goes by whatever name they call it: set "publicUrl" to the https origin that clients use`}},
		{name: "a flag's loopback address", gateway: `{"listen": ":443"}`, change: func(o *Options) { o.Listen = "127.0.0.1:9000" }},
		{name: "an origin of plain http", gateway: `{"publicUrl": "http://localhost:9000"}`, want: []string{
			`config/gateway.json:1:15: /publicUrl: is plain http, which is for development: write the https origin that clients use`}},
		{name: "an origin of plain http among others", gateway: `{"publicUrl": ["https://mcp.example.com", "http://localhost:9000"]}`, want: []string{
			`config/gateway.json:1:43: /publicUrl/1: is plain http, which is for development: write the https origin that clients use`}},
		{name: "admin", gateway: `{"admin": ":9001", "adminToken": "$env(ADMIN_TOKEN)"}`, want: []string{
			`config/gateway.json:1:11: /admin: other machines reach this address, which speaks plain http, and so does whoever sends adminToken to it: listen on a loopback address, and let others come through a tunnel`}},
		{name: "everybody's headers", gateway: `{"trustedProxies": ["10.0.0.0/8", "0.0.0.0/0", "::/0"]}`, want: []string{
			`config/gateway.json:1:35: /trustedProxies/1: believes forwarded headers of anybody: name the addresses of the proxies alone`,
			`config/gateway.json:1:48: /trustedProxies/2: believes forwarded headers of anybody: name the addresses of the proxies alone`}},
		{name: "secrets of the gateway", gateway: `{"adminToken": "canary-admin-token-3", "store": {"key": "` + storeKey + `"}}`, want: []string{
			`config/gateway.json:1:16: /adminToken: is a secret that is written out: write $env(NAME), and put it into the variable NAME or the file that NAME_FILE names`,
			`config/gateway.json:1:57: /store/key: is a secret that is written out: write $env(NAME), and put it into the variable NAME or the file that NAME_FILE names`}},
		{name: "a private key for others", gateway: `{"tls": {"certFile": "/cert.pem", "keyFile": "/shared-key.pem"}}`, want: []string{
			`config/gateway.json:1:46: /tls/keyFile: others than its owner may read the private key: chmod 600 the file`}},
		{name: "a certificate that has expired", gateway: `{"tls": {"certFile": "/cert.pem", "keyFile": "/key.pem"}}`,
			change: func(o *Options) { o.Now = func() time.Time { return certifiedAt.Add(48 * time.Hour) } }, want: []string{
				`config/gateway.json:1:22: /tls/certFile: the certificate has expired, at 2026-03-02 12:00 UTC: clients refuse it`}},
		{name: "a certificate that is not valid yet", gateway: `{"tls": {"certFile": "/cert.pem", "keyFile": "/key.pem"}}`,
			change: func(o *Options) { o.Now = func() time.Time { return certifiedAt.Add(-time.Hour) } }, want: []string{
				`config/gateway.json:1:22: /tls/certFile: the certificate is not valid before 2026-03-01 12:00 UTC: until then clients refuse it`}},
		{name: "a certificate for none of the hosts", gateway: `{"tls": {"certFile": "/cert.pem", "keyFile": "/key.pem"}, "publicUrl": ["https://a.example", "https://b.example"]}`, want: []string{
			`config/gateway.json:1:22: /tls/certFile: the certificate is not for a.example and b.example, which publicUrl names: clients refuse it there`}},
		{name: "a certificate for one of the hosts", gateway: `{"tls": {"certFile": "/cert.pem", "keyFile": "/key.pem"}, "publicUrl": ["https://a.example", "https://mcp.example.com"]}`},
		{name: "a certificate that a proxy sees", gateway: `{"tls": {"certFile": "/cert.pem", "keyFile": "/key.pem"}, "publicUrl": "https://a.example", "trustedProxies": ["10.0.0.1"]}`},
		{name: "a secret's file for others", gateway: `{"adminToken": "$env(TOKEN)"}`, change: func(o *Options) {
			o.LookupEnv = func(name string) (string, bool) { return "/run/token", name == "TOKEN_FILE" }
		}, want: []string{
			`config/gateway.json:1:17: /adminToken: others than its owner may read the file that TOKEN_FILE names: chmod 600 it`}},
		{name: ".env for others", gateway: `{}`, change: func(o *Options) { o.DotEnv = "/etc/.env" }, want: []string{
			`.env:1:1: /: others than its owner may read it: chmod 600 the file`}},
	} {
		t.Run(row.name, func(t *testing.T) { wantUnsafe(t, loadWith(t, row.gateway, files, row.change), row.want) })
	}
}

// wantUnsafe checks what is unsafe of a configuration that loads.
func wantUnsafe(t *testing.T, result Result, want []string) {
	t.Helper()
	if result.Config == nil {
		t.Fatalf("it does not load: %v", result.Problems)
	}
	var got []string
	for _, p := range result.Config.Unsafe {
		got = append(got, p.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unsafe (-want +got):\n%s", diff)
	}
	if strings.Contains(strings.Join(got, "\n"), canary) {
		t.Errorf("G10: a secret is printed: %s", got)
	}
}

// Secrets of policies, and what pages of any origin may do with a route.
func TestUnsafePoliciesAndRoutes(t *testing.T) {
	l := newLoader(t, fstest.MapFS{
		"policies.json": {Data: []byte(`{"corsPolicies": [{"name": "all", "allowedOrigins": "*"}], "policies": [{"name": "login", "policyType": "login-inbound", "handler": {
  "export": "LoginInboundPolicy", "module": "$import(@durward/runtime)", "options": {
    "frontendApiUrl": "https://login.example",
    "clientId": "written-out-is-fine",
    "clientSecret": "canary-written-out",
    "keys": [{"secret": "$env(KEY)"}, {"secret": "canary-written-out"}, {"secret": ""}, {"secret": "a $env(KEY)"}]
  }}}]}`)},
		"routes.oas.json": {Data: []byte(`{"openapi": "3.1.0", "paths": {"/mcp/a": {"post": {"operationId": "a", "x-zuplo-route": {
  "corsPolicy": "anything-goes",
  "handler": {"export": "McpProxyHandler", "module": "$import(@durward/runtime)", "options": {"rewritePattern": "http://127.0.0.1:9/mcp"}},
  "policies": {"inbound": ["login"]}}}}}}`)},
	}, map[string]string{"KEY": "canary-key"})
	l.options.ReadFile = func(string, int) reference.Content { return reference.Content{Missing: true} }
	wantUnsafe(t, l.Load(), []string{
		"config/policies.json:1:53: /corsPolicies/0/allowedOrigins: lets the pages of every origin use the routes that name it: list their origins",
		"config/policies.json:5:21: /policies/0/handler/options/clientSecret: is a secret that is written out: write $env(NAME), and put it into the variable NAME or the file that NAME_FILE names",
		"config/policies.json:6:50: /policies/0/handler/options/keys/1/secret: is a secret that is written out: write $env(NAME), and put it into the variable NAME or the file that NAME_FILE names",
		"config/routes.oas.json:2:17: /paths/~1mcp~1a/post/x-zuplo-route/corsPolicy: lets the pages of every origin use the route: name their origins in corsPolicies of policies.json",
	})
}
