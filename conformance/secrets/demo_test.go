package secrets

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"durward/conformance/gateway"
)

// TestG10_Demo looks at what the demo's check prints when all goes well, when a step fails, and when it cannot begin.
func TestG10_Demo(t *testing.T) {
	binary, h := gateway.Binary(t), newHunt()
	shipped := filepath.Join("..", "..", "config")
	for _, test := range []struct {
		name, secret string
		exit         int
		says         string
	}{
		{"all goes well", `"$env(CLERK_CLIENT_SECRET)"`, 0, "all of it"},
		{"a secret that the provider does not know", `"` + canary("unknown-secret") + `"`, 1, "sign-in"},
		{"a configuration with a fault", `["` + canary("secret-in-a-list") + `"]`, 1, "clientSecret: must be a string"},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "config")
			if err := os.CopyFS(folder, os.DirFS(shipped)); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(folder, policies))
			if err != nil {
				t.Fatal(err)
			}
			for name, content := range map[string]string{
				policies: strings.Replace(string(text), `"$env(CLERK_CLIENT_SECRET)"`, test.secret, 1),
				settings: `{"adminToken": "$env(CANARY_ADMIN)"}`,
			} {
				if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c := exec.CommandContext(t.Context(), binary, "demo", "--check", "--config", folder)
			c.Env = append(os.Environ(), gateway.RaceOptions, "CANARY_ADMIN="+canary("admin-token"), "CANARY_UNUSED="+canary("environment"))
			out, err := c.CombinedOutput()
			exit := 0
			if ended, ok := errors.AsType[*exec.ExitError](err); ok {
				exit = ended.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if exit != test.exit || !strings.Contains(string(out), test.says) {
				t.Errorf("exit %d, want %d with %q:\n%s", exit, test.exit, test.says, out)
			}
			h.look(t, "what demo --check prints", out)
		})
	}
}
