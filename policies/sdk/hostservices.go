package sdk

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"durward/policies"
	"durward/policies/policypb"
)

// store is the host's Store as the policy sees it.
type store struct{ client policypb.StoreClient }

var _ policies.Store = (*store)(nil)

func (s *store) Get(ctx context.Context, key string) (policies.Record, error) {
	m, err := s.client.Get(ctx, &policypb.GetRequest{Key: key})
	if err != nil {
		return policies.Record{}, fault(ctx, "get record", err)
	}
	return policypb.DecodeRecord(m)
}

func (s *store) Take(ctx context.Context, key string) (policies.Record, error) {
	m, err := s.client.Take(ctx, &policypb.TakeRequest{Key: key})
	if err != nil {
		return policies.Record{}, fault(ctx, "take record", err)
	}
	return policypb.DecodeRecord(m)
}

// List asks again as long as the host says that it left out records for the message's size.
func (s *store) List(ctx context.Context, prefix, after string, limit int) ([]policies.Record, error) {
	if limit < 1 || limit > 1000 {
		return nil, fmt.Errorf("list records: limit %d is not 1 to 1000", limit)
	}
	var out []policies.Record
	for {
		request := &policypb.ListRequest{Prefix: prefix, After: after, Limit: int32(limit - len(out))}
		m, err := s.client.List(ctx, request)
		if err != nil {
			return nil, fault(ctx, "list records", err)
		}
		for _, item := range m.GetRecords() {
			record, err := policypb.DecodeRecord(item)
			if err != nil {
				return nil, fmt.Errorf("list records: %w", err)
			}
			if record.Key <= after {
				return nil, errors.New("list records: the host's answer is not in order")
			}
			out, after = append(out, record), record.Key
		}
		if !m.GetMore() || len(m.GetRecords()) == 0 || len(out) >= limit {
			return out, nil
		}
	}
}

func (s *store) Commit(ctx context.Context, change policies.Change) error {
	m, err := policypb.EncodeChange(change)
	if err != nil {
		return fmt.Errorf("commit change: %w", err)
	}
	if _, err := s.client.Commit(ctx, m); err != nil {
		return fault(ctx, "commit change", err)
	}
	return nil
}

// audit is the host's Audit as the policy sees it. The id of the call's request goes with every event.
type audit struct{ client policypb.AuditClient }

var _ policies.Audit = (*audit)(nil)

func (a *audit) Write(ctx context.Context, e policies.Event) error {
	if _, err := a.client.Write(ctx, policypb.EncodeEvent(e, policies.CallFrom(ctx).RequestID)); err != nil {
		return fault(ctx, "write audit event", err)
	}
	return nil
}

// fault gives an error of the host services its Go form: the two that callers test for, the context's own, or a fault.
func fault(ctx context.Context, doing string, err error) error {
	switch status.Code(err) {
	case codes.NotFound:
		return fmt.Errorf("%s: %w", doing, policies.ErrNotFound)
	case codes.Aborted:
		return fmt.Errorf("%s: %w", doing, policies.ErrConflict)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, ctx.Err())
	}
	return fmt.Errorf("%s: %w", doing, err)
}
