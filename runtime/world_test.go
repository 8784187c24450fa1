package runtime_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"durward/runtime"
)

// patience bounds how long a test waits for what must happen: far more than it takes, on a machine that does more.
const patience = 30 * time.Second

// world is a host in this process, with policies of this executable, behind it an upstream of the test's own. Its
// configuration lies in memory, so that it is loaded when the test says so and at no other time.
type world struct {
	t        testing.TB
	host     *runtime.Host
	setup    *setup
	files    fstest.MapFS
	upstream *upstream
	gate     *gate
	log      *journal
	client   *http.Client
	// dir holds the data. Its name is short, as paths of sockets must be.
	dir           string
	public, admin string
	token         string // for operators

	stop  context.CancelFunc
	ended chan error
}

// setup is a configuration in the making.
type setup struct {
	gateway  map[string]any
	policies []*policySetup
	routes   []*routeSetup
}

type policySetup struct {
	name    string
	options guardOptions
	// inHost is the type, with its options, of a policy that runs inside the host.
	inHost        string
	inHostOptions map[string]any
}

type routeSetup struct {
	id, path, upstream string
	policies           []string
}

func (s *setup) policy(name string) *guardOptions {
	for _, p := range s.policies {
		if p.name == name {
			return &p.options
		}
	}
	p := &policySetup{name: name}
	s.policies = append(s.policies, p)
	return &p.options
}

// inHost has a policy run inside the host.
func (s *setup) inHost(name, policyType string, options map[string]any) {
	s.policy(name)
	for _, p := range s.policies {
		if p.name == name {
			p.inHost, p.inHostOptions = policyType, options
		}
	}
}

func (s *setup) route(id string) *routeSetup {
	for _, r := range s.routes {
		if r.id == id {
			return r
		}
	}
	r := &routeSetup{id: id, path: "/mcp/" + id}
	s.routes = append(s.routes, r)
	return r
}

// open says that nobody has to sign in on the route.
func (s *setup) open(r *routeSetup) bool {
	return !slices.ContainsFunc(s.policies, func(p *policySetup) bool {
		return p.inHost == "" && !p.options.Open && slices.Contains(r.policies, p.name)
	})
}

func (s *setup) drop(id string) {
	var kept []*routeSetup
	for _, r := range s.routes {
		if r.id != id {
			kept = append(kept, r)
		}
	}
	s.routes = kept
}

// start runs a host with one policy, "a", and one route, "one", which it guards, changed by edit.
func start(t testing.TB, edit func(*world), change ...func(*runtime.Options)) *world {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "dw")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, dir: dir, files: fstest.MapFS{}, upstream: startUpstream(t), gate: startGate(t), log: newJournal(),
		client: &http.Client{
			Transport:     &http.Transport{},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		ended: make(chan error, 1),
		setup: &setup{gateway: map[string]any{
			"listen": "127.0.0.1:0", "admin": "127.0.0.1:0", "data": filepath.Join(dir, "data"),
		}},
	}
	w.setup.policy("a").Gate = w.gate.URL
	r := w.setup.route("one")
	r.upstream, r.policies = w.upstream.URL+"/one", []string{"a"}
	if edit != nil {
		edit(w)
	}
	w.save()
	o := runtime.Options{
		Config: filepath.Join(dir, "none"), Fallback: w.files, Drain: 100 * time.Millisecond, PolicyWait: patience,
		Logger:    slog.New(slog.NewJSONHandler(w.log, nil)),
		LookupEnv: func(string) (string, bool) { return "", false },
		Plugins: []runtime.Plugin{{
			Modules: []string{"test"}, Export: "Guard", PolicyType: guardType{}.Describe().Type, Schema: json.RawMessage(guardSchema),
			Validate: guardType{}.Validate, Executable: runtime.Executable{Args: []string{"as-policy"}},
		}},
	}
	for _, c := range change {
		c(&o)
	}
	if w.host, err = runtime.New(o); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	t.Cleanup(w.end)
	go func() { w.ended <- w.host.Run(ctx) }()
	select {
	case <-w.host.Ready():
	case err := <-w.ended:
		w.ended <- nil
		t.Fatalf("run: %v\n%s", err, w.log.text())
	}
	w.public, w.admin = "http://"+w.host.Addr().String(), "http://"+w.host.AdminAddr().String()
	return w
}

// end ends the host. Nothing of it may be left then, neither a process nor a socket (G6, G8).
func (w *world) end() {
	w.client.CloseIdleConnections() // the host would wait a moment for what they might still send
	w.stop()
	if err := <-w.ended; err != nil {
		w.t.Errorf("run: %v", err)
	}
	w.client.CloseIdleConnections()
	for _, pid := range w.log.pids("policy started", "policy restarted") {
		if alive(pid) {
			w.t.Errorf("process %d is left", pid)
		}
	}
	if left := w.sockets(); len(left) > 0 {
		w.t.Errorf("left of sockets: %v", left)
	}
	if err := os.RemoveAll(w.dir); err != nil {
		w.t.Error(err)
	}
	if w.t.Failed() {
		w.t.Logf("the host's log:\n%s", w.log.text())
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// sockets answers what lies in the folder for sockets.
func (w *world) sockets() (found []string) {
	w.t.Helper()
	run := filepath.Join(w.dir, "data", "run")
	err := filepath.WalkDir(run, func(path string, _ os.DirEntry, err error) error {
		if path != run && !os.IsNotExist(err) {
			found = append(found, strings.TrimPrefix(path, run))
		}
		return nil
	})
	if err != nil {
		w.t.Error(err)
	}
	return found
}

// save writes the configuration.
func (w *world) save() {
	w.t.Helper()
	object := func(members ...any) map[string]any {
		o := make(map[string]any)
		for i := 0; i < len(members); i += 2 {
			o[members[i].(string)] = members[i+1]
		}
		return o
	}
	list := []any{}
	exports := map[string]string{setHeaders: "SetHeadersInboundPolicy", setKey: "SetUpstreamApiKeyInboundPolicy"}
	for _, p := range w.setup.policies {
		if p.inHost != "" {
			list = append(list, object("name", p.name, "policyType", p.inHost, "handler",
				object("export", exports[p.inHost], "module", "$import(@durward/runtime)", "options", p.inHostOptions)))
			continue
		}
		list = append(list, object("name", p.name, "policyType", guardType{}.Describe().Type,
			"handler", object("export", "Guard", "module", "$import(test)", "options", p.options)))
	}
	paths, public := object(), []string{}
	for _, r := range w.setup.routes {
		if w.setup.open(r) {
			public = append(public, r.id)
		}
		paths[r.path] = object("post", object("operationId", r.id, "x-zuplo-route", object(
			"handler", object("export", "McpProxyHandler", "module", "$import(@durward/runtime)",
				"options", object("rewritePattern", r.upstream)),
			"policies", object("inbound", append([]string{}, r.policies...)))))
	}
	gateway := object("publicRoutes", public)
	maps.Copy(gateway, w.setup.gateway)
	for name, value := range map[string]any{
		"policies.json":   object("policies", list),
		"routes.oas.json": object("openapi", "3.1.0", "paths", paths),
		"gateway.json":    gateway,
	} {
		text, err := json.MarshalIndent(value, "", "  ")
		if err != nil {
			w.t.Fatal(err)
		}
		w.files[name] = &fstest.MapFile{Data: text}
	}
}

// reload changes the configuration and loads it. The result must be want.
func (w *world) reload(want string, change func(*setup)) runtime.Reload {
	w.t.Helper()
	if change != nil {
		change(w.setup)
		w.save()
	}
	r := w.host.Reload(w.t.Context(), "the test")
	if r.Result != want {
		w.t.Fatalf("the reload was %+v, want %s", r, want)
	}
	return r
}

// policy answers the status of a policy.
func (w *world) policy(name string) runtime.PolicyStatus {
	w.t.Helper()
	for _, p := range w.host.Status().Policies {
		if p.Name == name {
			return p
		}
	}
	w.t.Fatalf("no policy %q runs", name)
	return runtime.PolicyStatus{}
}

// ping is an MCP request.
const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`

// request makes a request for a path of the public listener. header are names and values in turn.
func (w *world) request(method, path, body string, header ...string) *http.Request {
	w.t.Helper()
	if !strings.HasPrefix(path, "http://") {
		path = w.public + path
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

// reply is an answer that has been read.
type reply struct {
	status int
	header http.Header
	body   string
}

// send sends a request and reads the answer.
func (w *world) send(method, path, body string, header ...string) reply {
	w.t.Helper()
	answer, err := w.client.Do(w.request(method, path, body, header...))
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatalf("%s %s: read answer: %v", method, path, err)
	}
	return reply{answer.StatusCode, answer.Header, string(text)}
}

// call sends a ping to a route, with a credential that is good, and answers what the upstream was sent.
func (w *world) call(route string) arrived {
	w.t.Helper()
	return w.arrived(w.send(http.MethodPost, "/mcp/"+route, ping, "Authorization", "Bearer good"))
}

// arrived reads the upstream's answer.
func (w *world) arrived(r reply) (a arrived) {
	w.t.Helper()
	if r.status != http.StatusOK {
		w.t.Fatalf("the call was answered %d %s", r.status, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), &a); err != nil {
		w.t.Fatalf("the upstream's answer: %v: %s", err, r.body)
	}
	return a
}

// within waits until what is asked for is so.
func (w *world) within(what string, so func() bool) {
	w.t.Helper()
	if !w.soon(so) {
		w.t.Fatalf("not within %v: %s", patience, what)
	}
}

// soon tells whether what is asked for comes to be so.
func (w *world) soon(so func() bool) bool {
	tick, late := time.NewTicker(10*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			return false
		}
	}
	return true
}
