package mutant

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"durward/conformance/gateway"
)

// Edit replaces a text that occurs exactly once in a file of the product's.
type Edit struct {
	// File is the path from the product's folder, with slashes.
	File string
	// Old is the text, New what stands in its place. Without Old the file is a new one, of which New is the whole.
	Old, New string
}

// Apply answers the files that edits change, as they then are, by their paths. An edit whose text does not stand in its
// file exactly once is an error.
func Apply(edits []Edit) (map[string]string, error) {
	files := map[string]string{}
	for _, e := range edits {
		path := filepath.Join(gateway.Root(), filepath.FromSlash(e.File))
		content, ok := files[path]
		if e.Old == "" {
			files[path] = e.New
			continue
		}
		if !ok {
			read, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			content = string(read)
		}
		if n := strings.Count(content, e.Old); n != 1 {
			return nil, fmt.Errorf("%s holds %d times, not once: %s", e.File, n, e.Old)
		}
		files[path] = strings.Replace(content, e.Old, e.New, 1)
	}
	return files, nil
}

// Build builds the command with edits into folder, and answers its path.
func Build(ctx context.Context, folder string, edits []Edit) (string, error) {
	edited, err := Apply(edits)
	if err != nil {
		return "", err
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for path, content := range edited {
		overlay.Replace[path] = filepath.Join(folder, fmt.Sprintf("%d-%s", len(overlay.Replace), filepath.Base(path)))
		if err := os.WriteFile(overlay.Replace[path], []byte(content), 0o600); err != nil {
			return "", err
		}
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	listed, binary := filepath.Join(folder, "overlay.json"), filepath.Join(folder, "durward")
	if err := os.WriteFile(listed, list, 0o600); err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, "go", "build", "-overlay", listed, "-o", binary, "./cmd/durward")
	build.Dir = gateway.Root()
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the edit does not build: %w\n%s", err, out)
	}
	return binary, nil
}
