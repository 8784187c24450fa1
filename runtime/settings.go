package runtime

import (
	"fmt"
	"net"

	"durward/runtime/internal/config"
)

// settings are what cannot change while the host runs.
type settings struct{ listen, admin, data string }

// settings answers where to listen and keep data: what Options say, else gateway.json, else the default. A listener that
// was given is where it is, whatever anything says.
func (o Options) settings(cfg *config.Config) settings {
	first := func(values ...string) string {
		for _, v := range values {
			if v != "" {
				return v
			}
		}
		return ""
	}
	return settings{
		listen: first(given(o.Listener), o.Listen, cfg.Gateway.Listen, DefaultListen),
		admin:  first(given(o.AdminListener), o.Admin, cfg.Gateway.Admin, DefaultAdmin),
		data:   first(o.Data, cfg.Gateway.Data, DefaultData),
	}
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
