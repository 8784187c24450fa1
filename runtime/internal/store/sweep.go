package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

const (
	// sweepEvery is how often Run sweeps. Expired records are absent from the moment they expire; this only frees room.
	sweepEvery = time.Minute
	// sweepBatch is how many rows one transaction removes, so that a change never waits long for its turn.
	sweepBatch = 500
	// purgesKept is how long purges stay readable for a host that shares the store.
	purgesKept = time.Hour
)

// Run sweeps once a minute until ctx ends.
func (db *DB) Run(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		removed, err := db.Sweep(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			db.logger.Warn("store sweep failed", "error", err)
		case removed > 0:
			db.logger.Debug("store swept", "rows", removed)
		}
	}
}

// Sweep removes expired records and old purges, some at a time, and answers how many rows it removed.
func (db *DB) Sweep(ctx context.Context) (removed int, err error) {
	now := db.now()
	records, err := db.sweep(ctx,
		`DELETE FROM records WHERE (policy, key) IN
		 (SELECT policy, key FROM records WHERE expires_at <= $1 LIMIT $2)`, now)
	if err != nil {
		return records, fmt.Errorf("sweep records: %w", err)
	}
	purges, err := db.sweep(ctx,
		`DELETE FROM purges WHERE (seq, tag) IN
		 (SELECT seq, tag FROM purges WHERE purged_at <= $1 LIMIT $2)`, now.Add(-purgesKept))
	if err != nil {
		return records + purges, fmt.Errorf("sweep purges: %w", err)
	}
	return records + purges, nil
}

// sweep repeats a statement, each time as a change of its own, until it finds less than a full batch.
func (db *DB) sweep(ctx context.Context, statement string, until time.Time) (removed int, err error) {
	for {
		var n int64
		err := db.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
			result, err := tx.ExecContext(ctx, statement, until.UnixNano(), sweepBatch)
			if err != nil {
				return err
			}
			n, err = result.RowsAffected()
			return err
		}, func() {})
		if err != nil {
			return removed, err
		}
		removed += int(n)
		if n < sweepBatch {
			return removed, nil
		}
	}
}
