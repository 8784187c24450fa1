package watch

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"durward/conformance/gateway"
	"durward/conformance/parts"
	"durward/runtime"
)

const (
	routes = "routes.oas.json"
	beside = "gateway.json"
)

// content is a file of the configuration. Each number makes another one of the same length.
func content(name string, number int) string {
	if name == beside {
		return fmt.Sprintf(`{"publicRoutes": ["a"], "trustedProxies": ["10.0.%d.%d"]}`, 100+number/100, 100+number%100)
	}
	return fmt.Sprintf(`{"openapi": "3.1.0", "paths": {"/mcp/a": {"post": {"operationId": "a", "summary": "number %04d",
		"x-zuplo-route": {"handler": {"export": "McpProxyHandler", "module": "$import(@durward/runtime)",
		"options": {"rewritePattern": "http://127.0.0.1:9/mcp"}}, "policies": {"inbound": []}}}}}}`, number)
}

// world is a gateway without policies, whose files are saved one way or another.
type world struct {
	*gateway.Gateway
	t *testing.T
	// at is where the files are saved: the folder that the gateway reads, or where a mount has them from.
	at string
	// began is when the gateway began to watch.
	began time.Time
	// number is that of the content that was made last.
	number int
	// reloads is how many there must have been.
	reloads int
}

// start runs a gateway. place, if not nil, has its configuration, which lies in a folder of its own, lie somewhere else
// by the launch, and answers where it is to be saved; "/proc/self/root" in front stands for the gateway's own mounts.
func start(t *testing.T, place func(t *testing.T, g *gateway.Gateway) (at string)) *world {
	t.Helper()
	w := &world{t: t}
	w.Gateway = gateway.Start(t, func(g *gateway.Gateway) {
		g.Transport = &http.Transport{DisableKeepAlives: true}
		for name, text := range map[string]string{
			"policies.json": `{"policies": []}`, routes: content(routes, 0), beside: content(beside, 0),
		} {
			save(t, filepath.Join(g.Config, name), text)
		}
		if w.at = g.Config; place != nil {
			w.at = place(t, g)
		}
	})
	line := w.Wait("listening", func(l gateway.Line) bool { return l.Msg() == "listening" })
	began, err := time.Parse(time.RFC3339Nano, line.Field("time"))
	must(t, err)
	w.began = began
	if own, is := strings.CutPrefix(w.at, "/proc/self"); is {
		w.at = fmt.Sprintf("/proc/%d%s", w.PID(), own)
	}
	return w
}

// inside has the gateway run in a namespace, after the commands have made its mounts there or set its limits. $config is
// its configuration.
func inside(t *testing.T, g *gateway.Gateway, commands string) {
	t.Helper()
	g.Under(parts.Unshare(t), "-Urm", "sh", "-ec", "config=$0\n"+commands+"\nexec \"$@\"", g.Config)
}

// count answers how many reloads there were so far.
func (w *world) count() int {
	return len(w.Log.Lines(func(l gateway.Line) bool { return l.Msg() == "reload" }))
}

// clear waits until only an event can tell of a change: after a load the files are read once more, and each ten seconds.
func (w *world) clear() {
	const poll, margin, onceMore = 10 * time.Second, time.Second, 300 * time.Millisecond
	if left := poll - time.Since(w.began)%poll; left < soon+margin {
		<-time.After(left)
	}
	<-time.After(onceMore)
}

// await waits for one reload more, which must come to want.
func (w *world) await(within time.Duration, want string) {
	w.t.Helper()
	w.reloads++
	if !gateway.Within(within, func() bool { return w.count() >= w.reloads }) {
		w.t.Fatalf("no reload within %v", within)
	}
	lines := w.Log.Lines(func(l gateway.Line) bool { return l.Msg() == "reload" })
	if got := lines[w.reloads-1].Field("result"); got != want {
		w.t.Fatalf("reload %d was %s, want %s", w.reloads, got, want)
	}
}

// settle waits until the last of the reloads, however many, has come to want.
func (w *world) settle(want string) {
	w.t.Helper()
	if !gateway.Within(soon, func() bool { return w.count() > w.reloads && w.Status().LastReload.Result == want }) {
		w.t.Fatalf("the last reload was %+v, want %s", w.Status().LastReload, want)
	}
	w.clear()
	w.reloads = w.count()
}

// exact shows that there has been no other reload than those awaited, and that none is on its way: one more change is one
// more reload, and whatever else there were would come before it.
func (w *world) exact(within time.Duration) {
	w.t.Helper()
	w.number++
	inPlace(w.t, filepath.Join(w.at, beside), content(beside, w.number))
	w.await(within, runtime.Applied)
	if n := w.count(); n != w.reloads {
		w.t.Errorf("there were %d reloads, want %d", n, w.reloads)
	}
}

func (w *world) read(name string) string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.at, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// save renames a new file into place.
func save(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path+".tmp", []byte(text), 0o600))
	must(t, os.Rename(path+".tmp", path))
}

// inPlace writes into the file that is there, which stays as long as it was.
func inPlace(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt([]byte(text), 0)
	must(t, err)
	must(t, f.Close())
}
