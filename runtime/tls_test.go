package runtime_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"durward/runtime"
)

// pair is a certificate for loopback addresses, signed by itself, and its key, as PEM.
type pair struct{ cert, key []byte }

func newPair(t testing.TB, serial int64) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pair{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: inner})}
}

// write puts the pair into the world's folder.
func (w *world) write(p pair) {
	w.t.Helper()
	for name, content := range map[string][]byte{"cert.pem": p.cert, "key.pem": p.key} {
		if err := os.WriteFile(filepath.Join(w.dir, name), content, 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
}

// startTLS is start with a pair, whose client trusts it and the others.
func startTLS(t *testing.T, first pair, others []pair, edit func(*world), change ...func(*runtime.Options)) *world {
	t.Helper()
	w := start(t, func(w *world) {
		w.write(first)
		w.setup.gateway["tls"] = map[string]any{
			"certFile": filepath.Join(w.dir, "cert.pem"), "keyFile": filepath.Join(w.dir, "key.pem"),
		}
		if edit != nil {
			edit(w)
		}
	}, change...)
	roots := x509.NewCertPool()
	for _, p := range append(others, first) {
		roots.AppendCertsFromPEM(p.cert)
	}
	w.public = "https://" + w.host.Addr().String()
	w.client.Transport = &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, ClientSessionCache: tls.NewLRUClientSessionCache(8)},
		ForceAttemptHTTP2: true,
	}
	return w
}

// serial answers which certificate a new connection is shown, and whether the session of an earlier one was taken up.
func (w *world) serial() (serial int64, resumed bool) {
	w.t.Helper()
	conn, err := tls.Dial("tcp", w.host.Addr().String(), w.client.Transport.(*http.Transport).TLSClientConfig)
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
		w.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, conn) // with the answer comes the ticket of the session
	state := conn.ConnectionState()
	return state.PeerCertificates[0].SerialNumber.Int64(), state.DidResume
}

func TestTLS(t *testing.T) {
	t.Parallel()
	w := startTLS(t, newPair(t, 1), nil, nil)
	w.call("one")

	t.Run("HTTP/2, and the origin is https", func(t *testing.T) {
		answer, err := w.client.Do(w.request(http.MethodGet, "/a/echo", ""))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if cookie := answer.Header.Get("Set-Cookie"); answer.ProtoMajor != 2 || !strings.HasPrefix(cookie, "__Host-dw-a-mine") {
			t.Errorf("answered over %s, with the cookie %q", answer.Proto, cookie)
		}
	})
	t.Run("plain http", func(t *testing.T) {
		answer, err := http.Get("http://" + w.host.Addr().String() + "/mcp/one")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "HTTPS") {
			t.Errorf("answered %d %q", answer.StatusCode, text)
		}
	})
	t.Run("TLS 1.1", func(t *testing.T) {
		_, err := tls.Dial("tcp", w.host.Addr().String(), &tls.Config{
			InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11, // it must be refused
		})
		if err == nil {
			t.Error("it was spoken")
		}
	})
}

// A new pair is shown to those who come from then on, those who have been here before included. One that is none changes
// nothing.
func TestTLSNewPair(t *testing.T) {
	t.Parallel()
	first, second := newPair(t, 1), newPair(t, 2)
	w := startTLS(t, first, []pair{second}, func(w *world) { w.setup.route("one").upstream = w.upstream.URL + "/stream/one" })
	stream := w.listen("one")
	if serial, _ := w.serial(); serial != 1 {
		t.Fatalf("certificate %d is shown", serial)
	}
	if serial, resumed := w.serial(); serial != 1 || !resumed {
		t.Errorf("a session is not taken up again: certificate %d, resumed %v", serial, resumed)
	}

	w.write(pair{second.cert, first.key})
	r := w.reload(runtime.Refused, nil)
	if len(r.Problems) != 1 || r.Problems[0].Pointer != "/tls/keyFile" {
		t.Errorf("a pair that is none was refused with %v", r.Problems)
	}
	if serial, _ := w.serial(); serial != 1 {
		t.Errorf("after a bad pair certificate %d is shown", serial)
	}

	w.write(second)
	r = w.reload(runtime.Applied, nil)
	if len(r.Changes.Gateway) != 1 || r.Changes.Gateway[0].What != "certificate" || len(r.Changes.Routes)+len(r.Changes.Policies) != 0 {
		t.Errorf("a new pair changes %+v", r.Changes)
	}
	if serial, resumed := w.serial(); serial != 2 || resumed {
		t.Errorf("after a new pair certificate %d is shown, resumed %v", serial, resumed)
	}
	stream.pass(t, "the stream lives on")
	w.reload(runtime.Unchanged, nil)
}

// Sockets that somebody else keeps speak TLS as well.
func TestTLSOnAListenerThatIsGiven(t *testing.T) {
	t.Parallel()
	w := startTLS(t, newPair(t, 1), nil, nil, func(o *runtime.Options) { o.Listener = listener(t, "tcp", "127.0.0.1:0") })
	w.call("one")
}

// At the end connections of HTTP/2 are told, too, that their answer was the last.
func TestTLSEnd(t *testing.T) {
	t.Parallel()
	w := startTLS(t, newPair(t, 1), nil, func(w *world) { w.setup.route("one").upstream = w.upstream.URL + "/wait/one" },
		func(o *runtime.Options) { o.Drain = patience })
	answered := make(chan reply)
	go func() { answered <- w.send(http.MethodPost, "/mcp/one", ping, "Authorization", "Bearer good") }()
	call := w.upstream.next(t)
	w.stop()
	call.send <- `{"jsonrpc":"2.0","id":1,"result":{}}`
	if r := <-answered; r.status != http.StatusOK || !strings.Contains(r.body, "result") {
		t.Errorf("the call in flight was answered %d %s", r.status, r.body)
	}
	err := <-w.ended
	w.ended <- err
}

// What cannot change is refused by name, and of a key nothing else is told.
func TestG2_SettingsThatStay(t *testing.T) {
	t.Parallel()
	const key, other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="
	w := startTLS(t, newPair(t, 1), nil, func(w *world) { w.setup.gateway["store"] = map[string]any{"key": key} })
	if _, err := os.Stat(filepath.Join(w.dir, "data", "store.key")); err == nil {
		t.Error("with a key in gateway.json there is one beside the data, too")
	}
	for _, row := range []struct {
		name string
		edit func(gateway map[string]any)
		want string
	}{
		{"no TLS", func(g map[string]any) { delete(g, "tls") }, "tls cannot change while the gateway runs (https -> http): "},
		{"another key", func(g map[string]any) { g["store"] = map[string]any{"key": other} }, "store.key cannot change while the gateway runs: "},
		{"no key", func(g map[string]any) { delete(g, "store") }, "store.key cannot change while the gateway runs: "},
		{"header", func(g map[string]any) { g["limits"] = map[string]any{"headerBytes": 8192} },
			"limits.headerBytes cannot change while the gateway runs (65536 -> 8192): "},
		{"two time-outs", func(g map[string]any) { g["timeouts"] = map[string]any{"readHeaderSeconds": 5, "idleSeconds": 60} },
			"timeouts.readHeaderSeconds cannot change while the gateway runs (10 -> 5): restart it, or take the change back; " +
				"timeouts.idleSeconds cannot change while the gateway runs (120 -> 60): "},
	} {
		t.Run(row.name, func(t *testing.T) {
			was := maps.Clone(w.setup.gateway)
			r := w.reload(runtime.Refused, func(s *setup) { row.edit(s.gateway) })
			if !strings.HasPrefix(r.Error, row.want) || strings.Contains(r.Error, "AAAA") {
				t.Errorf("it was refused with %q", r.Error)
			}
			w.reload(runtime.Unchanged, func(s *setup) { s.gateway = was })
		})
	}
}

// A key that does not open the store is told at the start, with where it comes from; nothing is served.
func TestStoreKeyOfAnotherStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(key string) error {
		host, err := runtime.New(runtime.Options{Config: "none", Data: filepath.Join(dir, "data"), Fallback: fstest.MapFS{
			"policies.json":   {Data: []byte(`{"policies": []}`)},
			"routes.oas.json": {Data: []byte(`{"openapi": "3.1.0", "paths": {}}`)},
			"gateway.json":    {Data: []byte(`{"listen": "127.0.0.1:0", "admin": "127.0.0.1:0", "store": {"key": "$env(KEY)"}}`)},
		}, LookupEnv: func(name string) (string, bool) { return key, name == "KEY" }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() {
			select {
			case <-host.Ready():
				stop()
			case <-ctx.Done():
			}
		}()
		return host.Run(ctx)
	}
	const key, other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="
	for range 2 {
		if err := run(key); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "data")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data folder: %v, %v", info, err)
	}
	err := run(other)
	if err == nil || !strings.Contains(err.Error(), "the configured store key (store.key in gateway.json) is not the one") ||
		strings.Contains(err.Error(), "AAAA") {
		t.Errorf("with another key: %v", err)
	}
	err = run(key[4:])
	want := "built-in config/gateway.json:1:68: /store/key: must be 32 bytes in base64, as `openssl rand -base64 32` makes them: " +
		"43 letters, digits, + and /, and then = (this value is a string that comes from $env(KEY))"
	if err == nil || err.Error() != want {
		t.Errorf("with half a key: %v", err)
	}
}

// Adding TLS needs a restart as well: clients speak plain http to the address.
func TestG2_TLSIsNotAdded(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	w.write(newPair(t, 1))
	r := w.reload(runtime.Refused, func(s *setup) {
		s.gateway["tls"] = map[string]any{"certFile": filepath.Join(w.dir, "cert.pem"), "keyFile": filepath.Join(w.dir, "key.pem")}
	})
	if !strings.HasPrefix(r.Error, "tls cannot change while the gateway runs (http -> https): ") {
		t.Errorf("it was refused with %q", r.Error)
	}
	w.call("one")
}

// headLine reads the first line of an answer.
func headLine(t *testing.T, conn net.Conn) string {
	t.Helper()
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	return strings.TrimSpace(line)
}
