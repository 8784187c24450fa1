package hostile

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"durward/conformance/gateway"
	"durward/conformance/hostile/kind"
	"durward/policies"
)

// EnvExecutable names the executable of the hostile types to the host.
const EnvExecutable = "DURWARD_TEST_EXECUTABLE"

// Type is the ordinary hostile type, "hostile-inbound".
func Type() policies.Type { return kind.Type("") }

// Start runs a gateway that knows the hostile types. edit is called before the launch, as with gateway.Start; unless it
// names another by EnvExecutable, policies run from an executable of the suites' own, which nobody may change.
func Start(t testing.TB, edit func(*gateway.Gateway)) *gateway.Gateway {
	t.Helper()
	return gateway.Start(t, func(g *gateway.Gateway) {
		g.Program(gateway.Build(t, "hostile-host-race", "./hostile/host", "-race"))
		g.Setenv(EnvExecutable, executable(t))
		if edit != nil {
			edit(g)
		}
	})
}

// executable is built without the race detector, which makes a start many times as slow: what it would look at is what
// every other suite has it look at.
func executable(t testing.TB) string {
	t.Helper()
	return gateway.Build(t, "hostile-policy", "./hostile/policy")
}

// Executable answers the path of a copy of the policies' executable that the test may change or replace.
func Executable(t testing.TB) string {
	t.Helper()
	from, err := os.Open(executable(t))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	path := filepath.Join(t.TempDir(), "policy")
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o700) //nolint:gosec // it is to be run
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
