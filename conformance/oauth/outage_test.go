package oauth

import (
	"database/sql"
	"path/filepath"
	"testing"
)

// lockStore keeps the gateway from writing to its store, as a full disk or a backup gone wrong does, until release.
func (w *world) lockStore(t *testing.T) (release func()) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(w.Data, "*.db"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the databases are %v: %v", found, err)
	}
	// The driver is the gateway's own, which is in this process for the host of this setting.
	db, err := sql.Open("sqlite", "file:"+found[0]+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	transaction, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = transaction.Rollback() // it has written nothing
		_ = db.Close()
	}
}
