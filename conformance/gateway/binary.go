package gateway

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"durward/conformance/parts"
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

// PlainBinary is Binary without the race detector, for a suite that starts hundreds of processes which do one thing at a
// time.
func PlainBinary(t testing.TB) string {
	t.Helper()
	if given := os.Getenv(EnvBinary); given != "" {
		return given
	}
	return binary(t, "durward-plain")
}

// Build builds a program of the suites' own and answers its path. The program is named relative to the folder of the
// suites: "./hostile/host".
func Build(t testing.TB, name, program string, flags ...string) string {
	t.Helper()
	path := filepath.Join(Root(), "bin", name)
	if err := parts.Build(path, filepath.Join(Root(), "conformance"), program, flags...); err != nil {
		t.Fatal(err)
	}
	return path
}

func binary(t testing.TB, name string, flags ...string) string {
	t.Helper()
	path := filepath.Join(Root(), "bin", name)
	if err := parts.Build(path, Root(), "./cmd/durward", flags...); err != nil {
		t.Fatal(err)
	}
	return path
}
