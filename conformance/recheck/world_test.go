package recheck

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"durward/conformance/faults/double"
	"durward/conformance/gateway"
	"durward/runtime"
)

// world is a host whose clock is moved, with the policy in a process of the real binary, and a provider that fails as it
// is told.
type world struct {
	*gateway.Gateway
	host     *runtime.Host
	provider *double.Provider
	printed  *printed

	mu    sync.Mutex
	ahead time.Duration
}

// remoteTimeout is how long the provider may take to answer.
const remoteTimeout = time.Second

// recheckSeconds is after how long the provider is asked again, due how far the clock is moved for that.
const (
	recheckSeconds = 60
	due            = (recheckSeconds + 1) * time.Second
)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{provider: double.Start(t), printed: &printed{}}
	w.Gateway = gateway.Prepare(t, func(g *gateway.Gateway) {
		setOptions(t, g, recheckSeconds)
		g.SetOption(t, "browserLoginOverrides", map[string]any{"remoteTimeoutMs": remoteTimeout.Milliseconds()})
	})
	w.host, _ = w.Host(func(o *runtime.Options) {
		o.Now = w.now
		o.Logger = slog.New(slog.NewJSONHandler(w.printed, &slog.HandlerOptions{Level: slog.LevelDebug}))
		parts := o.LookupEnv
		o.LookupEnv = func(name string) (string, bool) {
			if name == "CLERK_FRONTEND_API_URL" {
				return w.provider.URL(), true
			}
			return parts(name)
		}
	})
	t.Cleanup(func() {
		w.keepsSecrets(t)
		if t.Failed() {
			t.Logf("the host's log:\n%s", w.printed.text())
		}
	})
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.ahead)
}

func (w *world) forward(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead += d
}

// login has Ada sign in anew and allow that many clients.
func (w *world) login(t *testing.T, clients int) *login {
	t.Helper()
	return newLogin(t, w.Gateway, double.Name, clients)
}

// asked answers how often the provider was asked for tokens.
func (w *world) asked() int { return w.provider.Calls("/oauth/token") }

// keepsSecrets checks that nothing that the provider gave to the gateway in confidence, or got from it, has been printed,
// and that no refresh token of the provider's can be read in what the gateway keeps (G10).
func (w *world) keepsSecrets(t *testing.T) {
	t.Helper()
	printed := w.printed.text()
	var kept []byte
	files, err := filepath.Glob(filepath.Join(w.Data, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the data folder: %v, %v", files, err)
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil {
			kept = append(kept, text...)
		}
	}
	refreshTokens := 0
	for _, secret := range w.provider.Secrets() {
		if strings.Contains(printed, secret) {
			t.Errorf("the log holds %q", secret)
		}
		if strings.HasPrefix(secret, "ort_") {
			refreshTokens++
			if bytes.Contains(kept, []byte(secret)) {
				t.Errorf("the refresh token %q can be read in the data folder", secret)
			}
		}
	}
	if refreshTokens == 0 {
		t.Error("the provider gave out no refresh token")
	}
}

// printed is what a host has printed: JSON, a line for each.
type printed struct {
	mu   sync.Mutex
	held bytes.Buffer
}

// Write implements io.Writer.
func (p *printed) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held.Write(line)
}

func (p *printed) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held.String()
}

// count answers how many lines have all these fields: names and values in turn.
func (p *printed) count(t *testing.T, fields ...string) int {
	t.Helper()
	found := 0
	for line := range strings.Lines(p.text()) {
		if !strings.Contains(line, fields[1]) {
			continue
		}
		var members map[string]any
		if err := json.Unmarshal([]byte(line), &members); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		has := true
		for i := 0; i < len(fields); i += 2 {
			has = has && members[fields[i]] == fields[i+1]
		}
		if has {
			found++
		}
	}
	return found
}
