package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"durward/policies/policypb"
	"durward/policies/sdk/protocol"
)

// instance is one process of a policy with its connections: started once, closed once.
type instance struct {
	spec     Spec
	logger   *slog.Logger
	stopTime time.Duration
	proc     *process
	client   *plugin.Client
	conns    connections
	services *services
	silence  silence

	// Set by start.
	policy policypb.PolicyClient
	health grpc_health_v1.HealthClient
	// life ends when go-plugin has seen the process's death.
	life context.Context

	closing sync.Once
}

func newInstance(h *Host, spec Spec) *instance {
	logger := h.options.Logger.With("policy", spec.Name)
	in := &instance{
		spec:     spec,
		logger:   logger,
		stopTime: h.options.StopTimeout,
		services: newServices(spec, logger),
		proc: &process{
			executable: spec.Executable,
			env:        append(logLevel(logger), h.options.Env...),
			start:      h.starter.start,
			logger:     logger,
			redacted:   spec.redacted,
			now:        h.options.Now,
			bounds:     h.bounds,
			limit:      memoryLimit(spec.Memory),
			done:       make(chan struct{}),
		},
	}
	in.client = plugin.NewClient(in.config(h))
	return in
}

// logLevel keeps policies from writing lines that the host would throw away.
func logLevel(logger *slog.Logger) []string {
	level := slog.LevelInfo
	if logger.Enabled(context.Background(), slog.LevelDebug) {
		level = slog.LevelDebug
	}
	return []string{protocol.LogLevelEnv + "=" + level.String()}
}

// config makes go-plugin safe: gRPC only, mutual TLS, nothing inherited, nothing in a global list, small messages,
// sockets of both sides in a private folder (which only a RunnerFunc brings about), and no parsing of what comes out of
// the process.
func (in *instance) config(h *Host) *plugin.ClientConfig {
	return &plugin.ClientConfig{
		HandshakeConfig:  protocol.Handshake(),
		VersionedPlugins: map[int]plugin.PluginSet{protocol.Version: {protocol.PluginName: dispenser{}}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		Managed:          false,
		StartTimeout:     h.options.StartTimeout,
		Logger:           newHclogger(in.logger),
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: h.run.path},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, dir string) (runner.Runner, error) {
			in.proc.prepare(cmd.Env, dir)
			return in.proc, nil
		},
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(
				grpc.MaxCallRecvMsgSize(protocol.MaxMessage), grpc.MaxCallSendMsgSize(protocol.MaxMessage),
				grpc.ForceCodecV2(newCodec())),
			grpc.WithMaxHeaderListSize(protocol.MaxHeaderList),
			grpc.WithDisableServiceConfig(),
			grpc.WithDisableRetry(),
			grpc.WithChainStreamInterceptor(in.conns.remember),
			grpc.WithStatsHandler(sentHandler{}),
		},
	}
}

// start brings the process up: handshake, host services, Describe, Configure, health. If it fails, close must follow.
func (in *instance) start(ctx context.Context) error {
	if _, err := in.client.Start(); err != nil {
		return in.explain("start process", err)
	}
	client, err := in.client.Client()
	if err != nil {
		return in.explain("connect to process", err)
	}
	raw, err := client.Dispense(protocol.PluginName)
	if err != nil {
		return in.explain("connect to process", err)
	}
	d, ok := raw.(dispensed)
	if !ok {
		return errors.New("connect to process: unexpected client")
	}
	in.life = d.life
	in.policy = policypb.NewPolicyClient(d.conn)
	in.health = grpc_health_v1.NewHealthClient(d.conn)

	if err := in.describe(ctx); err != nil {
		return err
	}
	// The broker on the other side forgets what it is offered after five seconds: Configure comes right after.
	in.services.serve(d.broker)
	if err := in.configure(ctx); err != nil {
		return err
	}
	if err := in.check(ctx); err != nil {
		return in.explain("check health", err)
	}
	return nil
}

// describe makes sure that the process serves the right type.
func (in *instance) describe(ctx context.Context) error {
	m, err := in.policy.Describe(ctx, &policypb.DescribeRequest{})
	if err != nil {
		return in.explain("describe", err)
	}
	d, err := policypb.DecodeDescription(m)
	if err != nil {
		return err
	}
	if d.Type != in.spec.Type {
		return fmt.Errorf("process serves policy type %q, not %q", clip(d.Type, 100), in.spec.Type)
	}
	return nil
}

func (in *instance) configure(ctx context.Context) error {
	m, err := in.policy.Configure(ctx, &policypb.ConfigureRequest{
		Input:        policypb.EncodeInput(in.spec.Input),
		HostServices: protocol.HostServices,
	})
	if err != nil {
		return in.explain("configure", err)
	}
	report, err := policypb.DecodeReport(m)
	if err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	if len(report.Problems) > 0 {
		return &ProblemsError{report.Problems}
	}
	if err := confirm(report, in.spec.Report); err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	return nil
}

// check asks the process for its health.
func (in *instance) check(ctx context.Context) error {
	m, err := in.health.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: plugin.GRPCServiceName})
	if err != nil {
		return err
	}
	if m.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		return errors.New("process says that it is not serving")
	}
	return nil
}

// explain words an error that may quote the process, and adds how the process ended if it did so by itself. Its death
// may be known a moment later than what came of it.
func (in *instance) explain(doing string, err error) error {
	text := oneLine(in.spec.redacted(status.Convert(err).Message()))
	if in.pid() == 0 {
		return fmt.Errorf("%s: %s", doing, text)
	}
	timer := time.NewTimer(outputGrace)
	defer timer.Stop()
	select {
	case <-in.proc.done:
		if exit := in.exit(); !in.proc.wasKilled() || exit != errKilled {
			return fmt.Errorf("%s: process ended (%s): %s", doing, exit, text)
		}
	case <-timer.C:
	}
	return fmt.Errorf("%s: %s", doing, text)
}

// errKilled is how os/exec words the end of a process that was killed.
const errKilled = "signal: killed"

// exit says how the process ended. It is called after its death.
func (in *instance) exit() string {
	if in.proc.exit == nil {
		return "exit status 0"
	}
	return in.proc.exit.Error()
}

func (in *instance) pid() int { return in.proc.processID() }

func (in *instance) alive() bool {
	select {
	case <-in.proc.done:
		return false
	default:
		return true
	}
}

// close ends the process, by asking it first, and everything that belongs to it. It must be called even if the process
// has died, and returns when nothing is left, also when another call has done the work.
func (in *instance) close() {
	in.closing.Do(func() {
		// Kill's shutdown call has no deadline of its own: a process that does not answer it would hold Kill for ever.
		impatience := time.AfterFunc(in.stopTime, in.proc.kill)
		in.client.Kill()
		impatience.Stop()
		if err := in.proc.end(); err != nil {
			in.logger.Warn("cannot remove the folder of a policy's sockets", "error", err)
		}
		in.conns.close()
		in.services.stop(in.stopTime)
	})
}
