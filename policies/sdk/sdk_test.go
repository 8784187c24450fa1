package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"durward/policies"
	"durward/policies/policypb"
)

// fake is a policy type whose parts a test sets.
type fake struct {
	problems  []policies.Problem
	configure error
	host      policies.Host
	evaluate  func(context.Context, policies.Request) (policies.Decision, error)
	serve     http.HandlerFunc
}

func (f *fake) Describe() policies.Description {
	return policies.Description{Type: "fake", Options: json.RawMessage(`{}`)}
}

func (f *fake) Validate(policies.Input) policies.Report { return policies.Report{Problems: f.problems} }

func (f *fake) Configure(_ context.Context, _ policies.Input, host policies.Host) (policies.Policy, error) {
	f.host = host
	return f, f.configure
}

func (f *fake) Evaluate(ctx context.Context, r policies.Request) (policies.Decision, error) {
	return f.evaluate(ctx, r)
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.serve(w, r) }

// dialPolicy serves the type in this process and answers a client and what is logged.
func dialPolicy(t *testing.T, f *fake, services func(*grpc.Server)) (policypb.PolicyClient, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	logger := newLogger(&log, "DEBUG")
	host := serveInMemory(t, grpc.NewServer(), services)
	policy := serveInMemory(t, grpc.NewServer(grpc.ChainUnaryInterceptor(recoverPanics(logger))), func(s *grpc.Server) {
		policypb.RegisterPolicyServer(s, newServer(f, logger, func(uint32) (*grpc.ClientConn, error) { return host, nil }))
	})
	return policypb.NewPolicyClient(policy), &log
}

func serveInMemory(t *testing.T, server *grpc.Server, register func(*grpc.Server)) *grpc.ClientConn {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	if register != nil {
		register(server)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	conn, err := grpc.NewClient("passthrough:///memory", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		<-done
	})
	return conn
}

func configure(t *testing.T, client policypb.PolicyClient) {
	t.Helper()
	if _, err := client.Configure(t.Context(), configureRequest()); err != nil {
		t.Fatal(err)
	}
}

func configureRequest() *policypb.ConfigureRequest {
	return &policypb.ConfigureRequest{Input: &policypb.Input{Name: "n", Options: []byte("{}")}, HostServices: 1}
}

func testCall() policies.Call {
	return policies.Call{
		Time: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), RequestID: "req-1",
		Origin: "http://127.0.0.1:9000", ClientAddress: "2001:db8::7",
	}
}

func TestConfigureHappensOnce(t *testing.T) {
	client, _ := dialPolicy(t, &fake{}, nil)
	configure(t, client)
	if _, err := client.Configure(t.Context(), configureRequest()); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("second Configure: %v", err)
	}
}

func TestNothingIsDecidedBeforeConfigure(t *testing.T) {
	cases := map[string]struct {
		f    *fake
		code codes.Code
	}{
		"never configured": {&fake{}, codes.OK},
		"problems":         {&fake{problems: []policies.Problem{{Text: "no"}}}, codes.OK},
		"failed":           {&fake{configure: errors.New("no")}, codes.Internal},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			client, _ := dialPolicy(t, c.f, nil)
			if name != "never configured" {
				if _, err := client.Configure(t.Context(), configureRequest()); status.Code(err) != c.code {
					t.Errorf("Configure: %v", err)
				}
			}
			request := policypb.EncodeRequest(testCall(), policies.Request{Route: "r"})
			if _, err := client.Evaluate(t.Context(), request); status.Code(err) != codes.FailedPrecondition {
				t.Errorf("Evaluate: %v", err)
			}
			if _, err := client.ServeHTTP(t.Context(), httpRequest("GET", "/")); status.Code(err) != codes.FailedPrecondition {
				t.Errorf("ServeHTTP: %v", err)
			}
		})
	}
}

func TestEvaluateGetsTheCall(t *testing.T) {
	var got policies.Call
	f := &fake{evaluate: func(ctx context.Context, _ policies.Request) (policies.Decision, error) {
		got = policies.CallFrom(ctx)
		return policies.Decision{Outcome: policies.Unavailable}, nil
	}}
	client, _ := dialPolicy(t, f, nil)
	configure(t, client)
	request := policypb.EncodeRequest(testCall(), policies.Request{Route: "r"})
	if _, err := client.Evaluate(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(testCall(), got); diff != "" {
		t.Errorf("call (-want +got):\n%s", diff)
	}
}

func TestG10_PanicFailsTheCallAndKeepsItsValueOutOfTheLog(t *testing.T) {
	values := map[string]struct {
		value any
		log   string
	}{
		"text":  {"the secret", `"panic":"string"`},
		"error": {errors.New("the secret"), `"panic":"*errors.errorString"`},
	}
	for name, c := range values {
		t.Run(name, func(t *testing.T) {
			client, log := dialPolicy(t, &fake{serve: func(http.ResponseWriter, *http.Request) { panic(c.value) }}, nil)
			configure(t, client)
			_, err := client.ServeHTTP(t.Context(), httpRequest("GET", "/"))
			if status.Code(err) != codes.Internal || strings.Contains(err.Error(), "secret") {
				t.Errorf("error = %v", err)
			}
			if !strings.Contains(log.String(), c.log) || strings.Contains(log.String(), "the secret") {
				t.Errorf("log = %s", log)
			}
		})
	}
	t.Run("aborted on purpose", func(t *testing.T) {
		client, log := dialPolicy(t, &fake{serve: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }}, nil)
		configure(t, client)
		if _, err := client.ServeHTTP(t.Context(), httpRequest("GET", "/")); err == nil || log.Len() > 0 {
			t.Errorf("error = %v, log = %s", err, log)
		}
	})
}

func httpRequest(method, target string) *policypb.HTTPRequest {
	return &policypb.HTTPRequest{Call: policypb.EncodeCall(testCall()), Method: method, Target: []byte(target)}
}

func TestRequestIsWhatNetHTTPWouldHaveMade(t *testing.T) {
	m := httpRequest("POST", "//double/a%2Fb?q=%20x")
	m.Header = policypb.EncodeHeader(http.Header{"Content-Type": {"text/plain"}})
	m.Body = []byte("body")
	r, err := newRequest(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	got := []any{
		r.Method, r.Host, r.URL.Host, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.RequestURI, r.RemoteAddr, r.Proto,
		r.ContentLength, r.Header, string(body), err, policies.CallFrom(r.Context()),
	}
	want := []any{
		"POST", "127.0.0.1:9000", "", "//double/a/b", "//double/a%2Fb", "q=%20x", "//double/a%2Fb?q=%20x",
		"[2001:db8::7]:0", "HTTP/1.1", int64(4), http.Header{"Content-Type": {"text/plain"}}, "body", nil, testCall(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestMalformedRequestsAreRefused(t *testing.T) {
	cases := map[string]func(*policypb.HTTPRequest){
		"no call":         func(m *policypb.HTTPRequest) { m.Call = nil },
		"no origin":       func(m *policypb.HTTPRequest) { m.Call.Origin = "" },
		"no method token": func(m *policypb.HTTPRequest) { m.Method = "GET /" },
		"absolute target": func(m *policypb.HTTPRequest) { m.Target = []byte("https://a.example/") },
		"asterisk":        func(m *policypb.HTTPRequest) { m.Target = []byte("*") },
		"no target":       func(m *policypb.HTTPRequest) { m.Target = nil },
		"split header": func(m *policypb.HTTPRequest) {
			m.Header = []*policypb.Header{{Name: "A", Values: [][]byte{[]byte("a\r\nb")}}}
		},
	}
	for name, edit := range cases {
		m := httpRequest("GET", "/")
		edit(m)
		if r, err := newRequest(t.Context(), m); err == nil {
			t.Errorf("%s: accepted as %v", name, r.URL)
		}
	}
}

func TestRecorder(t *testing.T) {
	cases := map[string]struct {
		method string
		serve  func(http.ResponseWriter)
		want   policies.Response
		fails  bool
	}{
		"nothing": {"GET", func(http.ResponseWriter) {}, policies.Response{Status: 200, Header: http.Header{}}, false},
		"implicit status": {"GET", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "a") },
			policies.Response{Status: 200, Header: http.Header{}, Body: []byte("a")}, false},
		"header after status counts for nothing": {"GET", func(w http.ResponseWriter) {
			w.Header().Set("A", "1")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusFound)
			w.WriteHeader(http.StatusTeapot)
			w.Header().Set("A", "2")
		}, policies.Response{Status: 302, Header: http.Header{"A": {"1"}}}, false},
		"HEAD has no body": {"HEAD", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "a") },
			policies.Response{Status: 200, Header: http.Header{}}, false},
		"204 has no body": {"GET", func(w http.ResponseWriter) {
			w.WriteHeader(204)
			_, _ = io.WriteString(w, "a")
		}, policies.Response{Status: 204, Header: http.Header{}}, false},
		"as much as fits": {"GET", func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, policypb.MaxBody)) },
			policies.Response{Status: 200, Header: http.Header{}, Body: make([]byte, policypb.MaxBody)}, false},
		"more than fits": {"GET", func(w http.ResponseWriter) {
			_, _ = w.Write(make([]byte, policypb.MaxBody))
			_, _ = w.Write([]byte("a"))
		}, policies.Response{}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newRecorder(c.method)
			c.serve(w)
			got, err := w.result()
			if (err != nil) != c.fails {
				t.Errorf("error = %v", err)
			}
			if !bytes.Equal(got.Body, c.want.Body) {
				t.Errorf("body has %d bytes, want %d", len(got.Body), len(c.want.Body))
			}
			got.Body, c.want.Body = nil, nil
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoggerNamesTheRequest(t *testing.T) {
	var out bytes.Buffer
	logger := newLogger(&out, "")
	logger.Debug("not asked for")
	logger.With("a", 1).InfoContext(policies.WithCall(t.Context(), testCall()), "hello")
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	delete(got, slog.TimeKey)
	want := map[string]any{"level": "INFO", "msg": "hello", "a": float64(1), "request_id": "req-1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestG8_ProcessExitsWhenItsLifelineEnds(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// The lifeline's descriptor is the callee's for good.
	fd, err := syscall.Dup(int(r.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	exited := make(chan int, 1)
	holdLifeline(strconv.Itoa(fd), func(code int) { exited <- code })
	select {
	case <-exited:
		t.Fatal("exited while the host lives")
	default:
	}
	_ = w.Close()
	select {
	case code := <-exited:
		if code == 0 {
			t.Error("exit status 0")
		}
	case <-time.After(5 * time.Second):
		t.Fatal("did not exit")
	}
}

// A policy that heeds its context says that it ran out of time before the host gives it up: silence is for the stuck.
func TestPolicyThatRunsOutOfTimeSaysSoInTime(t *testing.T) {
	for wait, early := range map[time.Duration]time.Duration{
		2 * time.Second: 200 * time.Millisecond, time.Minute: 200 * time.Millisecond, 100 * time.Millisecond: 10 * time.Millisecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{evaluate: func(ctx context.Context, _ policies.Request) (policies.Decision, error) {
				<-ctx.Done()
				return policies.Decision{}, ctx.Err()
			}}
			s := newServer(f, slog.New(slog.DiscardHandler), nil)
			s.policy.Store(&configured{f})
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			defer cancel()
			began := time.Now()
			_, err := s.Evaluate(ctx, policypb.EncodeRequest(policies.Call{Time: began}, policies.Request{Route: "a"}))
			if status.Code(err) != codes.DeadlineExceeded || ctx.Err() != nil {
				t.Errorf("within %v: %v, %v", wait, err, ctx.Err())
			}
			if got := wait - time.Since(began); got != early {
				t.Errorf("within %v: %v early, want %v", wait, got, early)
			}
		})
	}
}
