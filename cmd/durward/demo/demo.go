// Package demo is what `durward demo` runs beside the gateway, and the client that checks it.
//
// It owns the two servers a newcomer does not have yet, an identity provider (package idp) and an MCP server (package
// sample), the text that tells a person how to connect, and [Check]: an MCP client that does by itself, over HTTP
// alone, all that a person with a real client does. It promises to listen on loopback addresses only, and to say of a
// failed check which step failed and why, without any token in the text.
//
// It is not the gateway: the caller runs that, with the environment that [Parts.Env] gives. Nothing here is used in
// production.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"durward/cmd/durward/demo/idp"
	"durward/cmd/durward/demo/sample"
)

// samplePath is where the sample server serves MCP.
const samplePath = "/mcp"

// Options say where the parts listen. The zero value is good.
type Options struct {
	// IdP and Upstream are HOST:PORT to listen at, on loopback addresses; port 0 means a free one. "127.0.0.1:0" if
	// empty.
	IdP, Upstream string
	// ClientSecret is what the gateway authenticates with at the provider; a fresh one if empty.
	ClientSecret string
	// Version is what the sample server says of itself.
	Version string
	// Logger is told what goes on. Nothing if nil.
	Logger *slog.Logger
}

// Parts are the running parts.
type Parts struct {
	provider *idp.Provider
	upstream string
	servers  []*http.Server
	sample   *sample.Server
	serving  sync.WaitGroup
	log      *slog.Logger
}

// Start starts the parts. They run until Close; ctx bounds only the starting.
func Start(ctx context.Context, o Options) (*Parts, error) {
	p := &Parts{log: o.Logger, sample: sample.New(sample.Options{Version: o.Version, Logger: o.Logger})}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	identity, err := listen(ctx, o.IdP)
	if err != nil {
		return nil, fmt.Errorf("start development identity provider: %w", err)
	}
	upstream, err := listen(ctx, o.Upstream)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start sample MCP server: %w", err), identity.Close())
	}
	p.provider, err = idp.New(idp.Options{
		Issuer: "http://" + identity.Addr().String(), ClientSecret: o.ClientSecret, Logger: p.log,
	})
	if err != nil {
		return nil, errors.Join(err, identity.Close(), upstream.Close())
	}
	p.upstream = "http://" + upstream.Addr().String() + samplePath
	p.serve(identity, p.provider)
	mux := http.NewServeMux()
	mux.Handle(samplePath, p.sample)
	p.serve(upstream, mux)
	return p, nil
}

// Env is the environment that the configuration which ships asks for.
func (p *Parts) Env() map[string]string {
	return map[string]string{
		"CLERK_FRONTEND_API_URL": p.provider.Issuer(),
		"CLERK_CLIENT_ID":        p.provider.ClientID(),
		"CLERK_CLIENT_SECRET":    p.provider.ClientSecret(),
		"DURWARD_DEMO_UPSTREAM":  p.upstream,
	}
}

// Issuer is the identity provider's origin.
func (p *Parts) Issuer() string { return p.provider.Issuer() }

// Upstream is the URL of the sample MCP server.
func (p *Parts) Upstream() string { return p.upstream }

// Close ends the parts, streams included. When it returns nothing of them runs.
func (p *Parts) Close() error {
	p.sample.Close()
	var errs []error
	for _, s := range p.servers {
		errs = append(errs, s.Close())
	}
	p.serving.Wait()
	return errors.Join(errs...)
}

func (p *Parts) serve(at net.Listener, h http.Handler) {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(p.log.Handler(), slog.LevelWarn),
		// No WriteTimeout: a stream lasts as long as its tool.
	}
	p.servers = append(p.servers, s)
	p.serving.Go(func() {
		if err := s.Serve(at); !errors.Is(err, http.ErrServerClosed) {
			p.log.Error("demo server ended", "address", at.Addr().String(), "error", err)
		}
	})
}

// listen refuses every address but loopback ones, by the address that was given and by the one that came of it.
func listen(ctx context.Context, address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("read address: %w", err)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.Unmap().IsLoopback()) {
		return nil, fmt.Errorf("listen on %s: the demo listens on loopback addresses only", address)
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if at, ok := l.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		return nil, errors.Join(fmt.Errorf("listen on %s: it is not a loopback address here", address), l.Close())
	}
	return l, nil
}
