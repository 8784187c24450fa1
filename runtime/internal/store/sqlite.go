package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"net/url"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// readers is how many reads run at the same time. In WAL mode they wait neither for each other nor for the writer.
const readers = 4

// connect opens two pools on the database: one connection that writes, and several that can only read.
func (db *DB) connect() (err error) {
	// WAL with synchronous=FULL syncs the log at each commit: what was acknowledged is durable (G9). Transactions take
	// the write lock at once, since a deferred one that upgrades can fail in the middle.
	const both = "_busy_timeout=5000&_dqs=0&_defensive=1"
	write, err := sqlite.NewConnector(db.folder.dsn(both + "&_journal_mode=WAL&_synchronous=FULL&_txlock=immediate"))
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	read, err := sqlite.NewConnector(db.folder.dsn(both + "&_query_only=1"))
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	db.write = sql.OpenDB(write)
	db.write.SetMaxOpenConns(1)
	db.read = sql.OpenDB(read)
	db.read.SetMaxOpenConns(readers)
	db.read.SetMaxIdleConns(readers)
	return nil
}

// dsn names the database with the driver's parameters. It begins with "file:" and is escaped: of any other form the
// driver would drop parameters, and a question mark in the folder's name would end the path.
func (f *folder) dsn(parameters string) string {
	return (&url.URL{Scheme: "file", Path: f.path(databaseName), RawQuery: parameters}).String()
}

// migrate brings the tables up to date and refuses a database that a newer release has changed.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read version of the tables: %w", err)
	}
	if current > target {
		return fmt.Errorf("the database was changed by a newer durward (tables %d, known here %d): run that one", current, target)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate tables: %w", err)
	}
	return nil
}
