package oauth

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"durward/policies"
)

// byOperator is the reason of what an operator ends.
const byOperator = "operator"

// Bounds of one answer to an operator, who asks again for what is left out. Records are as large as strangers make them,
// and the host takes no answer of more than a megabyte.
const (
	adminReads = 500       // records that are looked at,
	adminRead  = 100       // so many at once
	adminBytes = 256 << 10 // of records that become part of the answer; it ends with the one that goes beyond
)

// maxShownName bounds what an operator is told that a client calls itself, in characters.
const maxShownName = 60

// adminQuery reads the query of an operator's request. A name that is not read would turn one into all.
func adminQuery(r *http.Request, names ...string) (params, error) {
	query, err := parseParams(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	for name, given := range query {
		if !slices.Contains(names, name) {
			return nil, badRequest("invalid_request", "the query has no parameters but "+strings.Join(names, ", "))
		}
		if given[0] == "" && name != "after" {
			return nil, badRequest("invalid_request", name+" must not be empty")
		}
	}
	if after := query.get("after"); len(after) > 256 || strings.ContainsFunc(after, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return nil, badRequest("invalid_request", "after must be what next was in the answer before")
	}
	return query, nil
}

// survey goes through the records below a prefix, from after, which is where the one before it stopped, and shows each to
// look. That answers whether the record becomes part of the answer, which must not become too large. next is where to go
// on, "" if there is nothing more.
func survey[T any](
	ctx context.Context, store policies.Store, prefix, after string, look func(held[T]) (taken bool, err error),
) (next string, err error) {
	at, size := prefix, 0
	if after != "" {
		at = prefix + after
	}
	for range adminReads / adminRead {
		found, err := store.List(ctx, prefix, at, adminRead)
		if err != nil {
			return "", fmt.Errorf("list records: %w", err)
		}
		for _, record := range found {
			data, err := decode[T](record)
			if err != nil {
				return "", fmt.Errorf("list records: %w", err)
			}
			taken, err := look(data)
			if err != nil {
				return "", err
			}
			at = record.Key
			if taken {
				size += len(record.Value)
			}
			if size > adminBytes {
				return strings.TrimPrefix(at, prefix), nil
			}
		}
		if len(found) < adminRead {
			return "", nil
		}
	}
	return strings.TrimPrefix(at, prefix), nil
}
