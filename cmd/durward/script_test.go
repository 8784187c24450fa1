package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"durward/cmd/durward/demo"
)

// TestMain makes the test's executable the command durward when it is started under that name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"durward": main})
}

// The command as a person or a script uses it: testdata/script/*.txtar. Each runs in a folder of its own, which holds the
// valid policies.json and routes.oas.json of testdata/config in a folder "config", with the variables that they name.
// Beside what testscript knows there is:
//
//	exits STATUS durward ARG...      runs the command, which must end with exactly that status
//	start NAME durward ARG...        starts it in the background
//	await NAME REGEXP                waits for what it prints; a group (?P<NAME>...) becomes a variable
//	signal NAME HUP|INT|TERM         sends it a signal
//	ended NAME STATUS                waits for its end
//	request METHOD URL STATUS FILE [BODY]
//	                                 makes a request, with a JSON file as its body, whose answer must have that status, and
//	                                 keeps the body
//	connect URL                      has a client register, sign somebody in and call a tool of a demo
//	busy VARIABLE                    listens at an address until the script ends
//	expand FILE                      replaces $VARIABLE in a file
//	empty DIR                        looks that nothing is in the folder
func TestScripts(t *testing.T) {
	// Sockets of policies lie below the scripts' folders, and the names of sockets are short.
	work, err := os.MkdirTemp("", "dw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(work); err != nil {
			t.Error(err)
		}
	})
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		WorkdirRoot:         work,
		Setup:               setUpScript,
		Deadline:            time.Now().Add(5 * scriptTimeout),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   positive(2, exits),
			"start":   positive(2, start),
			"await":   positive(2, await),
			"signal":  positive(2, sendSignal),
			"ended":   positive(2, ended),
			"request": positive(4, request),
			"connect": positive(1, connect),
			"busy":    positive(1, busy),
			"expand":  positive(1, expand),
			"empty":   positive(1, empty),
		},
	})
}

func setUpScript(env *testscript.Env) error {
	for name, value := range tableEnv() {
		env.Setenv(name, value)
	}
	env.Setenv("GORACE", "atexit_sleep_ms=0") // a second for each of many commands, otherwise
	env.Values[processesKey{}] = processes{}
	env.Defer(env.Values[processesKey{}].(processes).kill)
	// A folder of the script's own for what the command leaves in the system's, also with a short name.
	temporary, err := os.MkdirTemp("", "t")
	if err != nil {
		return err
	}
	env.Defer(func() { _ = os.RemoveAll(temporary) })
	env.Setenv("TMPDIR", temporary)
	config := filepath.Join(env.WorkDir, "config")
	if err := os.MkdirAll(config, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"policies.json", "routes.oas.json"} {
		data, err := os.ReadFile(filepath.Join("testdata/config", name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(config, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// positive is a command of at least n arguments that "!" cannot stand before.
func positive(n int, command func(*testscript.TestScript, []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < n {
			ts.Fatalf("usage: see TestScripts")
		}
		command(ts, args)
	}
}

func exits(ts *testscript.TestScript, args []string) {
	status := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		failed, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		status = failed.ExitCode()
	}
	if strconv.Itoa(status) != args[0] {
		ts.Fatalf("exit status %d, want %s", status, args[0])
	}
	checkCanary(ts, ts.ReadFile("stdout")+ts.ReadFile("stderr"))
}

// checkCanary looks that no value of the environment is printed (G10).
func checkCanary(ts *testscript.TestScript, out string) {
	if strings.Contains(out, canary) {
		ts.Fatalf("G10: a value of the environment is printed:\n%s", out)
	}
}

func request(ts *testscript.TestScript, args []string) {
	body := ""
	if len(args) > 4 {
		body = ts.ReadFile(args[4])
	}
	r, err := http.NewRequest(args[0], args[1], strings.NewReader(body))
	ts.Check(err)
	r.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: scriptTimeout}
	resp, err := client.Do(r)
	ts.Check(err)
	defer resp.Body.Close()
	file, err := os.Create(ts.MkAbs(args[3]))
	ts.Check(err)
	defer file.Close()
	_, err = file.ReadFrom(resp.Body)
	ts.Check(err)
	if strconv.Itoa(resp.StatusCode) != args[2] {
		ts.Fatalf("status %d, want %s:\n%s", resp.StatusCode, args[2], ts.ReadFile(args[3]))
	}
}

func connect(ts *testscript.TestScript, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), scriptTimeout)
	defer cancel()
	ts.Check(demo.Check(ctx, demo.CheckOptions{MCPURL: args[0], Out: ts.Stdout()}))
}

func busy(ts *testscript.TestScript, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

func expand(ts *testscript.TestScript, args []string) {
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

func empty(ts *testscript.TestScript, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, e := range entries {
		ts.Fatalf("%s is not empty: it holds %s", args[0], e.Name())
	}
}

// scriptTimeout bounds each wait of a script: far more than anything needs, on a machine that does more.
const scriptTimeout = 60 * time.Second
