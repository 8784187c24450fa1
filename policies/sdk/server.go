package sdk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"durward/policies"
	"durward/policies/policypb"
)

// server is the policy's gRPC service.
type server struct {
	policypb.UnimplementedPolicyServer
	t      policies.Type
	logger *slog.Logger
	// dial connects to the host services on a broker id.
	dial func(id uint32) (*grpc.ClientConn, error)
	// claimed is set by the first Configure; there is no second.
	claimed atomic.Bool
	// policy is set when Configure has succeeded.
	policy atomic.Pointer[configured]
}

type configured struct{ policies.Policy }

func newServer(t policies.Type, logger *slog.Logger, dial func(uint32) (*grpc.ClientConn, error)) *server {
	return &server{t: t, logger: logger, dial: dial}
}

func (s *server) Describe(context.Context, *policypb.DescribeRequest) (*policypb.Description, error) {
	return policypb.EncodeDescription(s.t.Describe()), nil
}

func (s *server) Validate(_ context.Context, m *policypb.Input) (*policypb.Report, error) {
	in, err := policypb.DecodeInput(m)
	if err != nil {
		return nil, answer(codes.InvalidArgument, err)
	}
	return policypb.EncodeReport(s.t.Validate(in)), nil
}

// Configure takes the input into use unless the report has problems; the answer is the report either way.
func (s *server) Configure(ctx context.Context, m *policypb.ConfigureRequest) (*policypb.Report, error) {
	in, err := policypb.DecodeInput(m.GetInput())
	if err != nil {
		return nil, answer(codes.InvalidArgument, err)
	}
	if s.claimed.Swap(true) {
		return nil, status.Error(codes.FailedPrecondition, "configure: the process has been configured before")
	}
	// The broker forgets what it was offered after five seconds, so the host is dialled before the policy may take its
	// time.
	conn, err := s.dial(m.GetHostServices())
	if err != nil {
		return nil, answer(codes.Internal, fmt.Errorf("connect to host services: %w", err))
	}
	report := s.t.Validate(in)
	if len(report.Problems) > 0 {
		_ = conn.Close()
		return policypb.EncodeReport(report), nil
	}
	policy, err := s.t.Configure(ctx, in, policies.Host{
		Store:  &store{client: policypb.NewStoreClient(conn)},
		Audit:  &audit{client: policypb.NewAuditClient(conn)},
		Logger: s.logger,
	})
	if err != nil {
		_ = conn.Close()
		return nil, answer(codes.Internal, fmt.Errorf("configure: %w", err))
	}
	s.policy.Store(&configured{policy})
	return policypb.EncodeReport(report), nil
}

func (s *server) Evaluate(ctx context.Context, m *policypb.EvaluateRequest) (*policypb.Decision, error) {
	policy := s.policy.Load()
	if policy == nil {
		return nil, errNotConfigured()
	}
	call, request, err := policypb.DecodeRequest(m)
	if err != nil {
		return nil, answer(codes.InvalidArgument, err)
	}
	ctx, cancel := beforeDeadline(ctx)
	defer cancel()
	decision, err := policy.Evaluate(policies.WithCall(ctx, call), request)
	if err != nil && ctx.Err() != nil {
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	if err != nil {
		return nil, answer(codes.Internal, fmt.Errorf("evaluate: %w", err))
	}
	encoded, err := policypb.EncodeDecision(decision)
	if err != nil {
		return nil, answer(codes.Internal, err)
	}
	return encoded, nil
}

// beforeDeadline ends a little before the host gives up, so that a policy which heeds its context can still say that it
// ran out of time. A process that says nothing at all counts as stuck with the host, which kills it after a while.
func beforeDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(time.Until(deadline)/10, 200*time.Millisecond)))
}

func (s *server) ServeHTTP(ctx context.Context, m *policypb.HTTPRequest) (*policypb.HTTPResponse, error) {
	policy := s.policy.Load()
	if policy == nil {
		return nil, errNotConfigured()
	}
	request, err := newRequest(ctx, m)
	if err != nil {
		return nil, answer(codes.InvalidArgument, err)
	}
	w := newRecorder(request.Method)
	policy.ServeHTTP(w, request)
	response, err := w.result()
	if err != nil {
		return nil, answer(codes.Internal, err)
	}
	encoded, err := policypb.EncodeResponse(response)
	if err != nil {
		return nil, answer(codes.Internal, err)
	}
	return encoded, nil
}

func errNotConfigured() error {
	return status.Error(codes.FailedPrecondition, "the process has not been configured")
}

// answer gives err its code. The text is bounded, since it travels in the trailer.
func answer(code codes.Code, err error) error {
	const longest = 1 << 10
	text := strings.ToValidUTF8(err.Error(), "\uFFFD")
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return status.Error(code, text)
}

// recoverPanics makes a panic in a call the failure of that call. The log gets the stack; of the panic's value only
// what cannot hold a secret: the runtime's own errors, and the type of any other.
func recoverPanics(logger *slog.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, m any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (answered any, err error) {
		defer func() {
			value := recover()
			if value == nil {
				return
			}
			answered, err = nil, status.Error(codes.Internal, "the policy panicked")
			if fault, ok := value.(error); ok && errors.Is(fault, http.ErrAbortHandler) {
				return
			}
			logger.ErrorContext(ctx, "policy panicked",
				"method", info.FullMethod, "panic", describePanic(value), "stack", string(debug.Stack()))
		}()
		return next(ctx, m)
	}
}

func describePanic(value any) string {
	if fault, ok := value.(runtime.Error); ok {
		return fault.Error()
	}
	return fmt.Sprintf("%T", value)
}
