package sdk

import (
	"context"
	"log/slog"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"durward/policies"
	"durward/policies/policypb"
	"durward/policies/sdk/protocol"
)

// Serve serves the policy type to the host that started this process. It blocks until the host ends it. In a process
// that no host started it says so on standard error and exits with status 1.
//
// Call it first in main, before anything is written to standard output: the host reads its first line.
func Serve(t policies.Type) {
	// go-plugin replaces os.Stderr by a pipe that leads nowhere, so the logger is made on the original before it does.
	stderr := os.Stderr
	logger := newLogger(stderr, os.Getenv(protocol.LogLevelEnv))
	holdLifeline(os.Getenv(protocol.LifelineEnv), os.Exit)
	ignoreSignals()

	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  protocol.Handshake(),
		VersionedPlugins: map[int]plugin.PluginSet{protocol.Version: {protocol.PluginName: &served{t: t, logger: logger}}},
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(options,
				grpc.MaxRecvMsgSize(protocol.MaxMessage),
				grpc.MaxSendMsgSize(protocol.MaxMessage),
				grpc.ChainUnaryInterceptor(recoverPanics(logger)),
			)...)
		},
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: stderr, JSONFormat: true}),
	})
}

// served is the policy type as go-plugin knows it.
type served struct {
	plugin.NetRPCUnsupportedPlugin
	t      policies.Type
	logger *slog.Logger
}

// GRPCServer registers the policy's service.
func (s *served) GRPCServer(broker *plugin.GRPCBroker, registrar *grpc.Server) error {
	dial := func(id uint32) (*grpc.ClientConn, error) {
		return broker.DialWithOptions(id, grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(protocol.MaxMessage), grpc.MaxCallSendMsgSize(protocol.MaxMessage)))
	}
	policypb.RegisterPolicyServer(registrar, newServer(s.t, s.logger, dial))
	return nil
}

// GRPCClient is for hosts, which bring their own.
func (*served) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errClient
}
