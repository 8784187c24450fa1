package egress_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"durward/policies/oauth/internal/egress"
)

// names is a name server. What it has not been told of does not exist.
type names struct {
	mu      sync.Mutex
	answers map[string][][]netip.Addr // by name, one for each lookup, the last for all later ones
	asked   map[string]int            // lookups of IPv4 addresses
}

// resolver starts a name server and answers who asks it.
func (n *names) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	go func() {
		buffer := make([]byte, 4096)
		for {
			size, from, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			if answer, err := n.answer(buffer[:size]); err == nil {
				_, _ = socket.WriteTo(answer, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", socket.LocalAddr().String())
	}}
}

func (n *names) set(name string, answers ...[]netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.answers == nil {
		n.answers, n.asked = map[string][][]netip.Addr{}, map[string]int{}
	}
	n.answers[name+"."], n.asked[name+"."] = answers, 0
}

func (n *names) lookups(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[name+"."]
}

func (n *names) answer(query []byte) ([]byte, error) {
	var message dnsmessage.Message
	if err := message.Unpack(query); err != nil || len(message.Questions) != 1 {
		return nil, errors.New("not a question")
	}
	question := message.Questions[0]
	message.Response, message.RecursionAvailable, message.Additionals = true, true, nil
	header := dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET}
	for _, address := range n.addresses(question, &message.RCode) {
		resource := dnsmessage.Resource{Header: header}
		switch {
		case address.Is4() && question.Type == dnsmessage.TypeA:
			resource.Body = &dnsmessage.AResource{A: address.As4()}
		case address.Is6() && question.Type == dnsmessage.TypeAAAA:
			resource.Body = &dnsmessage.AAAAResource{AAAA: address.As16()}
		default:
			continue
		}
		message.Answers = append(message.Answers, resource)
	}
	return message.Pack()
}

// addresses counts a lookup when its IPv4 half is asked for: both halves of one get the same answer.
func (n *names) addresses(question dnsmessage.Question, code *dnsmessage.RCode) []netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	name := question.Name.String()
	all, ok := n.answers[name]
	if !ok {
		*code = dnsmessage.RCodeNameError
		return nil
	}
	at := n.asked[name]
	if question.Type == dnsmessage.TypeA {
		n.asked[name]++
	}
	return all[min(at, len(all)-1)]
}

// host is an https host of the name client.example.com at a loopback address. It counts the connections that it accepts.
type host struct {
	*httptest.Server
	accepted atomic.Int64
}

func newHost(t *testing.T, address string, handler http.HandlerFunc) *host {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Skipf("this machine has no %s: %v", address, err)
	}
	h := &host{Server: httptest.NewUnstartedServer(handler)}
	h.Listener.Close()
	h.Listener = counting{listener, &h.accepted}
	h.Config.ErrorLog = nil
	h.StartTLS()
	t.Cleanup(func() { h.CloseClientConnections(); h.Close() })
	return h
}

type counting struct {
	net.Listener
	accepted *atomic.Int64
}

func (l counting) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.accepted.Add(1)
	}
	return conn, err
}

func (h *host) port() string {
	u, err := url.Parse(h.URL)
	if err != nil {
		panic(err)
	}
	return u.Port()
}

func (h *host) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(h.Certificate())
	return pool
}

const client = "client.example.com"

// url is the host's under its name.
func (h *host) url() string { return "https://" + client + ":" + h.port() + "/client.json" }

// world is one host at 127.0.0.1, a name server that leads to it, and a client to which that address alone is public.
type world struct {
	*host
	names   *names
	options egress.Options
}

func newWorld(t *testing.T, handler http.HandlerFunc) *world {
	t.Helper()
	w := &world{host: newHost(t, "127.0.0.1", handler), names: &names{}}
	w.names.set(client, addresses("127.0.0.1"))
	w.options = egress.Options{
		Resolver: w.names.resolver(t), RootCAs: w.roots(), Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Timeout: 20 * time.Second,
	}
	return w
}

func addresses(texts ...string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

// get fetches from the host with the world's options.
func (w *world) get(t *testing.T) (egress.Answer, error) {
	return egress.New(w.options).Get(t.Context(), w.url(), "application/json", 5<<10)
}

func wantReason(t *testing.T, err error, want egress.Reason) *egress.Error {
	t.Helper()
	known, ok := errors.AsType[*egress.Error](err)
	if !ok || known.Reason != want {
		t.Fatalf("got %v, want %s", err, want)
	}
	return known
}

func serve(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}
