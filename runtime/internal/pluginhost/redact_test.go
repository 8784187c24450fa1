package pluginhost

import (
	"strings"
	"testing"

	"durward/policies"
)

// A policy that says its secret, and at last dies of a panic with the secret in it, has not told anybody: neither the log
// nor an error shows it.
func TestG10_SecretsOfTheProcessAreRedacted(t *testing.T) {
	h, j := newHost(t, nil)
	spec := testSpec("first", self(t, "good"), `{}`)
	spec.Redact = strings.NewReplacer(testSecret, "(secret)").Replace
	p := start(t, h, spec)
	ask := func(name string) (policies.Decision, string) {
		d, err := p.Evaluate(t.Context(), testCall(), policies.Request{Route: "demo", Name: name})
		if err == nil {
			return d, ""
		}
		return d, err.Error()
	}
	if _, got := ask("error with a secret"); !strings.HasSuffix(got, "cannot decide with (secret)") {
		t.Errorf("error = %s", got)
	}
	if d, _ := ask("reason with a secret"); d.Reason != "no answer to (secret)" {
		t.Errorf("reason = %s", d.Reason)
	}
	ask("log with a secret")
	if line := j.await(t, "the secret is"); line["msg"] != "the secret is (secret)" {
		t.Errorf("line = %v", line)
	}
	ask("panic elsewhere")
	if line := j.await(t, "nobody recovers"); line["text"] != "panic: nobody recovers (secret)" {
		t.Errorf("line = %v", line)
	}
	if strings.Contains(j.all(), testSecret) {
		t.Errorf("the log holds the secret:\n%s", j.all())
	}
}

func TestG10_SecretInAFailedStartIsRedacted(t *testing.T) {
	h, j := newHost(t, nil)
	spec := testSpec("first", self(t, "good"), `{"configure": "error with a secret"}`)
	spec.Redact = strings.NewReplacer(testSecret, "(secret)").Replace
	_, err := h.Start(t.Context(), spec)
	if err == nil || !strings.Contains(err.Error(), "cannot be configured with (secret)") || strings.Contains(err.Error(), testSecret) {
		t.Errorf("error = %v", err)
	}
	if strings.Contains(j.all(), testSecret) {
		t.Errorf("the log holds the secret:\n%s", j.all())
	}
}
