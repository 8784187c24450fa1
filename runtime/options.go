package runtime

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"durward/policies"
	"durward/runtime/internal/config"
	"durward/runtime/internal/middleware"
	"durward/runtime/internal/proxy"
	"durward/runtime/internal/reference"
	"durward/runtime/internal/watch"
)

// Defaults of what is given neither in Options nor in gateway.json.
const (
	DefaultListen     = config.DefaultListen
	DefaultAdmin      = config.DefaultAdmin
	DefaultData       = ".durward"
	DefaultDrain      = 30 * time.Second
	DefaultPolicyWait = 2 * time.Second
	// DefaultReadHeader and DefaultIdle bound a client's connection, DefaultHeaderBytes the header of a request.
	DefaultReadHeader  = 10 * time.Second
	DefaultIdle        = 2 * time.Minute
	DefaultHeaderBytes = 64 << 10
	// DefaultRequestBytes and DefaultRequestBody bound the body of a request and its arrival, DefaultUpstreamConnect the making
	// of a connection to an upstream.
	DefaultRequestBytes    = proxy.DefaultMaxBody
	DefaultRequestBody     = proxy.DefaultBodyWait
	DefaultUpstreamConnect = proxy.DefaultConnect
)

// Options are what a host is made of. Only Config and Plugins are needed.
type Options struct {
	// Config is the folder with policies.json, routes.oas.json and, if there is one, gateway.json.
	Config string
	// Fallback is used when the folder Config does not exist, so that a released binary can run its demo anywhere.
	// nil means that the folder must exist.
	Fallback fs.FS
	// Listen and Admin are "host:port"; port 0 lets the system choose. Data is the folder of the store. Each beats
	// gateway.json, which beats the default.
	Listen, Admin, Data string
	// Plugins is the catalogue of policy types that run in processes. Beside them there are those that run inside the
	// host, whose names nobody else may have: set-headers-inbound and set-upstream-api-key-inbound.
	Plugins []Plugin
	// LookupEnv resolves $env(NAME) and ${env.NAME}, as NAME or as NAME_FILE, the path of a file that holds the value. What it
	// does not know may stand in .env beside the folder Config, if only this machine can reach the gateway. nil means
	// os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// StoreKey seals the store: 32 bytes. nil means what gateway.json says, else the key file beside the data, made on first
	// run.
	StoreKey []byte
	// Logger gets everything the host says. nil means none.
	Logger *slog.Logger
	// Audit gets who did what, one record each at level info: a logger that drops none of them, whatever level the rest is
	// logged at. nil means Logger.
	Audit *slog.Logger
	// OnLog is told what gateway.json says of the log: before anything is opened, and with each configuration that is put to
	// use. nil: nobody is told, and Logger stays as it is.
	OnLog func(LogSettings)
	// Now is the clock of everything that expires. nil means time.Now.
	Now func() time.Time
	// Drain is how long a stream on a changed route, and at the end every request, may go on. 0 means what gateway.json
	// says, else DefaultDrain.
	Drain time.Duration
	// PolicyWait is how long a request waits for a policy's decision, and for a policy whose process is being started
	// again. Then it is answered 503. 0 means what gateway.json says, else DefaultPolicyWait.
	PolicyWait time.Duration
	// Listener and AdminListener, if given, are served instead of what Listen and Admin say: sockets that somebody else
	// keeps open while the host is started anew. The host closes them.
	Listener, AdminListener net.Listener
	// OnTurn is told of the turns in the host's life, one after the other. What it does holds up the host, and it must not
	// call Reload. nil: nobody is told.
	OnTurn func(Turn)
	// WrapTransport wraps the transport to every upstream: for tracing and for tests that disturb it.
	WrapTransport func(http.RoundTripper) http.RoundTripper
}

// LogSettings are what is logged, and how.
type LogSettings struct {
	// Level is the least that is logged.
	Level slog.Level
	// Format is "json" or "text".
	Format string
}

// Turn is a turn in a host's life, as whoever supervises it wants to know of it.
type Turn int

// The turns.
const (
	// Serving: it serves the current generation. Said when it begins to, and after every load, whatever came of it.
	Serving Turn = iota
	// Loading: it begins to load its configuration anew.
	Loading
	// Ending: it takes no more connections and finishes what is in flight. It is the last.
	Ending
)

// Plugin is one entry of the catalogue: a policy type and the executable that serves it.
type Plugin struct {
	// Modules are the names by which handler.module may import it: "@durward/runtime" for $import(@durward/runtime).
	Modules []string
	// Export is handler.export, PolicyType is policyType.
	Export, PolicyType string
	// Schema is the JSON Schema of the options; "writeOnly": true marks a secret.
	Schema json.RawMessage
	// Validate reports on an input without starting anything. It is policies.Type's.
	Validate func(policies.Input) policies.Report
	// Executable serves the type, as package sdk does.
	Executable Executable
}

// Executable says what to start.
type Executable struct {
	// Path is the file; empty means this program itself, as it was when it was started.
	Path string
	// Args follow the program's name.
	Args []string
}

// withDefaults answers the options with what they mean. There is a Fallback only if it is used.
func (o Options) withDefaults() Options {
	if info, err := os.Stat(o.Config); err == nil && info.IsDir() {
		o.Fallback = nil
	}
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Audit == nil {
		o.Audit = o.Logger
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OnLog == nil {
		o.OnLog = func(LogSettings) {}
	}
	if o.OnTurn == nil {
		o.OnTurn = func(Turn) {}
	}
	return o
}

// policyEnv is all that a policy's process gets of the environment: how to reach the network, and options for the race
// detector, if it was built with one.
func (o Options) policyEnv() []string {
	var env []string
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "GORACE"} {
		if value, ok := o.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// loader answers what reads and checks the configuration. Files that policies read it reads by reader, so that the sum of a
// large one is made once for all who ask. An error is a fault of the catalogue.
func (o Options) loader(reader *watch.Reader) (*config.Loader, error) {
	files, imports, name := o.Fallback, o.Fallback, "built-in config"
	if files == nil {
		files, imports, name = os.DirFS(o.Config), folder(o.Config), o.Config
	}
	own := middleware.Types()
	types := make([]config.PolicyType, 0, len(o.Plugins)+len(own))
	for _, p := range o.Plugins {
		if p.Validate == nil {
			return nil, fmt.Errorf("policy type %q has no Validate", p.PolicyType)
		}
		if slices.ContainsFunc(own, func(t middleware.Type) bool { return t.Name == p.PolicyType }) {
			return nil, fmt.Errorf("catalogue names policy type %q, which is the gateway's own", p.PolicyType)
		}
		types = append(types, config.PolicyType{
			Modules: p.Modules, Export: p.Export, Type: p.PolicyType, Schema: p.Schema, Validate: p.Validate,
		})
	}
	for _, t := range own {
		types = append(types, config.PolicyType{
			Modules: config.Modules(), Export: t.Export, Type: t.Name, Schema: t.Schema, Compile: t.Compile,
			Outbound: t.Direction == middleware.Outbound,
		})
	}
	absolute, err := filepath.Abs(o.Config)
	if err != nil {
		return nil, fmt.Errorf("find folder: %w", err)
	}
	return config.New(config.Options{
		FS: files, Imports: imports, Name: name, Types: types, LookupEnv: o.LookupEnv,
		DotEnv: o.dotEnv(), Listen: cmp.Or(given(o.Listener), o.Listen), Admin: cmp.Or(given(o.AdminListener), o.Admin),
		Folder: absolute, Now: o.Now,
		ReadFile: func(path string, limit int) reference.Content { return content(reader.Take(path, limit)) },
		Content:  func(path string) string { return string(reader.ReadFile(path)) },
	})
}
