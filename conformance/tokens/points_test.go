package tokens

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"durward/conformance/gateway"
	"durward/conformance/mutant"
)

//go:embed testdata/point.go
var pointSource string

// envPoints is the constant Env of package point.
const envPoints = "DURWARD_TEST_POINTS"

// pointEdits put a point before each thing that a change of the store does, and around the change and the answer in the
// policy's process and in the host. They are told apart by their names: those up to pointCommitted stand before the
// change is durable.
func pointEdits() []mutant.Edit {
	const (
		store    = "runtime/internal/store/store.go"
		records  = "runtime/internal/store/records.go"
		record   = "policies/oauth/record.go"
		token    = "policies/oauth/token.go"
		paths    = "runtime/paths.go"
		packages = "\nimport \"durward/internal/point\"\n"
	)
	edits := []mutant.Edit{
		{File: "internal/point/point.go", New: pointSource},
		{File: "runtime/options.go", Old: `"SSL_CERT_DIR", "GORACE"}`, New: `"SSL_CERT_DIR", "GORACE", "` + envPoints + `"}`},
	}
	for file, name := range map[string]string{
		store: "store", records: "store", record: "oauth", token: "oauth", paths: "runtime",
	} {
		edits = append(edits, mutant.Edit{File: file, Old: "package " + name + "\n", New: "package " + name + "\n" + packages})
	}
	before := func(file, old, name string) {
		edits = append(edits, mutant.Edit{File: file, Old: old, New: "point.At(" + name + ")\n\t" + old})
	}
	before(record, "return store.Commit(ctx, c.Change)", `"policy: asks"`)
	before(store, "tx, err := db.write.BeginTx(ctx, nil)", `"store: begins"`)
	before(records, "row := tx.QueryRowContext(ctx, `UPDATE counters", `"store: counts " + name`)
	before(records, "result, err := tx.ExecContext(ctx, statement, args...)", `"store: writes"`)
	before(records, "_, err := tx.ExecContext(ctx, `INSERT INTO purges", `"store: purges"`)
	before(store, "if err := tx.Commit(); err != nil {", `"store: commits"`)
	before(store, "committed()\n\treturn nil", `"`+pointCommitted+`"`)
	before(token, "w.Header().Set(\"Cache-Control\", \"no-store\")\n\twriteJSON(w, http.StatusOK, answer)", `"policy: answers"`)
	before(paths, "writeResponse(w, &response)", `"host: answers"`)
	return edits
}

// pointCommitted is the first point at which the change is durable.
const pointCommitted = "store: has committed"

// points is the folder through which a gateway with points is spoken to.
type points struct{ folder string }

// withPoints starts a gateway with points.
func withPoints(t *testing.T, binary string) (*world, points) {
	t.Helper()
	p := points{folder: t.TempDir()}
	return start(t, func(g *gateway.Gateway) {
		g.Program(binary)
		g.Setenv(envPoints, p.folder)
	}), p
}

// arm counts the points that are passed from now on, of which the one of that number kills the victim: the "host" or the
// "policy". None has the number 0.
func (p points) arm(t *testing.T, number int, victim string) {
	t.Helper()
	p.disarm(t)
	file := filepath.Join(p.folder, "armed")
	if err := os.WriteFile(file+".tmp", fmt.Appendf(nil, "%d %s", number, victim), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".tmp", file); err != nil {
		t.Fatal(err)
	}
}

// disarm counts no more, and answers the names of those that were passed.
func (p points) disarm(t *testing.T) []string {
	t.Helper()
	_ = os.Remove(filepath.Join(p.folder, "armed")) // it need not be there
	passed := filepath.Join(p.folder, "passed")
	names, err := os.ReadFile(passed)
	if err != nil {
		return nil
	}
	if err := os.Remove(passed); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(names), "\n"), "\n")
}
