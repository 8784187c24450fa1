package gateway

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// root is the product's folder.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Binary builds the command on the race detector and answers its path. Suites that run at the same time share one
// file: building it again when nothing has changed leaves it alone.
func Binary(t testing.TB) string {
	t.Helper()
	return binary(t, "durward-race", "-race")
}

func binary(t testing.TB, name string, flags ...string) string {
	t.Helper()
	path := filepath.Join(root(), "bin", name)
	if err := build(path, flags); err != nil {
		t.Fatal(err)
	}
	return path
}

func build(path string, flags []string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("make folder for the binary: %w", err)
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock the binary: %w", err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock the binary: %w", err)
	}
	build := exec.Command("go", append(append([]string{"build"}, flags...), "-o", path, "./cmd/durward")...)
	build.Dir = root()
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build durward: %w\n%s", err, out)
	}
	return nil
}
