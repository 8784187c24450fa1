package crash

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"durward/conformance/gateway"
)

// short has the gateway keep its data, and so its sockets, in a folder with a short name: below the test's own the
// names of sockets would be too long.
func short(t *testing.T, g *gateway.Gateway) {
	t.Helper()
	folder, err := os.MkdirTemp("", "dw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	g.Data = folder
}

// runFolders are the folders in which the sockets of hosts lie, dead ones' included.
func runFolders(t *testing.T, g *gateway.Gateway) []string {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(g.Data, "run", "h*"))
	if err != nil {
		t.Fatal(err)
	}
	return folders
}

func TestG8_G9_HostKilled(t *testing.T) {
	g := gateway.Start(t, func(g *gateway.Gateway) { short(t, g) })
	held := g.MustLogin(t)
	wantStatus(t, "the first call", held, http.StatusOK)
	unseen := g.MustLogin(t)
	begun := beginLogins(t, g)
	process := gateway.ProcessOf(g.Policy(policy).PID)
	left := runFolders(t, g)
	if !process.Alive() || len(left) != 1 {
		t.Fatalf("process %+v, run folders %v: there is nothing to lose", process, left)
	}

	killed := time.Now()
	g.Kill()
	if !gateway.Within(time.Second-time.Since(killed), func() bool { return !process.Alive() }) {
		t.Errorf("G8: the policy's process %d lives a second after the gateway was killed", process.PID)
	}
	t.Logf("the policy's process was gone %v after the gateway was killed", time.Since(killed))

	g.Launch()
	if now := runFolders(t, g); len(now) != 1 || slices.Contains(now, left[0]) {
		t.Errorf("G6: run folders after the restart are %v, before the kill they were %v", now, left)
	}
	wantStatus(t, "G9: an access token that was in use", held, http.StatusOK)
	wantStatus(t, "G9: an access token that was never used", unseen, http.StatusOK)
	for _, c := range []*gateway.Client{held, unseen} {
		if err := c.Refresh(t.Context()); err != nil {
			t.Errorf("G9: refresh token: %v", err)
			continue
		}
		wantStatus(t, "a refreshed token", c, http.StatusOK)
	}
	begun.complete(t) // a registered client, a consent page, a login at the provider, a code
}
