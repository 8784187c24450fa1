package config

import (
	"maps"
	"testing"
)

// What a policy's process writes is put through this before it is logged: the values of its secret options go, in each
// form in which a process may show them, and nothing else does.
func TestG10_RedactOfAPolicy(t *testing.T) {
	env := baseEnv()
	maps.Copy(env, map[string]string{"CLIENT_SECRET": "-----BEGIN KEY-----\r\nfirst-7f3a9c\nsecond \"7f3a9c\"\n", "CLIENT_ID": "id-7f3a9c"})
	redact := policyNamed(t, mustLoad(t, validFolder(t), env), "login").Redact
	for text, want := range map[string]string{
		"panic: -----BEGIN KEY-----\r\nfirst-7f3a9c\nsecond \"7f3a9c\"\n": "panic: (secret)",
		"\tfirst-7f3a9c":                     "\t(secret)",
		"\tsecond \"7f3a9c\"":                "\t(secret)",
		`{"secret":"second \"7f3a9c\"\n"}`:   `{"secret":"(secret)\n"}`,
		"for id-7f3a9c, which is no secret:": "for id-7f3a9c, which is no secret:",
	} {
		if got := redact(text); got != want {
			t.Errorf("redacted %q is %q, want %q", text, got, want)
		}
	}
	look := policyNamed(t, mustLoad(t, validFolder(t), env), "look").Redact
	if got := look("first-7f3a9c"); got != "first-7f3a9c" {
		t.Errorf("another policy's text became %q: what is not its secret is not hidden", got)
	}
}
