package mutation

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"durward/plugins/clerk"
	"durward/runtime"
)

// workers is how many mutants are looked at side by side.
const workers = 4

// options are those of a gateway whose configuration lies in the folder, with what ships.
func options(folder string, env map[string]string) runtime.Options {
	shipped := clerk.Type()
	described := shipped.Describe()
	return runtime.Options{
		Config: folder,
		Plugins: []runtime.Plugin{{
			Modules: []string{"@zuplo/runtime", "@zuplo/runtime/mcp-gateway", "@durward/runtime"}, Export: clerk.Export,
			PolicyType: described.Type, Schema: described.Options, Validate: shipped.Validate,
		}},
		LookupEnv: func(name string) (string, bool) { value, ok := env[name]; return value, ok },
	}
}

// Every mutant of every file of every example is reported at its own line, or listed.
func TestMutants(t *testing.T) {
	legal, err := readList("testdata/legal.txt")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, example := range examples(t) {
		t.Run(example.name, func(t *testing.T) {
			total += example.mutate(t, legal)
		})
	}
	for _, unused := range legal.unused() {
		t.Errorf("testdata/legal.txt: nothing is so any more: %s", unused)
	}
	if total < 3000 {
		t.Errorf("only %d mutants were made", total)
	}
	t.Logf("%d mutants", total)
}

// mutate looks at every mutant of the example, and answers how many there were.
func (e example) mutate(t *testing.T, legal *list) (total int) {
	before, err := runtime.Validate(options(e.copied(t), e.env))
	if err != nil || len(before.Problems) > 0 {
		t.Fatalf("the example itself does not load: %v %v", err, before.Problems)
	}
	jobs := make(chan job)
	var wg sync.WaitGroup
	for range workers {
		folder := e.copied(t)
		validator, err := runtime.NewValidator(options(folder, e.env))
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for j := range jobs {
				if fault := e.judge(validator, folder, j, legal); fault != "" {
					t.Error(fault)
				}
			}
		})
	}
	for _, file := range e.files {
		text := e.read(t, file)
		root, err := parse(text)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, m := range mutants(text, root) {
			jobs <- job{file, text, m}
			total++
		}
	}
	close(jobs)
	wg.Wait()
	return total
}

// job is a mutant of a file.
type job struct {
	file, original string
	mutant
}

// judge loads a mutant in a folder of its own and says what is wrong with how it is taken, if anything.
func (e example) judge(validator *runtime.Validator, folder string, j job, legal *list) (fault string) {
	path := filepath.Join(folder, j.file)
	if err := os.WriteFile(path, []byte(j.text), 0o600); err != nil {
		return err.Error()
	}
	v := validator.Validate()
	if err := os.WriteFile(path, []byte(j.original), 0o600); err != nil {
		return err.Error()
	}
	place := e.name + "/" + j.file
	if len(v.Problems) == 0 {
		if legal.has("accepted", j.kind, place, j.pointer) {
			return ""
		}
		return fmt.Sprintf("accepted  | %s | %s | %s", j.kind, place, j.pointer)
	}
	var said []string
	for _, p := range v.Problems {
		if filepath.Base(p.File) == j.file && slices.Contains(j.lines, p.Line) {
			return ""
		}
		said = append(said, strings.TrimPrefix(p.String(), folder+"/"))
	}
	if legal.has("elsewhere", j.kind, place, j.pointer) {
		return ""
	}
	return fmt.Sprintf("elsewhere | %s | %s | %s | not on line %v:\n\t%s", j.kind, place, j.pointer, j.lines, strings.Join(said, "\n\t"))
}
