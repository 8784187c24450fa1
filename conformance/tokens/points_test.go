package tokens

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"durward/conformance/gateway"
	"durward/conformance/mutant"
)

//go:embed testdata/point.go
var pointSource string

// envPoints is the constant Env of package point.
const envPoints = "DURWARD_TEST_POINTS"

// pointEdits put a point before each thing that a change of the store does, and around the change and the answer in the
// policy's process and in the host. They have the gateway go by a clock that can be moved, too.
func pointEdits() []mutant.Edit {
	const (
		store    = "runtime/internal/store/store.go"
		records  = "runtime/internal/store/records.go"
		record   = "policies/oauth/record.go"
		token    = "policies/oauth/token.go"
		revoke   = "policies/oauth/revoke.go"
		options  = "runtime/options.go"
		paths    = "runtime/paths.go"
		packages = "\nimport \"durward/internal/point\"\n"
	)
	edits := []mutant.Edit{
		{File: "internal/point/point.go", New: pointSource},
		{File: options, Old: "o.Now = time.Now", New: "o.Now = point.Now"},
		{File: options, Old: `"SSL_CERT_DIR", "GORACE"}`, New: `"SSL_CERT_DIR", "GORACE", "` + envPoints + `"}`},
	}
	for file, name := range map[string]string{
		store: "store", records: "store", record: "oauth", token: "oauth", revoke: "oauth", options: "runtime", paths: "runtime",
	} {
		edits = append(edits, mutant.Edit{File: file, Old: "package " + name + "\n", New: "package " + name + "\n" + packages})
	}
	before := func(file, old, name string) {
		edits = append(edits, mutant.Edit{File: file, Old: old, New: "point.At(" + name + ")\n\t" + old})
	}
	before(record, "return store.Commit(ctx, c.Change)", `"`+pointCommits+`"`)
	before(record, "record, err := store.Take(ctx, key)", `"policy: takes"`)
	before(store, "tx, err := db.write.BeginTx(ctx, nil)", `"store: begins"`)
	before(records, "row := tx.QueryRowContext(ctx, `UPDATE counters", `"store: counts " + name`)
	before(records, "result, err := tx.ExecContext(ctx, statement, args...)", `"store: writes"`)
	before(records, "_, err := tx.ExecContext(ctx, `INSERT INTO purges", `"store: purges"`)
	before(store, "if err := tx.Commit(); err != nil {", `"store: commits"`)
	before(store, "committed()\n\treturn nil", `"`+pointCommitted+`"`)
	before(token, "w.Header().Set(\"Cache-Control\", \"no-store\")\n\twriteJSON(w, http.StatusOK, answer)", `"policy: answers"`)
	before(revoke, "w.Header().Set(\"Cache-Control\", \"no-store\")\n\tw.WriteHeader(http.StatusOK)", `"policy: answers"`)
	before(paths, "writeResponse(w, &response)", `"host: answers"`)
	return edits
}

const (
	// pointCommits is where the policy asks the host for a change.
	pointCommits = "policy: commits"
	// pointCommitted is the first point at which the change is durable.
	pointCommitted = "store: has committed"
)

// points is the folder through which a gateway with points is spoken to.
type points struct {
	folder string
	// ahead is by how much the gateway's clock goes ahead of the machine's.
	ahead time.Duration
}

// withPoints starts a gateway with points, changed by edit if it is not nil.
func withPoints(t *testing.T, binary string, edit func(*gateway.Gateway)) (*world, *points) {
	t.Helper()
	p := &points{folder: t.TempDir()}
	return start(t, func(g *gateway.Gateway) {
		g.Program(binary)
		g.Setenv(envPoints, p.folder)
		if edit != nil {
			edit(g)
		}
	}), p
}

// arm counts the points that are passed from now on, of which the one of that number kills the victim: the "host" or the
// "policy". None has the number 0.
func (p *points) arm(t *testing.T, number int, victim string) {
	t.Helper()
	p.disarm(t)
	p.save(t, "armed", fmt.Sprintf("%d %s", number, victim))
}

// forward moves the gateway's clock on, until the provider is to be asked again.
func (p *points) forward(t *testing.T) {
	t.Helper()
	p.ahead += (recheckSeconds + 1) * time.Second
	p.save(t, "ahead", p.ahead.String())
}

func (p *points) save(t *testing.T, name, content string) {
	t.Helper()
	file := filepath.Join(p.folder, name)
	if err := os.WriteFile(file+".tmp", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".tmp", file); err != nil {
		t.Fatal(err)
	}
}

// disarm counts no more, and answers the names of those that were passed.
func (p *points) disarm(t *testing.T) []string {
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
