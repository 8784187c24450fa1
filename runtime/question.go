package runtime

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"durward/runtime/internal/config"
)

// Question is a request as a client would make it.
type Question struct {
	Method string
	// URL is absolute, or a path alone: then it is asked of the gateway's own origin.
	URL string
	// Origin is the header of that name, of a request that a page makes; "" is none.
	Origin string
}

// asked is a question as the gateway would be asked it.
type asked struct {
	*http.Request
	url *url.URL // as the client has it
}

// request makes the request of the question, as it would arrive: straight from the client, or through a proxy that is
// trusted, if there is one.
func (q Question) request(cfg *config.Config, s settings) (asked, error) {
	text := q.URL
	if strings.HasPrefix(text, "/") {
		text = ownOrigin(cfg, s) + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return asked{}, fmt.Errorf("%q is no URL that a client could ask: write http://HOST/PATH, https://HOST/PATH or /PATH", q.URL)
	}
	target, err := url.ParseRequestURI(u.RequestURI())
	if err != nil {
		return asked{}, fmt.Errorf("read path of %q: %w", q.URL, err)
	}
	r, err := http.NewRequest(strings.ToUpper(q.Method), "http://"+u.Host, nil)
	if err != nil {
		return asked{}, fmt.Errorf("%q is no method of HTTP", q.Method)
	}
	r.URL, r.RemoteAddr = target, "127.0.0.1:1"
	if q.Origin != "" {
		r.Header.Set("Origin", q.Origin)
	}
	if proxies := cfg.Gateway.TrustedProxies; len(proxies) > 0 {
		r.RemoteAddr = proxies[0].Addr().String() + ":1"
		if proxies[0].Addr().Is6() {
			r.RemoteAddr = "[" + proxies[0].Addr().String() + "]:1"
		}
		r.Header.Set("X-Forwarded-Proto", u.Scheme)
	}
	r.TLS = s.connection()
	return asked{r, u}, nil
}

// ownOrigin is the gateway's own origin: the first public one, or else where it listens.
func ownOrigin(cfg *config.Config, s settings) string {
	if public := cfg.Gateway.PublicURLs; len(public) > 0 {
		return public[0]
	}
	return s.scheme() + "://" + s.reachable()
}

// scheme is what the listener for clients speaks.
func (s settings) scheme() string {
	if s.tls {
		return "https"
	}
	return "http"
}

// connection is how a request's connection is encrypted where it arrives.
func (s settings) connection() *tls.ConnectionState {
	if s.tls {
		return &tls.ConnectionState{}
	}
	return nil
}

// reachable is where a client on this machine finds the listener: HOST:PORT.
func (s settings) reachable() string {
	host, port, err := net.SplitHostPort(s.listen)
	if err != nil {
		return s.listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// isLoopbackListen tells of HOST:PORT whether this machine alone could reach it.
func isLoopbackListen(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err == nil && config.IsLoopbackHost(host)
}
