package config

import (
	"net/netip"
	"slices"
)

// readGateway reads gateway.json, or nothing.
func (b *build) readGateway() (g Gateway) {
	s := b.gateway
	g.Data = text(s.value, "data")
	g.AdminToken = text(s.value, "adminToken")
	g.PolicyMemory = b.number("policyMemoryMiB") << 20
	g.Limits, g.Timeouts, g.Log = b.readLimits(), b.readTimeouts(), b.readLog()
	g.StoreKey = b.readStoreKey()
	g.Listen, _ = b.readListen("listen")
	adminHost := ""
	g.Admin, adminHost = b.readListen("admin")
	if g.Admin != "" && !IsLoopbackHost(adminHost) && get(s.value, "adminToken") == nil {
		s.problem("/admin", `an admin listener that is not on loopback needs "adminToken"`)
	}
	if sameAddress(g.Listen, g.Admin) {
		s.problem("/admin", `is the address of "listen": operators have one of their own`)
	}
	switch origins := get(s.value, "publicUrl").(type) {
	case string:
		g.PublicURLs = b.readOrigin(nil, "/publicUrl", origins)
	case []any:
		for i, item := range origins {
			if origin, ok := item.(string); ok {
				g.PublicURLs = b.readOrigin(g.PublicURLs, at("/publicUrl", i), origin)
			}
		}
	}
	proxies, _ := get(s.value, "trustedProxies").([]any)
	for i, item := range proxies {
		if proxy, ok := item.(string); ok {
			g.TrustedProxies = b.readProxy(g.TrustedProxies, at("/trustedProxies", i), proxy)
		}
	}
	g.TLS = b.readTLS(g.PublicURLs)
	g.PublicRoutes = texts(get(s.value, "publicRoutes"))
	return g
}

// texts are the texts in a list; others stand as "", so that the places stay.
func texts(value any) (list []string) {
	items, _ := value.([]any)
	for _, item := range items {
		text, _ := item.(string)
		list = append(list, text)
	}
	return list
}

func (b *build) readListen(name string) (address, host string) {
	address, there := get(b.gateway.value, name).(string)
	host, ok := splitListen(address)
	if there && !ok {
		b.gateway.problem("/"+name, "must be HOST:PORT with a port of 0 to 65535, such as 127.0.0.1:9000")
		return "", ""
	}
	return address, host
}

func (b *build) readOrigin(origins []string, pointer, text string) []string {
	origin, fault := parseOrigin(text)
	if fault != "" {
		b.gateway.problem(pointer, "%s", fault)
		return origins
	}
	return append(origins, origin)
}

func (b *build) readProxy(proxies []netip.Prefix, pointer, text string) []netip.Prefix {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		address = address.Unmap()
		return append(proxies, netip.PrefixFrom(address, address.BitLen()))
	}
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		b.gateway.problem(pointer, "must be an IP address or a network, such as 10.0.0.0/8")
	case prefix.Masked() != prefix:
		b.gateway.problem(pointer, "must be a network without host bits: write %s", prefix.Masked())
	case !slices.Contains(proxies, prefix):
		return append(proxies, prefix)
	}
	return proxies
}
