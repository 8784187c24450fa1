package cimd

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"durward/conformance/clienthost"
	"durward/conformance/gateway"
	"durward/conformance/parts"
)

// The names of the test. The host's certificate is good for both.
const (
	client = "client.example.com"
	mixed  = "mixed.example.com"
)

// named is a world whose gateway finds the addresses of names in a file of the test's own.
type named struct {
	*world
	file string
}

// startNamed starts a gateway with that file in the place of /etc/hosts, and with options.
func startNamed(t *testing.T, hosts string, options func(h *clienthost.Host) map[string]any) *named {
	t.Helper()
	n := &named{file: filepath.Join(t.TempDir(), "hosts")}
	n.names(t, hosts)
	n.world = start(t, func(w *world) {
		w.SetOption(t, "gateway", options(w.host))
		w.Under(parts.Unshare(t), "-Urm", "sh", "-ec", `mount --bind "$0" /etc/hosts; exec "$@"`, n.file)
	})
	return n
}

// names writes the file anew, in its place: it is mounted there.
func (n *named) names(t *testing.T, hosts string) {
	t.Helper()
	if err := os.WriteFile(n.file, []byte(hosts), 0o600); err != nil {
		t.Fatal(err)
	}
}

// at publishes a document under a name that leads to the host, or is said to.
func (n *named) at(name, path string) *app {
	id := strings.Replace(n.host.URL, "127.0.0.1", name, 1) + path
	n.host.SetDocument(path, http.StatusOK, http.Header{"Cache-Control": {"no-store"}}, clienthost.Document(id, nil))
	return &app{w: n.world, id: id}
}

// port is the host's.
func (n *named) port(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(n.host.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

const nobody = "nobody answers at a public address of its host"

// A name is judged by where it leads at the moment of the connection (S35). One address of this machine is public here and
// all others are not: so it is seen at the socket which of them were connected to.
func TestNamesThatMove(t *testing.T) {
	t.Parallel()
	n := startNamed(t, "127.0.0.1 "+client+" "+mixed+"\n127.0.0.2 "+mixed+"\n10.255.255.1 "+mixed+"\n",
		func(h *clienthost.Host) map[string]any {
			return map[string]any{"cimdDevelopment": map[string]any{"caFile": h.CAFile, "addresses": []string{"127.0.0.1/32"}}}
		})
	inner := clienthost.At(t, "127.0.0.2:"+n.port(t))
	for _, name := range []string{client, mixed} {
		a := n.at(name, "/moves/"+name)
		a.works(t, name, a.signIn(t, n.Person(t, "Ada Lovelace")).Access, true)
	}
	n.names(t, "127.0.0.2 "+client+" "+mixed+"\n") // and now they lead inward
	// Go's resolver looks at the file every five seconds; until then the names lead where they did.
	if a := n.at(client, "/moves/"+client); !gateway.Within(15*time.Second, func() bool { return a.open(t) != nil }) {
		t.Fatal("the name has not moved")
	}
	for _, name := range []string{client, mixed} {
		n.at(name, "/moves/"+name).refusedPage(t, name+", which has moved", http.StatusServiceUnavailable, nobody)
	}
	if got := inner.Accepted(); got != 0 {
		t.Errorf("%d connections arrived at the address that is not public", got)
	}
}

// Without the option for development no name of this machine or its network is connected to, whatever it is called (S34).
func TestNamesOfThisMachine(t *testing.T) {
	t.Parallel()
	n := startNamed(t, "127.0.0.1 localhost intranet "+client+"\n::1 "+mixed+"\n",
		func(*clienthost.Host) map[string]any { return map[string]any{} })
	for _, name := range []string{client, mixed} {
		n.at(name, "/inner/"+name).refusedPage(t, name, http.StatusServiceUnavailable, nobody)
	}
	for _, name := range []string{"localhost", "intranet"} {
		n.at(name, "/inner/"+name).refusedPage(t, name, http.StatusBadRequest, "client_id has a host that is not a public name")
	}
	if got := n.host.Accepted(); got != 0 {
		t.Errorf("%d connections arrived", got)
	}
}

func encode(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// get fetches a JSON document.
func get(t *testing.T, address string, into any) {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatalf("%s: %v", address, err)
	}
}
