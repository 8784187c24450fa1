package runtime

import (
	"bytes"
	"cmp"
	"fmt"
	"net"
	"time"

	"durward/runtime/internal/config"
)

// settings are what cannot change while the host runs: what it has opened is open, and connections keep the bounds that
// they were taken with (docs/adr/0016).
type settings struct {
	listen, admin, data string
	tls                 bool
	// storeKey is a secret; nil is the key beside the data.
	storeKey         []byte
	headerBytes      int
	readHeader, idle time.Duration
}

// settings answers where to listen and keep data, and how: what Options say, else gateway.json, else the default. A
// listener that was given is where it is, whatever anything says.
func (o Options) settings(cfg *config.Config) settings {
	g := &cfg.Gateway
	s := settings{
		listen:      cmp.Or(given(o.Listener), o.Listen, g.Listen, DefaultListen),
		admin:       cmp.Or(given(o.AdminListener), o.Admin, g.Admin, DefaultAdmin),
		data:        cmp.Or(o.Data, g.Data, DefaultData),
		tls:         g.TLS != nil,
		storeKey:    g.StoreKey,
		headerBytes: cmp.Or(g.Limits.HeaderBytes, DefaultHeaderBytes),
		readHeader:  cmp.Or(g.Timeouts.ReadHeader, DefaultReadHeader),
		idle:        cmp.Or(g.Timeouts.Idle, DefaultIdle),
	}
	if o.StoreKey != nil {
		s.storeKey = o.StoreKey
	}
	return s
}

// given is where a listener is that was given; "" if none was.
func given(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}

// check refuses an admin listener that others can reach without a token. gateway.json is held to the same rule when it
// is read; a flag or a variable may have said otherwise.
func (s settings) check(cfg *config.Config) error {
	host, _, err := net.SplitHostPort(s.admin)
	if err != nil || config.IsLoopbackHost(host) || cfg.Gateway.AdminToken != "" {
		return nil
	}
	return fmt.Errorf("listen for admin on %s: it is not a loopback address, so gateway.json must set adminToken", s.admin)
}

// fixed tells, one by one, what next has otherwise. Of the store's key it tells nothing but that.
func (s settings) fixed(next settings) (refusals []string) {
	for _, o := range []struct {
		name    string
		was, is any
	}{
		{"listen", s.listen, next.listen}, {"admin", s.admin, next.admin}, {"data", s.data, next.data},
		{"limits.headerBytes", s.headerBytes, next.headerBytes},
		{"timeouts.readHeaderSeconds", s.readHeader, next.readHeader}, {"timeouts.idleSeconds", s.idle, next.idle},
	} {
		if o.was != o.is {
			refusals = append(refusals, cannotChange(o.name, fmt.Sprintf(" (%s -> %s)", shown(o.was), shown(o.is))))
		}
	}
	switch {
	case s.tls && !next.tls:
		refusals = append(refusals, cannotChange("tls", " (https -> http)"))
	case !s.tls && next.tls:
		refusals = append(refusals, cannotChange("tls", " (http -> https)"))
	}
	if !bytes.Equal(s.storeKey, next.storeKey) {
		refusals = append(refusals, cannotChange("store.key", ""))
	}
	return refusals
}

// shown is a setting as an operator writes it.
func shown(value any) string {
	switch v := value.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case time.Duration:
		return fmt.Sprint(int64(v / time.Second))
	}
	return fmt.Sprint(value)
}

func cannotChange(name, how string) string {
	return name + " cannot change while the gateway runs" + how + ": restart it, or take the change back"
}

// bounds are what requests are held to. They are a generation's own, and change with it.
type bounds struct {
	drain, policyWait time.Duration
	requestBytes      int64
	requestBody       time.Duration
	connect, answer   time.Duration // of upstreams; answer 0: none
	streams           int64         // 0: none
}

// bounds answers what Options say, else gateway.json, else the default.
func (o Options) bounds(cfg *config.Config) bounds {
	limits, timeouts := &cfg.Gateway.Limits, &cfg.Gateway.Timeouts
	return bounds{
		drain:        cmp.Or(o.Drain, timeouts.Drain, DefaultDrain),
		policyWait:   cmp.Or(o.PolicyWait, timeouts.PolicyWait, DefaultPolicyWait),
		requestBytes: cmp.Or(limits.RequestBytes, DefaultRequestBytes),
		requestBody:  cmp.Or(timeouts.RequestBody, DefaultRequestBody),
		connect:      cmp.Or(timeouts.UpstreamConnect, DefaultUpstreamConnect),
		answer:       timeouts.UpstreamResponse,
		streams:      limits.Streams,
	}
}

// follow has the rest of the host go by a generation that is about to be put to use: whoever sees its number sees all of it.
func (h *Host) follow(g *running) {
	h.plugins.SetRestartWait(g.bounds.policyWait)
	h.show(g.config)
	h.logAs(g.config)
}

// show has new connections see the certificate of a configuration, if it has one.
func (h *Host) show(cfg *config.Config) {
	if t := cfg.Gateway.TLS; t != nil {
		h.certificate.show(&t.Certificate)
	}
}

// logAs tells what is to be logged from now on.
func (h *Host) logAs(cfg *config.Config) {
	h.options.OnLog(LogSettings{Level: cfg.Gateway.Log.Level, Format: cmp.Or(cfg.Gateway.Log.Format, "json")})
}
