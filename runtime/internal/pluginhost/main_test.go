package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"durward/policies"
	"durward/policies/sdk"
)

// TestMain makes the test's executable a policy's process, or a host's, when it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "as-policy" {
		runAsPolicy(os.Args[2])
		return
	}
	if len(os.Args) > 2 && os.Args[1] == "as-child" {
		runAsChild(os.Args[2])
		return
	}
	if len(os.Args) > 3 && os.Args[1] == "as-host" {
		runAsHost(os.Args[2], os.Args[3])
		return
	}
	os.Exit(m.Run())
}

const testType = "test-inbound"

// testSecret is what the test policy says where it must not.
const testSecret = "tell-nobody-7f3a9c"

// runAsPolicy serves the test policy, or misbehaves before it does.
func runAsPolicy(how string) {
	switch how {
	case "prints-first":
		fmt.Println("hello from a library that thinks it may")
	case "floods-stdout":
		_, _ = io.Copy(os.Stdout, strings.NewReader(strings.Repeat("x", 1<<20)))
	case "floods-stderr":
		_, _ = os.Stderr.WriteString("{\"@message\":1}\n{\"msg\":{\"a\":[1]},\"level\":7,\"time\":[]}\n\xff\xfe{\n")
		_, _ = io.Copy(os.Stderr, strings.NewReader(strings.Repeat("y", 10<<20)))
		_, _ = os.Stderr.WriteString("\n{\"msg\":\"after the flood\",\"level\":\"INFO\",\"policy\":\"other\"}\n")
	case "exits":
		os.Exit(7)
	case "leaves-group":
		group, err := syscall.Getpgid(os.Getppid())
		if err == nil {
			err = syscall.Setpgid(0, group)
		}
		if err != nil {
			panic(err)
		}
	case "says-nothing":
		forever := make(chan os.Signal, 1)
		signal.Notify(forever, syscall.SIGUSR1)
		<-forever
	case "names-another-socket":
		fmt.Println("1|1|unix|/tmp/other.sock|grpc|")
	case "other-protocol":
		plugin.Serve(&plugin.ServeConfig{
			HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: "TMPDIR", MagicCookieValue: os.Getenv("TMPDIR")},
			VersionedPlugins: map[int]plugin.PluginSet{99: {"policy": emptyPlugin{}}},
			GRPCServer:       func(o []grpc.ServerOption) *grpc.Server { return grpc.NewServer(o...) },
		})
		return
	}
	sdk.Serve(testPolicyType{})
}

type emptyPlugin struct{ dispenser }

func (emptyPlugin) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

type testPolicyType struct{}

type testOptions struct {
	// Configure is what happens there: "hang", "panic", "error", "exit", "problem".
	Configure string `json:"configure"`
	// CrashFile makes every start after the first die, or hang with HangAgain: the file says that there was one.
	CrashFile string `json:"crashFile"`
	HangAgain bool   `json:"hangAgain"`
}

func (testPolicyType) Describe() policies.Description {
	return policies.Description{Type: testType, Options: json.RawMessage(`{"type":"object"}`)}
}

func (testPolicyType) Validate(in policies.Input) policies.Report {
	var o testOptions
	_ = json.Unmarshal(in.Options, &o)
	r := policies.Report{
		Paths: []policies.Path{{Path: "/test/echo"}},
		Vary:  map[string]policies.Vary{"demo": {Headers: []string{"Authorization"}}},
	}
	if o.Configure == "problem" {
		r.Problems = []policies.Problem{{Pointer: "/configure", Text: "must not be a problem"}}
	}
	return r
}

func (testPolicyType) Configure(ctx context.Context, in policies.Input, host policies.Host) (policies.Policy, error) {
	var o testOptions
	_ = json.Unmarshal(in.Options, &o)
	switch o.Configure {
	case "hang":
		<-make(chan struct{})
	case "panic":
		panic("secret in a panic")
	case "error":
		return nil, errors.New("cannot be configured")
	case "error with a secret":
		return nil, errors.New("cannot be configured with " + testSecret)
	case "exit":
		os.Exit(8)
	}
	if o.CrashFile != "" {
		if _, err := os.Stat(o.CrashFile); err == nil {
			if o.HangAgain {
				<-make(chan struct{})
			}
			os.Exit(9)
		}
		_ = os.WriteFile(o.CrashFile, nil, 0o600)
	}
	host.Logger.Info("configured")
	return &testPolicy{host}, nil
}

type testPolicy struct{ host policies.Host }

// Evaluate does what the request's name says, and answers its process's id.
func (p *testPolicy) Evaluate(ctx context.Context, r policies.Request) (policies.Decision, error) {
	allow := policies.Decision{
		Outcome:   policies.Allow,
		Principal: &policies.Principal{Issuer: "test", Subject: strconv.Itoa(os.Getpid())},
		TTL:       time.Minute,
	}
	switch r.Name {
	case "panic":
		letters := []byte(r.Name)
		letters[len(letters)] = 0
	case "error":
		return policies.Decision{}, errors.New("cannot decide")
	case "error with a secret":
		return policies.Decision{}, errors.New("cannot decide with " + testSecret)
	case "reason with a secret":
		return policies.Decision{Outcome: policies.Unavailable, Reason: "no answer to " + testSecret}, nil
	case "log with a secret":
		p.host.Logger.Info("the secret is "+testSecret, "secret", testSecret, testSecret, true)
	case "panic elsewhere":
		go panic("nobody recovers " + testSecret)
		<-ctx.Done()
	case "malformed":
		return policies.Decision{Principal: allow.Principal}, nil
	case "oversized":
		allow.Tags = []string{strings.Repeat("t", 5<<20)}
	case "hang":
		<-ctx.Done()
		return policies.Decision{}, ctx.Err()
	case "deaf":
		<-make(chan struct{})
	case "deaf with the store":
		_, _ = p.host.Store.Get(context.WithoutCancel(ctx), "hang/1")
	case "eat":
		eat()
	case "child eats", "child stays":
		allow.Principal.Subject = startChild(r.Name, false)
	case "child leaves":
		allow.Principal.Subject = startChild(r.Name, true)
	case "close streams":
		_, _ = syscall.Close(1), syscall.Close(2)
	case "exit":
		os.Exit(3)
	case "exit once":
		if _, err := p.host.Store.Take(ctx, "crash/once"); err == nil {
			os.Exit(3)
		}
	}
	return allow, nil
}

// startChild starts a child that holds this process's output, leaves its process group or stays, and answers its id.
func startChild(how string, leaves bool) string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	child := exec.Command(path, "as-child", how)
	child.Stderr = os.NewFile(2, "stderr")
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: leaves}
	if err := child.Start(); err != nil {
		panic(err)
	}
	return strconv.Itoa(child.Process.Pid)
}

func runAsChild(how string) {
	if how == "child eats" {
		go eat()
	}
	forever := make(chan os.Signal, 1)
	signal.Notify(forever, syscall.SIGUSR1)
	<-forever
}

// eaten is how much eat takes, and no more: it must not hurt the machine when nobody stops it.
const eaten = 320 << 20

// eat takes memory that is not Go's, so that no collection of garbage slows it down.
func eat() {
	pages, err := syscall.Mmap(-1, 0, eaten, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	for i := 0; i < len(pages); i += os.Getpagesize() {
		pages[i] = 1
	}
	<-make(chan struct{})
}

func (p *testPolicy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	switch r.URL.Path {
	case "/test/echo":
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Host", r.Host)
		w.Header().Set("X-Remote", r.RemoteAddr)
		w.Header().Set("X-Query", r.URL.RawQuery)
		w.Header()["X-Many"] = r.Header["X-Many"]
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(body)
	case "/test/store":
		fmt.Fprint(w, p.useStore(ctx))
	case "/test/audit":
		event := policies.Event{Name: "test.done", Outcome: "success", Subject: "s1"}
		fmt.Fprint(w, p.host.Audit.Write(ctx, event))
	case "/test/log":
		p.host.Logger.InfoContext(ctx, "from the policy", "answer", 42, "policy", "somebody else")
	case "/test/env":
		for _, entry := range os.Environ() {
			name, _, _ := strings.Cut(entry, "=")
			fmt.Fprintln(w, name)
		}
	case "/test/print":
		fmt.Println(strings.Repeat("to standard output ", 100_000))
		fmt.Fprint(os.Stderr, strings.Repeat("to standard error ", 100_000))
	case "/test/big":
		_, _ = w.Write(make([]byte, 2<<20))
	case "/test/many":
		w.Header()["X-Many"] = make([]string, 2*maxFields)
	case "/test/many-purges":
		fmt.Fprint(w, p.host.Store.Commit(ctx, policies.Change{Purge: strings.Split(strings.Repeat("t ", 2*maxFields)+"t", " ")}))
	case "/test/count-and-exit":
		_ = p.host.Store.Commit(ctx, policies.Change{Puts: []policies.Put{{
			Key: "count/" + strconv.FormatInt(time.Now().UnixNano(), 10), Expires: policies.CallFrom(ctx).Time.Add(time.Hour),
		}}})
		os.Exit(3)
	case "/test/hang":
		<-ctx.Done()
	}
}

// useStore answers what went wrong, or "ok".
func (p *testPolicy) useStore(ctx context.Context) string {
	expires := policies.CallFrom(ctx).Time.Add(time.Hour)
	put := policies.Change{Puts: []policies.Put{{Key: "a/1", Value: []byte("v"), Expires: expires}}, Purge: []string{"tag"}}
	if err := p.host.Store.Commit(ctx, put); err != nil {
		return "commit: " + err.Error()
	}
	if err := p.host.Store.Commit(ctx, put); !errors.Is(err, policies.ErrConflict) {
		return fmt.Sprint("second commit: ", err)
	}
	record, err := p.host.Store.Get(ctx, "a/1")
	if err != nil || string(record.Value) != "v" || !record.Expires.Equal(expires) {
		return fmt.Sprint("get: ", record, err)
	}
	if _, err := p.host.Store.Get(ctx, "a/2"); !errors.Is(err, policies.ErrNotFound) {
		return fmt.Sprint("get of nothing: ", err)
	}
	// 50 values of 100 KiB are more than one message holds.
	for i := range 50 {
		change := policies.Change{Puts: []policies.Put{{
			Key: fmt.Sprintf("list/%02d", i), Value: make([]byte, 100<<10), Expires: expires,
		}}}
		if err := p.host.Store.Commit(ctx, change); err != nil {
			return "commit: " + err.Error()
		}
	}
	if list, err := p.host.Store.List(ctx, "list/", "list/00", 1000); err != nil || len(list) != 49 {
		return fmt.Sprint("list: ", len(list), err)
	}
	if list, err := p.host.Store.List(ctx, "list/", "", 30); err != nil || len(list) != 30 {
		return fmt.Sprint("list of 30: ", len(list), err)
	}
	if _, err := p.host.Store.Take(ctx, "a/1"); err != nil {
		return "take: " + err.Error()
	}
	if _, err := p.host.Store.Take(ctx, "a/1"); !errors.Is(err, policies.ErrNotFound) {
		return fmt.Sprint("second take: ", err)
	}
	if _, err := p.host.Store.Get(ctx, "fault/1"); err == nil || errors.Is(err, policies.ErrNotFound) ||
		strings.Contains(err.Error(), "disk") {
		return fmt.Sprint("fault: ", err)
	}
	return "ok"
}

// runAsHost runs three policies, one of them stopped by a signal, prints their process ids, and ends as it is told: it
// waits to be killed, or it exits without a word to anybody. On Linux it also begins to start a process that does not
// hold its lifeline.
func runAsHost(runDir, end string) {
	host, err := New(Options{RunDir: runDir, Logger: slog.New(slog.DiscardHandler), Env: raceEnv()})
	if err != nil {
		panic(err)
	}
	self, err := Self("as-policy", "good")
	if err != nil {
		panic(err)
	}
	var pids []string
	for i := range 3 {
		p, err := host.Start(context.Background(), testSpec(fmt.Sprint("p", i), self, `{}`))
		if err != nil {
			panic(err)
		}
		pids = append(pids, strconv.Itoa(p.Status().PID))
		if i == 0 {
			_ = syscall.Kill(p.Status().PID, syscall.SIGSTOP)
		}
	}
	if runtime.GOOS == "linux" {
		deaf, err := Self("as-policy", "says-nothing")
		if err != nil {
			panic(err)
		}
		in := newInstance(host, testSpec("deaf", deaf, `{}`))
		go func() { _ = in.start(context.Background()) }()
		for in.pid() == 0 {
			runtime.Gosched()
		}
		pids = append(pids, strconv.Itoa(in.pid()))
	}
	fmt.Println(strings.Join(pids, " "))
	_, _ = io.Copy(io.Discard, os.Stdin)
	if end == "panic" {
		panic("the host's end")
	}
	os.Exit(0)
}
