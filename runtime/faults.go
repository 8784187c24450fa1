package runtime

import (
	"context"
	"errors"

	"durward/policies"
	"durward/runtime/internal/telemetry"
)

// countedStore is a policy's store. It counts the calls that fail for the store's own reasons.
type countedStore struct {
	policies.Store
	meter *telemetry.Meter
}

func (s countedStore) Get(ctx context.Context, key string) (policies.Record, error) {
	r, err := s.Store.Get(ctx, key)
	return r, s.count(ctx, err)
}

func (s countedStore) List(ctx context.Context, prefix, after string, limit int) ([]policies.Record, error) {
	r, err := s.Store.List(ctx, prefix, after, limit)
	return r, s.count(ctx, err)
}

func (s countedStore) Take(ctx context.Context, key string) (policies.Record, error) {
	r, err := s.Store.Take(ctx, key)
	return r, s.count(ctx, err)
}

func (s countedStore) Commit(ctx context.Context, change policies.Change) error {
	return s.count(ctx, s.Store.Commit(ctx, change))
}

// count counts a fault. That there is no such record is none, nor that it was changed, nor that the caller has gone; that
// the store took longer than the caller could wait is one.
func (s countedStore) count(ctx context.Context, err error) error {
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) &&
		!errors.Is(err, policies.ErrNotFound) && !errors.Is(err, policies.ErrConflict) {
		s.meter.Fault()
	}
	return err
}
