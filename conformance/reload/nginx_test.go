package reload

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"durward/conformance/gateway"
	"durward/conformance/parts"
)

// nginx is one that does what the gateway does for callers and streams: three routes to the upstream, of which two ask a
// service whether the token is a good one.
type nginx struct {
	url, folder   string
	upstream, ask string
	cmd           *exec.Cmd
	exited        chan struct{}
	number        int
}

// startNginx starts one as the user that runs the test, on a loopback address.
func startNginx(t testing.TB, u *upstream) *nginx {
	t.Helper()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(service.Close)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &nginx{
		url: "http://" + free.Addr().String(), folder: t.TempDir(), upstream: strings.TrimPrefix(u.URL, "http://"),
		ask: strings.TrimPrefix(service.URL, "http://"), exited: make(chan struct{}),
	}
	if err := free.Close(); err != nil { // nginx takes an address that nobody listens on
		t.Fatal(err)
	}
	n.configure(t)
	n.cmd = exec.Command(parts.Nginx(t), "-p", n.folder, "-c", n.file(), "-e", filepath.Join(n.folder, "error.log"))
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = n.cmd.Wait() // how it ended is of no interest
		close(n.exited)
	}()
	t.Cleanup(func() {
		_ = n.cmd.Process.Signal(syscall.SIGTERM) // at once, workers that are left included
		<-n.exited
	})
	if !gateway.Within(patience, n.current) {
		text, _ := os.ReadFile(filepath.Join(n.folder, "error.log"))
		t.Fatalf("nginx does not serve: %s", text)
	}
	return n
}

// nginxWorkers is how many it is to have.
const nginxWorkers = 2

// token is the one that nginx's service takes.
const token = "allow-ada"

func (n *nginx) file() string { return filepath.Join(n.folder, "nginx.conf") }

// configure writes the next configuration. A reload of nginx's always starts every worker anew, whatever differs.
func (n *nginx) configure(t testing.TB) {
	t.Helper()
	n.number++
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	account := ""
	if me.Uid == "0" { // anybody else's workers run as who starts them
		account = "user " + me.Username + ";"
	}
	const proxy = `proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_read_timeout 1h;`
	var routes strings.Builder
	for _, name := range []string{guarded, keeper, edited} {
		fmt.Fprintf(&routes, "    location = /mcp/%s { auth_request /ask; proxy_pass http://calls/; %s }\n", name, proxy)
	}
	text := fmt.Sprintf(`%s
daemon off;
worker_processes %d;
pid nginx.pid;
error_log error.log warn;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  keepalive_timeout 120s;
  keepalive_requests 100000000;
  upstream calls { server %s; keepalive 64; }
  upstream service { server %s; keepalive 64; }
  server {
    listen %s;
%s    location = /mcp/steady { proxy_pass http://calls/; %s }
    location = /ask {
      internal; proxy_pass http://service/; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_pass_request_body off; proxy_set_header Content-Length "";
    }
    location = /number { return 200 "%d"; }
  }
}
`, account, nginxWorkers, n.upstream, n.ask, strings.TrimPrefix(n.url, "http://"), &routes, proxy, n.number)
	if err := os.WriteFile(n.file(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reload takes the next configuration into use, and waits until a new connection meets it.
func (n *nginx) reload(t testing.TB) {
	t.Helper()
	n.configure(t)
	if err := n.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if !gateway.Within(patience, n.current) {
		t.Fatalf("nginx does not take configuration %d into use", n.number)
	}
}

// current tells whether a new connection meets the last configuration.
func (n *nginx) current() bool {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url+"/number", nil)
	if err != nil {
		return false
	}
	_, body, err := do(client, r)
	return err == nil && body == fmt.Sprint(n.number)
}

// ways are the routes as their users see them: the first three have streams.
func (n *nginx) ways() []way {
	var all []way
	for _, name := range []string{guarded, keeper, steady, edited} {
		all = append(all, way{name, n.url + "/mcp/" + name, token})
	}
	return all
}

// besideNginx has the same callers and streams use nginx while it is reloaded at the same pace, and answers what they saw.
// Whatever that is, the figures are taken; what cannot be taken fails the test.
func besideNginx(t *testing.T, reloads int, pace time.Duration) row {
	t.Helper()
	u := newUpstream(t)
	n := startNginx(t, u)
	c := newCrowd(t)
	c.load(u, n.ways())
	c.awake(t)
	if workers := childrenOf(n.cmd.Process.Pid); len(workers) != nginxWorkers {
		t.Fatalf("nginx's workers are %v", workers)
	}
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for range reloads {
		<-ticker.C
		n.reload(t)
	}
	<-ticker.C // so that what the last one does is seen too
	left := len(childrenOf(n.cmd.Process.Pid)) - nginxWorkers
	c.stop()
	s := c.sum()
	if s.requests == 0 || s.events == 0 {
		t.Fatalf("nginx: nobody was answered: %+v", s)
	}
	return row{"nginx", reloads, s, left}
}
