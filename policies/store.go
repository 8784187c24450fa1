package policies

import (
	"context"
	"errors"
	"time"
)

// Errors that a Store answers, to be tested with errors.Is. Any other error is a fault of the store: the caller must
// treat what it asked as not known and refuse for now (HTTP 503), never as absent.
var (
	// ErrNotFound: there is no such record, or it has expired.
	ErrNotFound = errors.New("no such record")
	// ErrConflict: a record does not have the version that the change expects. Nothing was changed.
	ErrConflict = errors.New("record has changed")
)

// Limits of a Store. A call beyond them fails and changes nothing.
const (
	MaxKey     = 512       // bytes of a key
	MaxValue   = 256 << 10 // bytes of a value
	MaxChanges = 64        // puts and deletes of one Change
)

// Store keeps the records of one policy, whatever process of it is running. Every method is safe for concurrent use.
//
// A key is printable ASCII, "kind/rest". Where rest is a secret (a token, a code) the key holds its SHA-256 in hex, never
// the secret. Values are sealed at rest by the host. Expiry goes by the host's clock.
type Store interface {
	// Get answers a record, or ErrNotFound.
	Get(ctx context.Context, key string) (Record, error)
	// List answers up to limit records whose keys begin with prefix and come after the key after, in key order.
	// limit is 1 to 1000.
	List(ctx context.Context, prefix, after string, limit int) ([]Record, error)
	// Take removes a record and answers it. Of any number of callers one gets it; the others get ErrNotFound.
	Take(ctx context.Context, key string) (Record, error)
	// Commit applies the whole change in one transaction, or nothing of it: then the error is ErrConflict, or a fault.
	// When it returns, the change is durable and its purges are in force on this host.
	Commit(ctx context.Context, change Change) error
}

// Record is one record of a Store.
type Record struct {
	Key   string
	Value []byte
	// Version is greater than zero and never repeats, not even after the record was deleted and made anew.
	Version int64
	Expires time.Time
}

// Change is one transaction of a Store.
type Change struct {
	Puts    []Put
	Deletes []Delete
	// Purge ends every cached decision of this policy that carries one of these tags, on every host that shares the
	// store. A decision being made while the change is committed is thrown away and made anew.
	Purge []string
}

// Put writes a record. Expect is the version it must have now; 0 means that it must not exist.
type Put struct {
	Key     string
	Value   []byte
	Expect  int64
	Expires time.Time // required; in the past means an error
}

// Delete removes a record, which must have the version Expect (greater than 0).
type Delete struct {
	Key    string
	Expect int64
}
