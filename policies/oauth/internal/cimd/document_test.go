package cimd_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"durward/policies/oauth/internal/cimd"
)

const publicKey = `{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",` +
	`"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`

type object = map[string]any

// The documents of the clients that there are, in the shape that each publishes (Q16, Q17, Q26, Q38, Q49).
func TestKnownClients(t *testing.T) {
	for file, want := range map[string]struct {
		id, name  string
		redirects int
		methods   []string
		keysURI   string
		alg       string
	}{
		"claude-code.json": {
			id: "https://claude.ai/oauth/claude-code-client-metadata", name: "Claude Code", redirects: 2, methods: []string{"none"},
		},
		"chatgpt.json": {
			id: "https://chatgpt.com/oauth/client.json", name: "ChatGPT", redirects: 1,
			methods: []string{"none", "private_key_jwt"}, keysURI: "https://chatgpt.com/oauth/jwks.json", alg: "RS256",
		},
		"chatgpt-app.json": {
			id: "https://chatgpt.com/oauth/kDmjx77UnKOM/client.json", name: "ChatGPT", redirects: 1,
			methods: []string{"private_key_jwt"}, keysURI: "https://chatgpt.com/oauth/jwks.json", alg: "RS256",
		},
		"vscode.json": {
			id: "https://vscode.dev/oauth/client-metadata.json", name: "Visual Studio Code", redirects: 4, methods: []string{"none"},
		},
		"goose.json": {
			id: "https://goose-docs.ai/oauth/client-metadata.json", name: "goose", redirects: 1, methods: []string{"none"},
		},
	} {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		got, err := cimd.Parse(want.id, text, check)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if got.ID != want.id || got.Name != want.name || len(got.Redirects) != want.redirects ||
			!slices.Equal(got.AuthMethods, want.methods) || got.KeysURI != want.keysURI || got.Algorithm != want.alg {
			t.Errorf("%s: %+v", file, got)
		}
	}
}

// Documents that are no good, and by which words (A13, A14, A27, S39, S41, S42).
func TestRefusedDocuments(t *testing.T) {
	const mismatch = "does not name exactly its own URL as client_id"
	keyed := func(changes ...any) string {
		return document(id, append([]any{"token_endpoint_auth_method", "private_key_jwt"}, changes...)...)
	}
	for text, want := range map[string]string{
		"":                      "is not JSON",
		"{":                     "is not JSON",
		"<!doctype html>":       "is not JSON",
		document(id) + "{}":     "is not JSON",
		"\ufeff" + document(id): "is not JSON",
		strings.Replace(document(id), "App", "\xff", 1): "is not JSON",
		"null": "is not a JSON object", "[]": "is not a JSON object", `"x"`: "is not a JSON object", "1e999": "is not a JSON object",
		`{"client_id":"x","client_id":"y"}`:                   "has a member twice",
		`{"client_id":"x","client\u005fid":"y"}`:              "has a member twice",
		`{"jwks":{"keys":[],"keys":[]}}`:                      "has a member twice",
		`{"jwks":{"keys":[{"kid":"a","n":1e999,"kid":"b"}]}}`: "has a member twice",
		"{}": mismatch,
		document(id, "client_id", nil, "Client_ID", id):                                         mismatch, // names are exact
		document(id, "client_id", id+"/"):                                                       mismatch,
		document(id, "client_id", "https://client.example:443/client.json"):                     mismatch,
		document(id, "client_id", "https://Client.example/client.json"):                         mismatch,
		document(id, "client_id", "https://client.example/client%2ejson"):                       mismatch,
		document(id, "client_id", "https://client.example/Client.json"):                         mismatch,
		document(id, "client_id", "https://client.example/x/../client.json"):                    mismatch,
		document(id, "client_id", "https://other.example/client.json"):                          mismatch,
		document(id, "client_id", id+" "):                                                       mismatch,
		document(id, "client_id", []string{id}):                                                 "has a client_id that is not a text",
		strings.Replace(document(id), `"`+id+`"`, "null", 1):                                    "has a client_id that is not a text",
		document(id, "client_name", nil):                                                        "has no client_name",
		document(id, "client_name", " \t"):                                                      "has no client_name",
		document(id, "client_name", 5):                                                          "has a client_name that is not a text",
		document(id, "redirect_uris", nil):                                                      "has no redirect_uris",
		document(id, "redirect_uris", []string{}):                                               "has no redirect_uris",
		document(id, "redirect_uris", "https://a.example/cb"):                                   "has a redirect_uris that is not a list of texts",
		document(id, "redirect_uris", []any{5}):                                                 "has a redirect_uris that is not a list of texts",
		document(id, "redirect_uris", []string{"http://localhost:*/cb"}):                        "has a wildcard in redirect_uris[0]",
		document(id, "redirect_uris", []string{"https://a.example/cb", "https://*.example/cb"}): "has a wildcard in redirect_uris[1]",
		document(id, "redirect_uris", []string{"https://a.example/*"}):                          "has a wildcard in redirect_uris[0]",
		document(id, "redirect_uris", []string{"http://a.example/cb"}): "has redirect_uris, of which number 1 must begin with " +
			"https://, http://127.0.0.1, http://[::1] or http://localhost",
		document(id, "redirect_uris", []string{"https://a.example/cb#x"}): "has redirect_uris, of which number 1 has a fragment",
		document(id, "redirect_uris", []string{"/cb"}): "has redirect_uris, of which number 1 must begin with https://, " +
			"http://127.0.0.1, http://[::1] or http://localhost",
		document(id, "redirect_uris", []string{"javascript:alert(1)", "com.example.app:/cb"}): "has no redirect_uris that can be " +
			"used: https://, http://127.0.0.1, http://[::1] or http://localhost",
		document(id, "client_secret", "s"):                                "has a client_secret: what everybody can read is no secret",
		document(id, "client_secret", ""):                                 "has a client_secret: what everybody can read is no secret",
		document(id, "client_secret_expires_at", 0):                       "has a client_secret_expires_at: what everybody can read is no secret",
		document(id, "token_endpoint_auth_method", "client_secret_post"):  "names a token_endpoint_auth_method other than none and private_key_jwt",
		document(id, "token_endpoint_auth_method", "client_secret_basic"): "names a token_endpoint_auth_method other than none and private_key_jwt",
		document(id, "token_endpoint_auth_method", "client_secret_jwt"):   "names a token_endpoint_auth_method other than none and private_key_jwt",
		document(id, "token_endpoint_auth_method", "tls_client_auth"):     "names a token_endpoint_auth_method other than none and private_key_jwt",
		document(id, "token_endpoint_auth_method", "client_secret_post",
			"token_endpoint_auth_methods_supported", []string{"none"}): "names a token_endpoint_auth_method other than none and private_key_jwt",
		document(id, "token_endpoint_auth_method", 1):     "has a token_endpoint_auth_method that is not a text",
		document(id, "grant_types", []string{"implicit"}): "lists grant_types without authorization_code",
		document(id, "response_types", []string{"token"}): "lists response_types without code",
		document(id, "logo_uri", "javascript:alert(1)"):   "has a logo_uri that is not a plain http or https URL",
		document(id, "client_uri", "data:text/html,x"):    "has a client_uri that is not a plain http or https URL",
		document(id, "tos_uri", "//a.example"):            "has a tos_uri that is not a plain http or https URL",
		document(id, "policy_uri", "https://a@a.example"): "has a policy_uri that is not a plain http or https URL",
		keyed(): "names private_key_jwt without jwks or jwks_uri",
		keyed("jwks_uri", "https://10.0.0.1/jwks"):                                        "has a jwks_uri that has a host that is not a public address",
		keyed("jwks_uri", "https://localhost/jwks"):                                       "has a jwks_uri that has a host that is not a public name",
		keyed("jwks_uri", "http://client.example/jwks"):                                   "has a jwks_uri that does not begin with https://",
		keyed("jwks_uri", "https://client.example/jwks", "jwks", object{"keys": []any{}}): "has both jwks and jwks_uri",
		keyed("jwks", 5):                        "has a jwks that is not a JSON object",
		keyed("jwks", object{}):                 "has a jwks that has no list of keys",
		keyed("jwks", object{"keys": []any{5}}): "has a jwks that has no list of keys",
	} {
		_, err := cimd.Parse(id, []byte(text), check)
		if fault := faultOf(t, err); !fault.Permanent || fault.Text != "the client metadata document "+want {
			t.Errorf("%s\n got: %v\nwant: %s", text, err, want)
		}
	}
}

// What a document may say besides, and what comes of it.
func TestAcceptedDocuments(t *testing.T) {
	inline := object{"keys": []any{jsonOf(publicKey)}}
	for name, test := range map[string]struct {
		text    string
		methods string
		keys    int
		uri     string
	}{
		"no method":                 {document(id), "none", 0, ""},
		"an odd member":             {document(id, "x", object{"y": nil}, "application_type", "native", "contacts", nil), "none", 0, ""},
		"keys that are not offered": {document(id, "jwks_uri", "http://10.0.0.1/", "jwks", 5), "none", 0, ""},
		"inline keys": {
			document(id, "token_endpoint_auth_method", "private_key_jwt", "jwks", inline), "private_key_jwt", 1, "",
		},
		"both, none first": {
			document(id, "token_endpoint_auth_method", "none", "jwks_uri", "https://other.example/jwks?v=1",
				"token_endpoint_auth_methods_supported", []string{"private_key_jwt", "client_secret_post"}),
			"none private_key_jwt", 0, "https://other.example/jwks?v=1",
		},
		"listed without a key": {
			document(id, "token_endpoint_auth_methods_supported", []string{"private_key_jwt"}), "none", 0, "",
		},
		"empty links": {document(id, "logo_uri", "", "client_uri", "http://client.example"), "none", 0, ""},
		"a private scheme besides": {
			document(id, "redirect_uris", []string{"com.example.app:/cb", "https://client.example/cb"}), "none", 0, "",
		},
	} {
		got, err := cimd.Parse(id, []byte(test.text), check)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if methods := strings.Join(got.AuthMethods, " "); methods != test.methods || len(got.Keys.Keys) != test.keys ||
			got.KeysURI != test.uri || !slices.Equal(got.Redirects, []string{"https://client.example/cb"}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// The fingerprint changes with what a person goes by, and with nothing else (A18, S44).
func TestFingerprint(t *testing.T) {
	print := func(changes ...any) string {
		t.Helper()
		got, err := cimd.Parse(id, []byte(document(id, changes...)), check)
		if err != nil {
			t.Fatal(err)
		}
		return got.Fingerprint()
	}
	uris := func(all ...string) []any { return []any{"redirect_uris", all} }
	keyed := func(more ...any) []any {
		return append([]any{"token_endpoint_auth_method", "private_key_jwt"}, more...)
	}
	inline := object{"keys": []any{jsonOf(publicKey)}}
	renamed := object{"keys": []any{jsonOf(strings.Replace(publicKey, `"kid":"a"`, `"kid":"b","use":"sig"`, 1))}}
	plain, loopback := print(), print(uris("http://127.0.0.1/cb")...)
	for name, same := range map[string][2]string{
		"another path":          {plain, print(uris("https://client.example/other")...)},
		"another redirect":      {plain, print(uris("https://client.example/a", "https://client.example/cb")...)},
		"members nobody reads":  {plain, print("logo_uri", "https://a.example/l.png", "scope", "x")},
		"another loopback name": {loopback, print(uris("http://localhost:5/x", "http://[::1]/cb")...)},
		"a key by another id":   {print(keyed("jwks", inline)...), print(keyed("jwks", renamed)...)},
	} {
		if same[0] != same[1] {
			t.Errorf("%s: it changed", name)
		}
	}
	all := map[string]string{}
	for name, one := range map[string]string{
		"plain": plain, "loopback": loopback,
		"another name":   print("client_name", "Other"),
		"another host":   print(uris("https://other.example/cb")...),
		"a further host": print(uris("https://client.example/cb", "https://other.example/cb")...),
		"further, local": print(uris("https://client.example/cb", "http://localhost/cb")...),
		"a vendor's own": print(uris("cursor://anysphere.cursor-mcp/oauth/callback")...),
		"inline keys":    print(keyed("jwks", inline)...),
		"keys elsewhere": print(keyed("jwks_uri", "https://client.example/jwks")...),
		"other keys":     print(keyed("jwks_uri", "https://other.example/jwks")...),
	} {
		if other, ok := all[one]; ok {
			t.Errorf("%s and %s are the same", name, other)
		}
		all[one] = name
	}
}
