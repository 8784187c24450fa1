package browser

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"durward/conformance/gateway"
)

// patience bounds how long a test waits for what must happen: far more than it takes, on a machine that does more.
const patience = 20 * time.Second

// world is a gateway and what people meet around it. Tests share it, each with people and clients of its own.
type world struct {
	// Gateway is the process, nil where the gateway runs in this one.
	*gateway.Gateway
	// origin is the gateway's, as browsers know it. issuer is the policy's: the origin and its base path.
	origin, issuer string
	// front is the TLS server before the gateway, nil on loopback.
	front    *front
	provider *provider
	// messages are the texts of the pages that say what went wrong, by their names in texts.en.json.
	messages map[string]message
	// logged tells whether the gateway's log holds a line with this request id.
	logged func(id string) bool
	// client reaches the world's names without a browser.
	client *http.Client
}

// setup says how a world differs from the usual.
type setup struct {
	// secure puts the gateway behind TLS under a public name.
	secure bool
	// base is the policy's base path.
	base string
	// options are added to the policy's.
	options map[string]any
	// scopes are what the route asks for, as JSON, or empty.
	scopes string
}

func newWorld(t *testing.T, s setup) *world {
	t.Helper()
	chromium.get(t) // before anything is built for nothing
	w := &world{client: newClient(t), messages: readMessages(t)}
	var callbacks []string
	if s.secure {
		w.front = &front{listener: listen(t, "mcp."+site)}
		w.origin = w.front.origin
		callbacks = []string{w.origin + s.base + "/oauth/callback"}
	}
	w.provider = newProvider(t, callbacks, time.Now)
	w.Gateway = gateway.Start(t, func(g *gateway.Gateway) {
		for name, value := range w.provider.env() {
			g.Setenv(name, value)
		}
		if w.origin != "" {
			g.Save("gateway.json", `{"publicUrl": "`+w.origin+`"}`)
		}
		if s.base != "" {
			g.SetOption(t, "gateway", map[string]any{"basePath": s.base})
		}
		for name, value := range s.options {
			g.SetOption(t, name, value)
		}
		if s.scopes != "" {
			const handler = `"handler": {`
			g.Save("routes.oas.json", strings.Replace(g.Read("routes.oas.json"), handler, `"scopes": `+s.scopes+", "+handler, 1))
		}
	})
	w.logged = func(id string) bool {
		return len(w.Log.Lines(func(l gateway.Line) bool { return l.Field("request_id") == id })) > 0
	}
	if w.front == nil {
		w.origin = w.URL
	}
	w.issuer = w.origin + s.base
	if w.front == nil {
		return w
	}
	target, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	w.front.forward(target)
	return w
}

// message is a text for a person who cannot go on.
type message struct{ Heading, Text, Advice string }

// readMessages reads them where the people who translate them do.
func readMessages(t *testing.T) map[string]message {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "policies", "oauth", "internal", "page", "texts.en.json"))
	if err != nil {
		t.Fatal(err)
	}
	var texts struct {
		Messages map[string]message `json:"messages"`
	}
	if err := json.Unmarshal(data, &texts); err != nil {
		t.Fatalf("read texts: %v", err)
	}
	return texts.Messages
}

// newClient makes an HTTP client that finds the suite's names on this machine and trusts its certificate.
func newClient(t *testing.T) *http.Client {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			var d net.Dialer
			return d.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		},
	}
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	transport.TLSClientConfig.RootCAs = trusted
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// own tells whether a URL is the gateway's.
func (w *world) own(address string) bool { return strings.HasPrefix(address, w.origin+"/") }
