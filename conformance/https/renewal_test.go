package https

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"durward/conformance/gateway"
	"durward/runtime"
)

// patience bounds how long a test waits for what must happen.
const patience = 30 * time.Second

// start starts a gateway that speaks TLS with a pair of the authority's, and the stand-in behind /mcp/demo.
func start(t *testing.T, a *authority) *gateway.Gateway {
	t.Helper()
	upstream := startUpstream(t)
	return gateway.Start(t, func(g *gateway.Gateway) {
		keeps, _ := a.clients()
		g.Transport = keeps.Transport
		must(t, os.Mkdir(filepath.Join(g.Config, "tls"), 0o700))
		_, cert, key := a.issue()
		g.Save("tls/cert.pem", cert)
		g.Save("tls/key.pem", key)
		g.Save("gateway.json", `{"tls": {"certFile": "tls/cert.pem", "keyFile": "tls/key.pem"}}`)
		g.Setenv("DURWARD_DEMO_UPSTREAM", upstream.URL+"/mcp")
	})
}

// A person signs in, a client calls, and what speaks plain http to the port is told so.
func TestSignInOverTLS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	g := start(t, a)
	if !strings.HasPrefix(g.URL, "https://") {
		t.Fatalf("the gateway is at %s", g.URL)
	}
	client := g.MustLogin(t)
	if status, body, err := client.Call(t.Context()); err != nil || status != http.StatusOK {
		t.Errorf("the call was answered %d %s %v", status, body, err)
	}
	metadata, err := (&http.Client{Transport: g.Transport}).Get(g.URL + "/.well-known/oauth-authorization-server")
	must(t, err)
	defer metadata.Body.Close()
	var said struct{ Issuer string }
	must(t, json.NewDecoder(metadata.Body).Decode(&said))
	if said.Issuer != g.URL {
		t.Errorf("the issuer is %q at %s", said.Issuer, g.URL)
	}
	plain, err := http.Get("http" + strings.TrimPrefix(g.MCP(), "https"))
	must(t, err)
	defer plain.Body.Close()
	if text, _ := io.ReadAll(plain.Body); plain.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "HTTPS") {
		t.Errorf("plain http was answered %d %q", plain.StatusCode, text)
	}
}

// G3, G4: certificates are renewed under traffic. No call fails, on connections that are kept nor on new ones; streams live
// on; who comes after the change is shown the new certificate, and nobody is ever shown another. A half pair, as it lies
// there between two saves, changes nothing.
func TestG3_RenewalUnderTraffic(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	g := start(t, a)
	token := g.MustLogin(t).Tokens.AccessToken
	keeps, comesAnew := a.clients()
	var least, newest atomic.Int64
	least.Store(a.last)
	newest.Store(a.last)
	old := &caller{url: g.MCP(), token: token, client: keeps, http2: true, least: &least, newest: &newest}
	anew := &caller{url: g.MCP(), token: token, client: comesAnew, least: &least, newest: &newest}
	stream := listen(t, keeps, g.MCP(), token)
	stream.goesOn(t)
	stop := until(t, old, old, anew, anew)

	for round := range 6 {
		serial, cert, key := a.issue()
		newest.Store(serial) // from now on it may be shown
		if round%2 == 1 {
			r := g.SaveAndWait("tls/cert.pem", cert, runtime.Refused)
			if len(r.Problems) != 1 || r.Problems[0].Pointer != "/tls/keyFile" {
				t.Errorf("a half pair was refused with %+v", r)
			}
			if shown := a.shown(t, g); shown != least.Load() {
				t.Errorf("with a half pair certificate %d is shown, not %d", shown, least.Load())
			}
		}
		g.Save("tls/cert.pem", cert)
		g.Save("tls/key.pem", key)
		if !gateway.Within(patience, func() bool { return g.Status().Number == uint64(round+2) }) {
			t.Fatalf("the new pair is not in use: %+v", g.Status().LastReload)
		}
		least.Store(serial) // whoever begins now must see it
		if shown := a.shown(t, g); shown != serial {
			t.Errorf("certificate %d is shown, not %d", shown, serial)
		}
		calls, others := old.calls.Load(), anew.calls.Load()
		if !gateway.Within(patience, func() bool { return old.calls.Load() > calls && anew.calls.Load() > others }) {
			t.Fatal("calls do not go on")
		}
		stream.goesOn(t)
	}
	stop()
	stream.cancel()
	if err := <-stream.ended; err != nil {
		t.Errorf("the stream ended: %v", err)
	}
	t.Logf("%d calls on kept connections, %d handshakes, %d events", old.calls.Load(), anew.calls.Load(), stream.events.Load())
}

// shown answers the serial number of the certificate that a new connection is shown.
func (a *authority) shown(t *testing.T, g *gateway.Gateway) int64 {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(g.URL, "https://"), &tls.Config{RootCAs: a.roots})
	must(t, err)
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}
