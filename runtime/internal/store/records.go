package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"durward/policies"
)

// records are the records of one policy.
type records struct {
	db     *DB
	policy string
}

var _ policies.Store = (*records)(nil)

// getRecord is prepared once: a decision that is not cached begins with it.
const getRecord = `SELECT key, value, version, expires_at FROM records
	WHERE policy = $1 AND key = $2 AND expires_at > $3`

// Get implements policies.Store.
func (r *records) Get(ctx context.Context, key string) (policies.Record, error) {
	if err := checkKey(key); err != nil {
		return policies.Record{}, fmt.Errorf("get record: %w", err)
	}
	row := r.db.get.QueryRowContext(ctx, r.policy, key, r.db.now().UnixNano())
	return r.one(row, "get record")
}

// List implements policies.Store.
func (r *records) List(ctx context.Context, prefix, after string, limit int) ([]policies.Record, error) {
	if err := checkList(prefix, after, limit); err != nil {
		return nil, fmt.Errorf("list records: %w", err)
	}
	// DEL is the byte after the last printable one, so prefix+DEL comes after every key that begins with prefix.
	rows, err := r.db.read.QueryContext(ctx,
		`SELECT key, value, version, expires_at FROM records
		 WHERE policy = $1 AND key >= $2 AND key < $3 AND key > $4 AND expires_at > $5 ORDER BY key LIMIT $6`,
		r.policy, prefix, prefix+"\x7f", after, r.db.now().UnixNano(), limit)
	if err != nil {
		return nil, fmt.Errorf("list records: %w", err)
	}
	defer rows.Close()
	var found []policies.Record
	for rows.Next() {
		record, err := r.scan(rows)
		if err != nil {
			return nil, fmt.Errorf("list records: %w", err)
		}
		found = append(found, record)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list records: %w", err)
	}
	return found, nil
}

// Take implements policies.Store.
func (r *records) Take(ctx context.Context, key string) (policies.Record, error) {
	if err := checkKey(key); err != nil {
		return policies.Record{}, fmt.Errorf("take record: %w", err)
	}
	var record policies.Record
	err := r.db.change(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		row := tx.QueryRowContext(ctx,
			`DELETE FROM records WHERE policy = $1 AND key = $2 AND expires_at > $3
			 RETURNING key, value, version, expires_at`,
			r.policy, key, r.db.now().UnixNano())
		record, err = r.one(row, "take record")
		return err
	}, func() {})
	if err != nil {
		return policies.Record{}, err
	}
	return record, nil
}

// Commit implements policies.Store.
func (r *records) Commit(ctx context.Context, change policies.Change) error {
	if err := checkChange(change, r.db.now()); err != nil {
		return fmt.Errorf("commit change: %w", err)
	}
	tags := slices.Compact(slices.Sorted(slices.Values(change.Purge)))
	var seq int64
	err := r.db.change(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		// The clock is read again: the wait for the turn may have been long.
		now := r.db.now().UnixNano()
		if err := r.put(ctx, tx, change.Puts, now); err != nil {
			return err
		}
		if err := r.delete(ctx, tx, change.Deletes, now); err != nil {
			return err
		}
		seq, err = r.purge(ctx, tx, tags, now)
		return err
	}, func() {
		if len(tags) > 0 {
			r.db.purge.Store(seq)
			r.db.purged(seq, r.policy, tags)
		}
	})
	if errors.Is(err, policies.ErrConflict) {
		return err
	}
	if err != nil {
		return fmt.Errorf("commit change: %w", err)
	}
	return nil
}

// Count answers how many records a policy keeps.
func (db *DB) Count(ctx context.Context, policy string) (n int64, err error) {
	row := db.read.QueryRowContext(ctx, `SELECT count(*) FROM records WHERE policy = $1 AND expires_at > $2`,
		policy, db.now().UnixNano())
	if err := row.Scan(&n); err != nil {
		return 0, fmt.Errorf("count records: %w", err)
	}
	return n, nil
}

func (r *records) put(ctx context.Context, tx *sql.Tx, puts []policies.Put, now int64) error {
	if len(puts) == 0 {
		return nil
	}
	last, err := count(ctx, tx, "version", len(puts))
	if err != nil {
		return err
	}
	for i, put := range puts {
		version := last - int64(len(puts)-1-i)
		expires := put.Expires.UnixNano()
		sealed := r.db.seal.seal(put.Value, place{r.policy, put.Key, version, expires})
		if put.Expect == 0 {
			err = changeOne(ctx, tx,
				`INSERT INTO records (policy, key, value, version, expires_at) VALUES ($1, $2, $3, $4, $5)
				 ON CONFLICT (policy, key) DO UPDATE
				 SET value = excluded.value, version = excluded.version, expires_at = excluded.expires_at
				 WHERE records.expires_at <= $6`,
				r.policy, put.Key, sealed, version, expires, now)
		} else {
			err = changeOne(ctx, tx,
				`UPDATE records SET value = $1, version = $2, expires_at = $3
				 WHERE policy = $4 AND key = $5 AND version = $6 AND expires_at > $7`,
				sealed, version, expires, r.policy, put.Key, put.Expect, now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *records) delete(ctx context.Context, tx *sql.Tx, deletes []policies.Delete, now int64) error {
	for _, del := range deletes {
		err := changeOne(ctx, tx,
			`DELETE FROM records WHERE policy = $1 AND key = $2 AND version = $3 AND expires_at > $4`,
			r.policy, del.Key, del.Expect, now)
		if err != nil {
			return err
		}
	}
	return nil
}

// purge writes the tags down under the next number of the sequence.
func (r *records) purge(ctx context.Context, tx *sql.Tx, tags []string, now int64) (seq int64, err error) {
	if len(tags) == 0 {
		return 0, nil
	}
	if seq, err = count(ctx, tx, "purge", 1); err != nil {
		return 0, err
	}
	for _, tag := range tags {
		_, err := tx.ExecContext(ctx, `INSERT INTO purges (seq, policy, tag, purged_at) VALUES ($1, $2, $3, $4)`,
			seq, r.policy, tag, now)
		if err != nil {
			return 0, fmt.Errorf("write purge: %w", err)
		}
	}
	return seq, nil
}

// one reads the record of a query that has at most one.
func (r *records) one(row *sql.Row, doing string) (policies.Record, error) {
	record, err := r.scan(row)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return policies.Record{}, policies.ErrNotFound
	case err != nil:
		return policies.Record{}, fmt.Errorf("%s: %w", doing, err)
	}
	return record, nil
}

func (r *records) scan(row interface{ Scan(...any) error }) (policies.Record, error) {
	var (
		record  policies.Record
		sealed  []byte
		expires int64
	)
	if err := row.Scan(&record.Key, &sealed, &record.Version, &expires); err != nil {
		return policies.Record{}, err
	}
	value, err := r.db.seal.open(sealed, place{r.policy, record.Key, record.Version, expires})
	if err != nil {
		return policies.Record{}, err
	}
	record.Value = value
	record.Expires = time.Unix(0, expires).UTC()
	return record, nil
}

// count moves a counter on by n and answers its new value.
func count(ctx context.Context, tx *sql.Tx, name string, n int) (value int64, err error) {
	row := tx.QueryRowContext(ctx, `UPDATE counters SET value = value + $1 WHERE name = $2 RETURNING value`, n, name)
	if err := row.Scan(&value); err != nil {
		return 0, fmt.Errorf("count %s: %w", name, err)
	}
	return value, nil
}

// changeOne runs a statement that finds its row only if the record has the version the change expects.
func changeOne(ctx context.Context, tx *sql.Tx, statement string, args ...any) error {
	result, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	changed, err := result.RowsAffected()
	if err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	if changed == 0 {
		return policies.ErrConflict
	}
	return nil
}
