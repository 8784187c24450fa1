package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"durward/policies"
	"durward/policies/policypb"
	"durward/policies/sdk/protocol"
)

const (
	// listBytes is how many bytes of records one answer to List holds, at least one record.
	listBytes = 2 << 20
	// listPage is how many records are asked of the store at once, which bounds what List holds in memory.
	listPage = 64
	// parallelCalls bounds the calls of one policy's process that are worked on at once.
	parallelCalls = 256
)

// services serves one policy's Store and Audit to one process. Which policy calls is known by the connection: nothing a
// process says names a policy.
type services struct {
	policypb.UnimplementedStoreServer
	policypb.UnimplementedAuditServer
	store  policies.Store
	audit  policies.Audit
	logger *slog.Logger
	work   workload

	mu      sync.Mutex
	server  *grpc.Server
	stopped bool
	serving sync.WaitGroup
}

func newServices(spec Spec, logger *slog.Logger) *services {
	return &services{store: spec.Store, audit: spec.Audit, logger: logger}
}

// serve serves on the broker until stop. AcceptAndServe is the one way that gives the server go-plugin's TLS.
func (s *services) serve(broker *plugin.GRPCBroker) {
	s.serving.Go(func() { broker.AcceptAndServe(protocol.HostServices, s.newServer) })
}

func (s *services) newServer(options []grpc.ServerOption) *grpc.Server {
	server := grpc.NewServer(append(options,
		grpc.MaxRecvMsgSize(protocol.MaxMessage),
		grpc.MaxSendMsgSize(protocol.MaxMessage),
		grpc.MaxHeaderListSize(protocol.MaxHeaderList),
		grpc.MaxConcurrentStreams(parallelCalls),
		grpc.ForceServerCodecV2(newCodec()),
		grpc.ChainUnaryInterceptor(s.count, s.recoverPanics),
	)...)
	policypb.RegisterStoreServer(server, s)
	policypb.RegisterAuditServer(server, s)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server = server
	if s.stopped {
		server.Stop()
	}
	return server
}

// stop cuts what is still being served. The broker must be closed, or it would wait for calls to end. A service that does
// not heed the end of its call's context is given the time of patience, and left behind then.
func (s *services) stop(patience time.Duration) {
	s.mu.Lock()
	s.stopped = true
	server := s.server
	s.mu.Unlock()
	if server != nil {
		server.Stop()
	}
	ended := make(chan struct{})
	go func() {
		s.serving.Wait()
		close(ended)
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		s.logger.Warn("a host service still works for a process that has ended")
	}
}

// count keeps the account of what the host does for the process.
func (s *services) count(ctx context.Context, m any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	defer s.work.begin()()
	return next(ctx, m)
}

func (s *services) Get(ctx context.Context, m *policypb.GetRequest) (*policypb.Record, error) {
	return s.one(ctx, "get record", m.GetKey(), s.store.Get)
}

func (s *services) Take(ctx context.Context, m *policypb.TakeRequest) (*policypb.Record, error) {
	return s.one(ctx, "take record", m.GetKey(), s.store.Take)
}

func (s *services) one(
	ctx context.Context, doing, key string, ask func(context.Context, string) (policies.Record, error),
) (*policypb.Record, error) {
	if err := policypb.CheckKey(key); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	record, err := ask(ctx, key)
	if err != nil {
		return nil, s.fault(ctx, doing, err)
	}
	return policypb.EncodeRecord(record), nil
}

func (s *services) List(ctx context.Context, m *policypb.ListRequest) (*policypb.ListResponse, error) {
	limit, after := int(m.GetLimit()), m.GetAfter()
	if limit < 1 || limit > 1000 || len(m.GetPrefix()) > policies.MaxKey || len(after) > policies.MaxKey {
		return nil, status.Error(codes.InvalidArgument, "limit, prefix or after is out of bounds")
	}
	answer := new(policypb.ListResponse)
	for size := 0; len(answer.Records) < limit; {
		page := min(limit-len(answer.Records), listPage)
		records, err := s.store.List(ctx, m.GetPrefix(), after, page)
		if err != nil {
			return nil, s.fault(ctx, "list records", err)
		}
		for _, record := range records {
			size += len(record.Key) + len(record.Value)
			if size > listBytes && len(answer.Records) > 0 {
				answer.More = true
				return answer, nil
			}
			answer.Records = append(answer.Records, policypb.EncodeRecord(record))
			after = record.Key
		}
		if len(records) < page {
			break
		}
	}
	return answer, nil
}

func (s *services) Commit(ctx context.Context, m *policypb.Change) (*policypb.CommitResponse, error) {
	change, err := policypb.DecodeChange(m)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if err := s.store.Commit(ctx, change); err != nil {
		return nil, s.fault(ctx, "commit change", err)
	}
	return new(policypb.CommitResponse), nil
}

// Write passes the event on. The id of the request is in the context's Call; it is what the process says it is.
func (s *services) Write(ctx context.Context, m *policypb.Event) (*policypb.WriteResponse, error) {
	event, requestID, err := policypb.DecodeEvent(m)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if err := s.audit.Write(policies.WithCall(ctx, policies.Call{RequestID: requestID}), event); err != nil {
		return nil, s.fault(ctx, "write audit event", err)
	}
	return new(policypb.WriteResponse), nil
}

// fault gives an error its code. What a fault of the store says stays in the host's log: a process need not know.
func (s *services) fault(ctx context.Context, doing string, err error) error {
	switch {
	case errors.Is(err, policies.ErrNotFound):
		return status.Error(codes.NotFound, policies.ErrNotFound.Error())
	case errors.Is(err, policies.ErrConflict):
		return status.Error(codes.Aborted, policies.ErrConflict.Error())
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	}
	s.logger.Warn("host service failed", "doing", doing, "error", err)
	return status.Error(codes.Internal, "host service failed")
}

// recoverPanics keeps a fault in a service from ending the host.
func (s *services) recoverPanics(
	ctx context.Context, m any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (answer any, err error) {
	defer func() {
		if value := recover(); value != nil {
			s.logger.Error("host service panicked", "method", info.FullMethod, "panic", fmt.Sprintf("%T", value),
				"stack", strings.TrimSpace(string(debug.Stack())))
			answer, err = nil, status.Error(codes.Internal, "host service failed")
		}
	}()
	return next(ctx, m)
}
