package parts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build builds a Go program, named as an import path relative to the folder, into the file output. Suites that run at
// the same time share that file: building it again when nothing has changed leaves it alone.
func Build(output, folder, program string, flags ...string) error {
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
