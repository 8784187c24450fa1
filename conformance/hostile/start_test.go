package hostile

import (
	"net/http"
	"os"
	"testing"

	"durward/conformance/gateway"
	"durward/conformance/hostile/kind"
	"durward/runtime"
)

// A policy without a fault behaves, and the faults that a reload meets do what they say: what runs stays.
func TestSwitches(t *testing.T) {
	path := Executable(t)
	g := Start(t, func(g *gateway.Gateway) {
		g.Setenv(EnvExecutable, path)
		Configure(t, g, Policy{Name: "hostile", Upstream: g.Parts.Env()["DURWARD_DEMO_UPSTREAM"]})
	})
	ask := func(want int) {
		t.Helper()
		if got := post(t, g.URL+"/mcp/hostile", kind.Credential("ada"), gateway.Echo); got != want {
			t.Errorf("status %d, want %d", got, want)
		}
	}
	steer := func(target string) {
		t.Helper()
		if got := post(t, g.URL+"/hostile/"+target, "", ""); got != http.StatusNoContent {
			t.Fatalf("%s: status %d", target, got)
		}
	}
	ask(http.StatusUnauthorized)
	steer("revoke?subject=ada")
	steer("grant?subject=ada")
	if !gateway.Within(waiting, func() bool {
		return post(t, g.URL+"/mcp/hostile", kind.Credential("ada"), gateway.Echo) == http.StatusOK
	}) {
		t.Fatal("the grant allows nothing") // the refusal before is remembered for a second
	}
	for _, fault := range []string{kind.RefuseStart, kind.DieInConfigure, kind.FailInConfigure} {
		before := g.Policy("hostile").PID
		g.SaveAndWait("policies.json", Policies(t, Policy{Name: "hostile", Fault: fault}), runtime.Refused)
		if now := g.Policy("hostile").PID; now != before {
			t.Errorf("%s: the policy's process %d became %d", fault, before, now)
		}
		ask(http.StatusOK)
	}
	good := Policies(t, Policy{Name: "hostile"})
	g.SaveAndWait("policies.json", good, runtime.Unchanged)
	before := g.Policy("hostile").PID
	replace(t, path)
	if r := g.Reload(); r.Result == runtime.Refused || g.Policy("hostile").PID == before {
		t.Errorf("another executable: reload %+v", r)
	}
	ask(http.StatusOK)
	steer("revoke?subject=ada")
	ask(http.StatusUnauthorized)
}

// replace puts other bytes, which do the same, at the path, as an installation does.
func replace(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", append(content, '\n'), 0o700); err != nil { //nolint:gosec // it is to be run
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}
