package egress_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"durward/policies/oauth/internal/egress"
)

func TestGet(t *testing.T) {
	seen := make(chan *http.Request, 1)
	w := newWorld(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = w.Write([]byte("{}"))
	})
	c := egress.New(w.options)
	for range 2 {
		answer, err := c.Get(t.Context(), w.url(), "application/json", 2)
		if err != nil || string(answer.Body) != "{}" || answer.Header.Get("Cache-Control") != "max-age=60" {
			t.Fatalf("got %q %v, %v", answer.Body, answer.Header, err)
		}
		r := <-seen
		want := http.Header{
			"Accept": {"application/json"}, "Accept-Encoding": {"identity"}, "User-Agent": {"durward"}, "Connection": {"close"},
		}
		if fmt.Sprint(r.Header) != fmt.Sprint(want) || r.Host != client+":"+w.port() || r.TLS.ServerName != client ||
			r.Method != http.MethodGet || r.RequestURI != "/client.json" || r.ProtoMajor != 1 {
			t.Errorf("the host was asked %s %s %s of %s with %v", r.Method, r.RequestURI, r.Proto, r.Host, r.Header)
		}
	}
	if n := w.accepted.Load(); n != 2 {
		t.Errorf("two fetches made %d connections", n) // none is kept: a kept one would lead where a name has been
	}
}

// The environment's proxy would resolve the name itself, out of our sight.
func TestNoProxy(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	w := newWorld(t, serve("{}"))
	if _, err := w.get(t); err != nil {
		t.Error(err)
	}
}

// A name that leads to a public address when it is first looked up, and then to one that is not (S35). The name is asked
// for once a fetch, and what the answer says is what is judged and dialed.
func TestRebinding(t *testing.T) {
	w := newWorld(t, serve("{}"))
	inner := newHost(t, "127.0.0.2", serve("secret"))
	w.names.set(client, addresses("127.0.0.1"), addresses("127.0.0.2"))
	c := egress.New(w.options)
	if _, err := c.Get(t.Context(), w.url(), "*/*", 10); err != nil {
		t.Fatal(err)
	}
	if n := w.names.lookups(client); n != 1 {
		t.Errorf("the name was looked up %d times for one fetch", n)
	}
	_, err := c.Get(t.Context(), inner.url(), "*/*", 10)
	wantReason(t, err, egress.Forbidden)
	if n := inner.accepted.Load(); n != 0 {
		t.Errorf("%d connections arrived at the address that is not public", n)
	}
}

// Of the addresses of a name those that are not public are passed over, wherever they stand (S35).
func TestMixedRecords(t *testing.T) {
	inner := newHost(t, "127.0.0.2", serve("secret"))
	w := newWorld(t, serve("{}"))
	c := egress.New(w.options)
	for _, mixed := range [][]string{
		{"10.0.0.1", "127.0.0.1"}, {"127.0.0.1", "169.254.169.254"}, {"::1", "127.0.0.1"},
		{"fd00:ec2::254", "64:ff9b::7f00:1", "127.0.0.2", "127.0.0.1", "127.0.0.2"},
	} {
		w.names.set(client, addresses(mixed...))
		if answer, err := c.Get(t.Context(), w.url(), "*/*", 10); err != nil || string(answer.Body) != "{}" {
			t.Errorf("%v: %q, %v", mixed, answer.Body, err)
		}
		w.names.set(client, addresses(mixed...))
		if _, err := c.Get(t.Context(), inner.url(), "*/*", 10); err == nil {
			t.Errorf("%v: fetched from a port where nobody is", mixed)
		}
	}
	if n := inner.accepted.Load(); n != 0 {
		t.Errorf("%d connections arrived at an address that is not public", n)
	}
}

// Names of the own machine and network lead nowhere, and not to listeners that are there (S34).
func TestNoConnection(t *testing.T) {
	for _, at := range []string{"127.0.0.1", "::1", "127.0.0.2"} {
		t.Run(at, func(t *testing.T) {
			inner := newHost(t, at, serve("secret"))
			w := &names{}
			w.set(client, addresses(at))
			c := egress.New(egress.Options{Resolver: w.resolver(t), RootCAs: inner.roots()})
			_, err := c.Get(t.Context(), inner.url(), "*/*", 10)
			wantReason(t, err, egress.Forbidden)
			for _, literal := range []string{"127.0.0.1", "[::1]", "127.0.0.2", "localhost", "[::ffff:127.0.0.1]", "2130706433"} {
				_, err := c.Get(t.Context(), "https://"+literal+":"+inner.port()+"/", "*/*", 10)
				wantReason(t, err, egress.Refused)
			}
			if n := inner.accepted.Load(); n != 0 {
				t.Errorf("%d connections arrived", n)
			}
		})
	}
}

// What a stranger is told does not tell names and addresses of this network apart.
func TestNoOracle(t *testing.T) {
	w := newWorld(t, serve("{}"))
	free := newHost(t, "127.0.0.1", serve("{}"))
	nobody := free.url()
	free.Close() // nobody listens there now
	c := egress.New(w.options)
	var texts []string
	for name, records := range map[string][]string{
		"absent.example.com": nil, "inner.example.com": {"10.0.0.1"}, "inner6.example.com": {"fd00::1"},
	} {
		if records != nil {
			w.names.set(name, addresses(records...))
		}
		_, err := c.Get(t.Context(), "https://"+name+"/", "*/*", 10)
		texts = append(texts, err.(*egress.Error).Text())
	}
	_, err := c.Get(t.Context(), nobody, "*/*", 10)
	texts = append(texts, wantReason(t, err, egress.Unreachable).Text())
	for _, text := range texts {
		if text != texts[0] || strings.Contains(text, "10.") {
			t.Errorf("the texts differ: %q", texts)
		}
	}
}

// A redirect into each range that is forbidden, and to a public host, leads nowhere (S36).
func TestRedirects(t *testing.T) {
	to := ""
	inner := newHost(t, "127.0.0.2", serve("secret"))
	other := newHost(t, "127.0.0.1", serve("{}"))
	w := newWorld(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })
	c := egress.New(w.options)
	targets := []string{"https://" + inner.Listener.Addr().String() + "/", other.url(), "/client.json", "//10.0.0.1/", "http://10.0.0.1/"}
	for _, prefix := range registry(t) {
		if address := prefix.Addr(); address.Is6() {
			targets = append(targets, "https://["+address.String()+"]/")
		} else {
			targets = append(targets, "https://"+address.String()+"/")
		}
	}
	for _, to = range targets {
		_, err := c.Get(t.Context(), w.url(), "*/*", 10)
		if known := wantReason(t, err, egress.BadStatus); known.Status != http.StatusFound {
			t.Errorf("redirect to %s: %v", to, err)
		}
	}
	if got := int(w.accepted.Load()); got != len(targets) || inner.accepted.Load()+other.accepted.Load() != 0 {
		t.Errorf("%d fetches made %d connections, %d to the redirects' targets", len(targets), got,
			inner.accepted.Load()+other.accepted.Load())
	}
}

func TestStatus(t *testing.T) {
	status := 0
	w := newWorld(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	c := egress.New(w.options)
	for _, status = range []int{201, 202, 203, 204, 206, 226, 300, 301, 303, 304, 307, 308, 400, 401, 403, 404, 410, 429, 500, 503, 599} {
		_, err := c.Get(t.Context(), w.url(), "*/*", 10)
		if known := wantReason(t, err, egress.BadStatus); known.Status != status {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

// TLS is spoken to the host that the URL names, with somebody that the roots vouch for.
func TestCertificates(t *testing.T) {
	w := newWorld(t, serve("{}"))
	for name, of := range map[string]func(o *egress.Options) (host string){
		"another name":      func(*egress.Options) string { return "client.example.net" },
		"the bare address":  func(o *egress.Options) string { o.RootCAs = nil; return "127.0.0.1" },
		"the system's root": func(o *egress.Options) string { o.RootCAs = nil; return client },
	} {
		options := w.options
		host := of(&options)
		w.names.set(host, addresses("127.0.0.1"))
		_, err := egress.New(options).Get(t.Context(), "https://"+host+":"+w.port()+"/", "*/*", 10)
		if known := wantReason(t, err, egress.Insecure); !strings.Contains(known.Text(), "certificate") {
			t.Errorf("%s: %s", name, known.Text())
		}
	}
}

// What is not asked for compressed is not taken compressed: it would be as large as the host likes (S38).
func TestCompressed(t *testing.T) {
	encoding := ""
	w := newWorld(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", encoding)
		bomb := gzip.NewWriter(w)
		_, _ = bomb.Write(make([]byte, 1<<20))
		_ = bomb.Close()
	})
	for _, encoding = range []string{"gzip", "GZIP", "deflate", "br", "x-gzip, identity", "unheard-of"} {
		_, err := w.get(t)
		wantReason(t, err, egress.Encoded)
	}
}

func TestSize(t *testing.T) {
	var handler http.HandlerFunc
	w := newWorld(t, func(w http.ResponseWriter, r *http.Request) { handler(w, r) })
	c := egress.New(w.options)
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    egress.Reason
	}{
		"at the limit":   {serve(strings.Repeat("x", 1000)), ""},
		"over the limit": {serve(strings.Repeat("x", 1001)), egress.Oversized},
		"a length that is not true": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000000000")
			_, _ = w.Write([]byte("x"))
		}, egress.Oversized},
		"a length that is not reached": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "900")
			_, _ = w.Write([]byte("x"))
		}, egress.Broken},
		"without end": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write(make([]byte, 1<<10))
				_ = http.NewResponseController(w).Flush()
			}
		}, egress.Oversized},
	} {
		handler = test.handler
		answer, err := c.Get(t.Context(), w.url(), "*/*", 1000)
		if test.want == "" {
			if err != nil || len(answer.Body) != 1000 {
				t.Errorf("%s: %d bytes, %v", name, len(answer.Body), err)
			}
			continue
		}
		if known, ok := errors.AsType[*egress.Error](err); !ok || known.Reason != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

// raw answers with what write writes to the connection, over TLS, until it can write no more.
func raw(write func(put func(string) bool)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		write(func(text string) bool { _, err := conn.Write([]byte(text)); return err == nil })
	}
}

// Answers that never end their headers, in each way that there is (S38).
func TestEndlessHeaders(t *testing.T) {
	for name, write := range map[string]func(put func(string) bool){
		"many headers": func(put func(string) bool) {
			for ok, i := put("HTTP/1.1 200 OK\r\n"), 0; ok; i++ {
				ok = put(fmt.Sprintf("X-%d: %d\r\n", i, i))
			}
		},
		"one long header": func(put func(string) bool) {
			for ok := put("HTTP/1.1 200 OK\r\nX: "); ok; {
				ok = put(strings.Repeat("x", 1000))
			}
		},
		"a long status": func(put func(string) bool) {
			for ok := put("HTTP/1.1 200 "); ok; {
				ok = put(strings.Repeat("x", 1000))
			}
		},
		"interim answers": func(put func(string) bool) {
			for put("HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n") {
			}
		},
		"continue": func(put func(string) bool) {
			for put("HTTP/1.1 100 Continue\r\n\r\n") {
			}
		},
		"no HTTP": func(put func(string) bool) {
			for put("SSH-2.0-OpenSSH_9.9\r\n") {
			}
		},
		"trailers": func(put func(string) bool) {
			for ok := put("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"); ok; {
				ok = put("X: " + strings.Repeat("x", 1000) + "\r\n")
			}
		},
		"chunks' extensions": func(put func(string) bool) {
			for ok := put("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"); ok; {
				ok = put("1;" + strings.Repeat("x", 4000) + "\r\nx\r\n")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, raw(write))
			_, err := w.get(t)
			if known, ok := errors.AsType[*egress.Error](err); !ok || known.Reason != egress.Broken && known.Reason != egress.Oversized {
				t.Errorf("got %v", err)
			}
		})
	}
}

// How much of headers is read, those of answers that go before included.
func TestHeaderSize(t *testing.T) {
	for size, want := range map[int]egress.Reason{12 << 10: "", 18 << 10: egress.Broken} {
		header := "X: " + strings.Repeat("x", size/2) + "\r\n"
		w := newWorld(t, raw(func(put func(string) bool) {
			put("HTTP/1.1 103 Early Hints\r\n" + header + "\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + header + "\r\n{}")
		}))
		_, err := w.get(t)
		if want == "" && err != nil {
			t.Errorf("%d bytes: %v", size, err)
		} else if want != "" {
			wantReason(t, err, want)
		}
	}
}

// However slowly a host answers, the fetch ends when its time is over (S38).
func TestSlowHosts(t *testing.T) {
	dribble := func(put func(string) bool, text string) {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for put(text) {
			<-tick.C
		}
	}
	for name, write := range map[string]func(put func(string) bool){
		"no answer": func(put func(string) bool) { dribble(put, "") },
		"a slow status": func(put func(string) bool) {
			put("HTTP/1.1 200 ")
			dribble(put, "x")
		},
		"a slow body": func(put func(string) bool) {
			put("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
			dribble(put, "x")
		},
		"slow chunks": func(put func(string) bool) {
			put("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			dribble(put, "1\r\nx\r\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, raw(write))
			w.options.Timeout = 300 * time.Millisecond
			began := time.Now()
			_, err := w.get(t)
			wantReason(t, err, egress.Slow)
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// A name server that never answers takes no longer either.
func TestSlowNames(t *testing.T) {
	w := newWorld(t, serve("{}"))
	w.options.Timeout = 100 * time.Millisecond
	w.names.mu.Lock() // it waits for this
	_, err := w.get(t)
	w.names.mu.Unlock()
	wantReason(t, err, egress.Slow)
}

// Slow hosts keep nobody else waiting, and no more than two are asked of one host at once.
func TestGate(t *testing.T) {
	arrived, leave := make(chan struct{}, 10), make(chan struct{})
	slow := newWorld(t, func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-leave
		_, _ = w.Write([]byte("{}"))
	})
	quick := newHost(t, "127.0.0.1", serve("{}"))
	slow.names.set("quick.example.com", addresses("127.0.0.1"))
	c := egress.New(slow.options)
	var fetches sync.WaitGroup
	for range 3 {
		fetches.Go(func() {
			if _, err := c.Get(t.Context(), slow.url(), "*/*", 10); err != nil {
				t.Error(err)
			}
		})
	}
	<-arrived
	<-arrived
	if _, err := c.Get(t.Context(), "https://quick.example.com:"+quick.port()+"/", "*/*", 10); err != nil {
		t.Error(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Get(short, slow.url(), "*/*", 10)
	wantReason(t, err, egress.Busy)
	if n := slow.accepted.Load(); n != 2 {
		t.Errorf("%d fetches were made at once", n)
	}
	close(leave)
	fetches.Wait()
}

// With development ranges localhost is a host, and what is not in the ranges stays out.
func TestDevelopment(t *testing.T) {
	w := newWorld(t, serve("{}"))
	c := egress.New(w.options)
	if _, err := c.Get(t.Context(), "https://127.0.0.1:"+w.port()+"/", "*/*", 10); err != nil {
		t.Error(err)
	}
	if err := c.Check("https://localhost:1/"); err != nil {
		t.Error(err)
	}
	for _, host := range []string{"127.0.0.2", "10.0.0.1", "[::1]", "metadata", "localhost.", "LOCALHOST"} {
		wantReason(t, c.Check("https://"+host+"/"), egress.Refused)
	}
	c = egress.New(egress.Options{Allowed: []netip.Prefix{netip.MustParsePrefix("::1/128")}})
	if err := c.Check("https://[::1]/"); err != nil {
		t.Error(err)
	}
	wantReason(t, c.Check("https://127.0.0.1/"), egress.Refused)
}
