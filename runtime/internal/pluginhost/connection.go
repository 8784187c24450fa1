package pluginhost

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
)

// dispenser is the policy's plugin as go-plugin knows it. It only hands out what go-plugin has.
type dispenser struct{ plugin.NetRPCUnsupportedPlugin }

type dispensed struct {
	life   context.Context
	broker *plugin.GRPCBroker
	conn   *grpc.ClientConn
}

func (dispenser) GRPCClient(life context.Context, broker *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return dispensed{life, broker, conn}, nil
}

func (dispenser) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("the host serves no policy")
}

// connections remembers the connections that go-plugin opens. It loses one, without closing it, if the process dies
// right after the handshake, so that its standard streams cannot be opened: those are the first streams of any
// connection, hence an interceptor sees them all.
type connections struct {
	mu    sync.Mutex
	known map[*grpc.ClientConn]struct{}
}

func (c *connections) remember(
	ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string,
	open grpc.Streamer, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	c.mu.Lock()
	if c.known == nil {
		c.known = make(map[*grpc.ClientConn]struct{})
	}
	c.known[conn] = struct{}{}
	c.mu.Unlock()
	return open(ctx, desc, conn, method, options...)
}

// close closes them all; closing one twice does no harm.
func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.known {
		_ = conn.Close()
	}
}

type sentKey struct{}

// markSent answers a context whose call sets the flag when it is handed to a connection. As long as the flag is not set,
// the other side cannot have seen the call.
func markSent(ctx context.Context) (context.Context, *atomic.Bool) {
	sent := new(atomic.Bool)
	return context.WithValue(ctx, sentKey{}, sent), sent
}

// sentHandler sets the flags of markSent.
type sentHandler struct{}

func (sentHandler) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if _, ok := event.(*stats.OutHeader); !ok {
		return
	}
	if sent, ok := ctx.Value(sentKey{}).(*atomic.Bool); ok {
		sent.Store(true)
	}
}

func (sentHandler) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (sentHandler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (sentHandler) HandleConn(context.Context, stats.ConnStats)                       {}
