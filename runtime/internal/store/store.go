// Package store keeps the records of the policies: key-value with expiry and compare-and-swap, on SQLite.
//
// It owns the data folder: the database, the key that seals its values, and the lock that keeps a second host out. It
// gives each policy a [policies.Store] under the policy's name, and numbers the purges that changes carry.
//
// It promises what policies.Store documents, and: what Commit or Take acknowledged is there after kill -9 (G9); no
// value lies in the files unsealed, and a sealed one opens only in the row it was written to; purges are announced in
// the order of their commits, before Commit returns; whatever else goes wrong is an error that is neither ErrNotFound
// nor ErrConflict.
//
// It is not for several hosts on one folder: SQLite means one gateway process. Every statement here is written so that
// PostgreSQL understands it as well ($1 parameters, TEXT, BIGINT, no clock and no JSON in SQL), so the engine for
// several hosts is a second migrations folder, a second way to connect, and a poll of the purges table.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"durward/policies"
)

// Options are what a store is opened with.
type Options struct {
	// Dir is the data folder. It is made if it is not there. One that is open to other users is refused.
	Dir string
	// Key is 32 bytes from which the key that seals the values is derived. Nil: the file store.key in Dir, which is
	// made on the first run.
	Key []byte
	// Now is the clock by which records expire. Nil: time.Now.
	Now func() time.Time
	// Logger is told of what the store does in the background. Nil: nothing is logged.
	Logger *slog.Logger
	// Purged is told of every change that purges tags, once it is durable and before Commit returns, in the order of
	// seq. No other change is made meanwhile, so it must be quick and must not call the store. Nil: nobody is told.
	Purged func(seq int64, policy string, tags []string)
}

// DB is an open store. Its methods are safe for concurrent use.
type DB struct {
	folder *folder
	seal   *sealer
	read   *sql.DB
	write  *sql.DB
	get    *sql.Stmt
	// turn is held by the one that writes, until its purges have been announced.
	turn   chan struct{}
	purge  atomic.Int64
	now    func() time.Time
	logger *slog.Logger
	purged func(seq int64, policy string, tags []string)
}

// Open opens the store in a data folder, makes it if there is none, and brings its tables up to date. The errors are
// texts for an operator: the folder is open to others or in use by another host, the key is gone or another one.
func Open(ctx context.Context, options Options) (_ *DB, err error) {
	folder, err := openFolder(options.Dir)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	db := &DB{
		folder: folder,
		turn:   make(chan struct{}, 1),
		now:    options.Now,
		logger: options.Logger,
		purged: options.Purged,
	}
	if db.now == nil {
		db.now = time.Now
	}
	if db.logger == nil {
		db.logger = slog.New(slog.DiscardHandler)
	}
	if db.purged == nil {
		db.purged = func(int64, string, []string) {}
	}
	if err := db.open(ctx, options.Key); err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), db.Close())
	}
	return db, nil
}

func (db *DB) open(ctx context.Context, given []byte) error {
	key, err := db.folder.key(given)
	if err != nil {
		return err
	}
	if db.seal, err = newSealer(key); err != nil {
		return err
	}
	if err := db.folder.prepare(); err != nil {
		return err
	}
	if err := db.connect(); err != nil {
		return err
	}
	if err := migrate(ctx, db.write); err != nil {
		return err
	}
	if err := db.checkKey(ctx, given != nil); err != nil {
		return err
	}
	row := db.write.QueryRowContext(ctx, `SELECT value FROM counters WHERE name = 'purge'`)
	var seq int64
	if err := row.Scan(&seq); err != nil {
		return fmt.Errorf("read purge sequence: %w", err)
	}
	db.purge.Store(seq)
	if db.get, err = db.read.PrepareContext(ctx, getRecord); err != nil {
		return fmt.Errorf("prepare statement: %w", err)
	}
	return nil
}

// Policy answers the records of one policy. It may be called any number of times.
func (db *DB) Policy(name string) policies.Store {
	return &records{db: db, policy: name}
}

// Seq answers the number of the last change that purged tags, 0 if there was none.
func (db *DB) Seq() int64 {
	return db.purge.Load()
}

// Close waits for the change being made, if any, and gives the data folder free. Calls that come later fail.
func (db *DB) Close() error {
	db.turn <- struct{}{}
	defer func() { <-db.turn }()
	var errs []error
	for _, pool := range []*sql.DB{db.read, db.write} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	errs = append(errs, db.folder.release())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// change runs apply in a transaction, alone, and then committed, still alone. A caller that goes away while it waits
// for its turn changes nothing; once begun, a change is brought to its end, so that the answer is never in doubt.
func (db *DB) change(ctx context.Context, apply func(context.Context, *sql.Tx) error, committed func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case db.turn <- struct{}{}:
		defer func() { <-db.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx = context.WithoutCancel(ctx)
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	if err := apply(ctx, tx); err != nil {
		if undo := tx.Rollback(); undo != nil {
			db.logger.Error("store could not roll back", "error", undo)
		}
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	committed()
	return nil
}
