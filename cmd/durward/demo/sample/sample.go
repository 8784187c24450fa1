// Package sample is the demo's MCP server: three small tools, for clients of both protocol eras.
//
// It owns the tools echo, add and count, and the choice of the era for each request. It promises that one path serves
// the protocol versions with sessions (up to 2025-11-25: POST, GET, DELETE) and without (2026-07-28: POST only), that
// count streams its progress as it goes, and that a count ends when whoever asked for it gives up.
//
// It is not a model of a server worth protecting: it knows no users and keeps nothing.
package sample

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Options say how the server behaves. The zero value is good.
type Options struct {
	// Version is what the server calls its own version; "dev" if empty.
	Version string
	// SessionTimeout is how long a session may lie idle; 30 minutes if zero.
	SessionTimeout time.Duration
	// Logger is told of the SDK's errors. Nothing if nil.
	Logger *slog.Logger
}

// Server is the sample server. It is an http.Handler for one path.
type Server struct {
	server *mcp.Server
	// The SDK serves an era per handler: one with sessions refuses 2026-07-28, one without refuses GET and DELETE.
	sessions, stateless *mcp.StreamableHTTPHandler
}

// New makes a server.
func New(o Options) *Server {
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.SessionTimeout == 0 {
		o.SessionTimeout = 30 * time.Minute
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "durward-sample", Title: "Durward's sample", Version: o.Version},
		&mcp.ServerOptions{Instructions: "Three tools to try a gateway with: echo, add, count.", Logger: o.Logger})
	addTools(server)
	same := func(*http.Request) *mcp.Server { return server }
	return &Server{
		server: server,
		sessions: mcp.NewStreamableHTTPHandler(same, &mcp.StreamableHTTPOptions{
			Logger: o.Logger, SessionTimeout: o.SessionTimeout,
		}),
		stateless: mcp.NewStreamableHTTPHandler(same, &mcp.StreamableHTTPOptions{
			Logger: o.Logger, Stateless: true,
			// In this era leaving is how a client cancels.
			PropagateRequestCancellation: true,
		}),
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sessionless, err := isSessionless(w, r)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
	case sessionless:
		s.stateless.ServeHTTP(w, r)
	default:
		s.sessions.ServeHTTP(w, r)
	}
}

// Close ends all sessions and with them their streams.
func (s *Server) Close() {
	for session := range s.server.Sessions() {
		_ = session.Close() // the session is gone either way
	}
}
