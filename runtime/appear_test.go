package runtime_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"durward/runtime"
)

// A file that a configuration may have and has not is noticed when it appears: another file with routes, a .jsonc beside a
// .json, a file that is imported; and each when it goes.
func TestFilesThatAppearAndGo(t *testing.T) {
	t.Parallel()
	w := start(t, nil, watched)
	folder := filepath.Join(w.dir, "none")
	routes := string(w.files["routes.oas.json"].Data)
	second := strings.NewReplacer(`"/mcp/one"`, `"/mcp/two"`, `"one"`, `"two"`).Replace(routes)
	policies := string(w.files["policies.json"].Data)
	importing := strings.Replace(policies, `"options": {`, `"options": {"mark": "$import(./more/mark.json)",`, 1)
	if importing == policies || second == routes {
		t.Fatalf("nothing to edit: %s %s", policies, routes)
	}
	if err := os.Mkdir(filepath.Join(folder, "more"), 0o700); err != nil {
		t.Fatal(err)
	}
	save := func(name, content string) func() {
		return func() { put(t, filepath.Join(folder, name), content) }
	}
	remove := func(name string) func() {
		return func() {
			if err := os.Remove(filepath.Join(folder, name)); err != nil {
				t.Error(err)
			}
		}
	}
	for i, step := range []struct {
		name   string
		do     func()
		result string
		says   string
	}{
		{"a second file with routes", save("a.oas.json", second), runtime.Applied, ""},
		{"other bytes in it", save("a.oas.json", strings.ReplaceAll(second, `"/mcp/two"`, `"/mcp/three"`)), runtime.Applied, ""},
		{"without it", remove("a.oas.json"), runtime.Applied, ""},
		{"one with comments", save("z.oas.jsonc", "// two\n"+second), runtime.Applied, ""},
		{"both", save("z.oas.json", second), runtime.Refused, "z.oas.json is there, too"},
		{"one again", remove("z.oas.json"), runtime.Unchanged, ""},
		{"gateway.jsonc beside gateway.json", save("gateway.jsonc", "{}"), runtime.Refused, "gateway.json is there, too"},
		{"without it again", remove("gateway.jsonc"), runtime.Unchanged, ""},
		{"an import of what is not there", save("policies.json", importing), runtime.Refused, "there is no file more/mark.json"},
		{"what is imported appears", save("more/mark.json", `"1"`), runtime.Applied, ""},
		{"other bytes in what is imported", save("more/mark.json", `"2"`), runtime.Applied, ""},
		{"what is imported goes", remove("more/mark.json"), runtime.Refused, "there is no file more/mark.json"},
	} {
		step.do()
		if got := w.awaitReload(i + 1); got != step.result {
			t.Fatalf("%s: the reload was %s, want %s: %v", step.name, got, step.result, w.host.Status().LastReload)
		}
		told := ""
		for _, p := range w.host.Status().LastReload.Problems {
			told += p.String()
		}
		if !strings.Contains(told, step.says) {
			t.Errorf("%s: told is %q, want %q", step.name, told, step.says)
		}
	}
}
