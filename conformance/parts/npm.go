package parts

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Modules answers the folder that holds node_modules, with the npm packages in it. A script that imports them lies
// there, or below it.
func Modules(t testing.TB) string {
	t.Helper()
	command := need(t, npm())
	need(t, node())
	if err := install(command, folder()); err != nil {
		absent(t, err)
	}
	return folder()
}

// AxeCore answers the script axe.min.js, which looks for faults of accessibility in the page it is run in.
func AxeCore(t testing.TB) string {
	t.Helper()
	script, err := os.ReadFile(filepath.Join(Modules(t), "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(script)
}

// folder is where the npm packages are named.
func folder() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "node")
}

// install lets npm install what the folder's lock file names, unless that has been done for this very lock file.
func install(npm, folder string) error {
	return Exclusive(filepath.Join(folder, "package-lock.json"), func() error {
		if err := installHere(npm, folder); err != nil {
			return fmt.Errorf("npm packages for the tests could not be installed: %w", err)
		}
		return nil
	})
}

func installHere(npm, folder string) error {
	content, err := os.ReadFile(filepath.Join(folder, "package-lock.json"))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	want := []byte(hex.EncodeToString(sum[:]))
	done := filepath.Join(folder, "node_modules", ".installed")
	if got, err := os.ReadFile(done); err == nil && bytes.Equal(got, want) {
		return nil
	}
	command := exec.Command(npm, "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund")
	command.Dir = folder
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return os.WriteFile(done, want, 0o600) //nolint:gosec // beside the lock file that was read
}
