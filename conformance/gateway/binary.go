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

// Root is the product's folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// EnvBinary names an executable to test in place of the one that Binary would build: a durward with a fault put into
// it, say, that a suite must find.
const EnvBinary = "DURWARD_TEST_BINARY"

// Binary builds the command on the race detector and answers its path, unless EnvBinary names one. Suites that run at
// the same time share one file: building it again when nothing has changed leaves it alone.
func Binary(t testing.TB) string {
	t.Helper()
	if given := os.Getenv(EnvBinary); given != "" {
		return given
	}
	return binary(t, "durward-race", "-race")
}

func binary(t testing.TB, name string, flags ...string) string {
	t.Helper()
	path := filepath.Join(Root(), "bin", name)
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
	build.Dir = Root()
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build durward: %w\n%s", err, out)
	}
	return nil
}
