package hostile

import (
	"net/http"
	"os"
	"testing"

	"durward/conformance/gateway"
	"durward/runtime"
)

// A policy without a fault behaves, and another executable is another policy.
func TestWithoutFault(t *testing.T) {
	t.Parallel()
	path := Executable(t)
	w := newWorld(t, []Policy{{Name: "hostile"}}, func(g *gateway.Gateway) { g.Setenv(EnvExecutable, path) })
	w.wantSoon("hostile", http.StatusOK)
	before := w.status("hostile").PID
	replace(t, path)
	if !soon(func() bool { return w.status("hostile").PID != before }) {
		t.Error("another executable: the process is the same")
	}
	if r := w.g.Reload(); r.Result != runtime.Unchanged {
		t.Errorf("the reload after that is %+v", r)
	}
	w.wantSoon("hostile", http.StatusOK)
	w.steer("hostile", "revoke?subject="+granted)
	if got := w.ask("hostile", granted, "192.0.2.2"); got != http.StatusUnauthorized {
		t.Errorf("a revoked grant: status %d", got)
	}
	w.wantUnmoved()
}

// replace puts other bytes, which do the same, at the path, as an installation does.
func replace(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", append(content, '\n'), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}
