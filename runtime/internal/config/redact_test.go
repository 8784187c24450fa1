package config

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"testing"
)

// What a policy's process writes is put through this before it is logged: the values of its secret options go, in each
// form in which a process may show them, and nothing else does.
func TestG10_RedactOfAPolicy(t *testing.T) {
	env := baseEnv()
	maps.Copy(env, map[string]string{"CLIENT_SECRET": "-----BEGIN <KEY>-----\r\nfirst-7f3a9c\nsecond \"7f3a9c\"\n", "CLIENT_ID": "id-7f3a9c"})
	redact := policyNamed(t, mustLoad(t, validFolder(t), env), "login").Redact
	for text, want := range map[string]string{
		"panic: -----BEGIN <KEY>-----\r\nfirst-7f3a9c\nsecond \"7f3a9c\"\n": "panic: (secret)",
		"\tfirst-7f3a9c":                     "\t(secret)",
		"\tsecond \"7f3a9c\"":                "\t(secret)",
		`{"secret":"second \"7f3a9c\"\n"}`:   `{"secret":"(secret)\n"}`,
		"for id-7f3a9c, which is no secret:": "for id-7f3a9c, which is no secret:",
	} {
		if got := redact(text); got != want {
			t.Errorf("redacted %q is %q, want %q", text, got, want)
		}
	}
	basic := base64.StdEncoding.EncodeToString([]byte("client_1:" + env["CLIENT_SECRET"]))
	for what, text := range map[string]string{
		"basic credentials":    "Authorization: Basic " + basic,
		"one further":          base64.URLEncoding.EncodeToString([]byte("client_12:" + env["CLIENT_SECRET"] + "x")),
		"a line":               base64.StdEncoding.EncodeToString([]byte("first-7f3a9c")),
		"hex":                  hex.EncodeToString([]byte(env["CLIENT_SECRET"])),
		"a form":               "client_secret=" + url.QueryEscape(env["CLIENT_SECRET"]) + "&x=1",
		"a path":               "/x/" + url.PathEscape("second \"7f3a9c\""),
		"JSON of Go":           string(jsonOf(t, env["CLIENT_SECRET"])),
		"without its line end": strings.TrimSpace(env["CLIENT_SECRET"]),
	} {
		if got := redact(text); !strings.Contains(got, "(secret)") {
			t.Errorf("%s, %q, is %q", what, text, got)
		}
	}
	look := policyNamed(t, mustLoad(t, validFolder(t), env), "look").Redact
	if got := look("first-7f3a9c"); got != "first-7f3a9c" {
		t.Errorf("another policy's text became %q: what is not its secret is not hidden", got)
	}
}

func jsonOf(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
