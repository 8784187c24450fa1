package parts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// built are the programs that this process has built, each with what came of it. A suite starts many gateways, and asking
// go each time whether anything has changed would cost more than starting one.
var built sync.Map //nolint:gochecknoglobals // what the tests of a suite share for as long as it runs

// Build builds a Go program, named as an import path relative to the folder, into the file output, once in the life of
// this process. Suites that run at the same time share that file: building it again when nothing has changed leaves it
// alone.
func Build(output, folder, program string, flags ...string) error {
	wanted := strings.Join(append([]string{output, folder, program}, flags...), "\x00")
	build, _ := built.LoadOrStore(wanted, sync.OnceValue(func() error { return build(output, folder, program, flags) }))
	return build.(func() error)()
}

func build(output, folder, program string, flags []string) error {
	if err := os.MkdirAll(filepath.Dir(output), 0o750); err != nil {
		return fmt.Errorf("make folder for the program: %w", err)
	}
	return Exclusive(output+".lock", func() error {
		build := exec.Command("go", append(append([]string{"build"}, flags...), "-o", output, program)...)
		build.Dir = folder
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", program, err, out)
		}
		return nil
	})
}
