package sdk

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"durward/policies"
	"durward/policies/policypb"
)

// hostDouble answers every call of the host services with one error, or lists without end.
type hostDouble struct {
	policypb.UnimplementedStoreServer
	policypb.UnimplementedAuditServer
	err   error
	lists []*policypb.ListResponse
	asked []string
	event *policypb.Event
}

func (h *hostDouble) Get(context.Context, *policypb.GetRequest) (*policypb.Record, error) {
	return &policypb.Record{}, h.err
}

func (h *hostDouble) Take(context.Context, *policypb.TakeRequest) (*policypb.Record, error) {
	return nil, h.err
}

func (h *hostDouble) Commit(context.Context, *policypb.Change) (*policypb.CommitResponse, error) {
	return &policypb.CommitResponse{}, h.err
}

func (h *hostDouble) List(_ context.Context, m *policypb.ListRequest) (*policypb.ListResponse, error) {
	h.asked = append(h.asked, fmt.Sprintf("%s>%s %d", m.GetPrefix(), m.GetAfter(), m.GetLimit()))
	answer := h.lists[0]
	h.lists = h.lists[1:]
	return answer, h.err
}

func (h *hostDouble) Write(_ context.Context, m *policypb.Event) (*policypb.WriteResponse, error) {
	h.event = m
	return &policypb.WriteResponse{}, h.err
}

func useHost(t *testing.T, h *hostDouble) policies.Host {
	t.Helper()
	f := &fake{}
	client, _ := dialPolicy(t, f, func(s *grpc.Server) {
		policypb.RegisterStoreServer(s, h)
		policypb.RegisterAuditServer(s, h)
	})
	configure(t, client)
	return f.host
}

func TestStoreErrors(t *testing.T) {
	cases := map[string]struct{ err, is, isNot error }{
		"not found": {status.Error(codes.NotFound, "x"), policies.ErrNotFound, policies.ErrConflict},
		"conflict":  {status.Error(codes.Aborted, "x"), policies.ErrConflict, policies.ErrNotFound},
		"fault":     {status.Error(codes.Internal, "x"), nil, policies.ErrNotFound},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			store := useHost(t, &hostDouble{err: c.err}).Store
			_, got := store.Get(t.Context(), "a/1")
			_, take := store.Take(t.Context(), "a/1")
			for _, err := range []error{got, take, store.Commit(t.Context(), policies.Change{})} {
				if err == nil || c.is != nil && !errors.Is(err, c.is) || errors.Is(err, c.isNot) {
					t.Errorf("error = %v", err)
				}
			}
		})
	}
	t.Run("malformed record", func(t *testing.T) {
		if r, err := useHost(t, &hostDouble{}).Store.Get(t.Context(), "a/1"); err == nil || errors.Is(err, policies.ErrNotFound) {
			t.Errorf("record %v, error %v", r, err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := useHost(t, &hostDouble{}).Store.Get(ctx, "a/1"); !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("beyond the limits", func(t *testing.T) {
		store := useHost(t, &hostDouble{}).Store
		if _, err := store.List(t.Context(), "a/", "", 1001); err == nil {
			t.Error("a list of 1001 was asked for")
		}
		if err := store.Commit(t.Context(), policies.Change{Purge: make([]string, 1)}); err == nil {
			t.Error("an empty tag was purged")
		}
	})
}

func TestListAsksUntilThereIsNoMore(t *testing.T) {
	records := func(keys ...string) []*policypb.Record {
		var out []*policypb.Record
		for _, key := range keys {
			out = append(out, &policypb.Record{Key: key, Version: 1, Expires: 1})
		}
		return out
	}
	h := &hostDouble{lists: []*policypb.ListResponse{
		{Records: records("a/1", "a/2"), More: true}, {Records: records("a/3"), More: true}, {Records: records("a/4")},
	}}
	got, err := useHost(t, h).Store.List(t.Context(), "a/", "a/0", 10)
	if err != nil || len(got) != 4 {
		t.Errorf("%d records, %v", len(got), err)
	}
	if diff := cmp.Diff([]string{"a/>a/0 10", "a/>a/2 8", "a/>a/3 7"}, h.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	backwards := &hostDouble{lists: []*policypb.ListResponse{{Records: records("a/2", "a/1"), More: true}}}
	if _, err := useHost(t, backwards).Store.List(t.Context(), "a/", "", 10); err == nil {
		t.Error("a list that goes backwards was taken")
	}
}

func TestAuditCarriesTheRequestID(t *testing.T) {
	h := &hostDouble{}
	ctx := policies.WithCall(t.Context(), testCall())
	if err := useHost(t, h).Audit.Write(ctx, policies.Event{Name: "a", Outcome: "success"}); err != nil {
		t.Fatal(err)
	}
	if h.event.GetRequestId() != "req-1" {
		t.Errorf("event = %v", h.event)
	}
}
