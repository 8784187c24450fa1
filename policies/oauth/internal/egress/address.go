package egress

import (
	"net/netip"

	"code.dny.dev/ssrf"
)

// alsoDenied are addresses that are nobody's on the internet though no registry of special use has them.
func alsoDenied() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("168.63.129.16/32"), // the host of a virtual machine at Azure, which hands out its secrets
	}
}

// newGuardian makes the judge of addresses. It lets through what is public: IPv4 outside of the special-purpose registry
// and multicast, IPv6 inside of 2000::/3 and outside of the registry. So IPv4-mapped and -compatible addresses, both
// prefixes of NAT64, unique local, link-local, site-local and multicast addresses are out, and of 2000::/3 Teredo, 6to4
// and documentation. allowed are let through before all of that. Any port is.
func newGuardian(allowed []netip.Prefix) *ssrf.Guardian {
	var v4, v6 []netip.Prefix
	for _, prefix := range allowed {
		if prefix.Addr().Is4() {
			v4 = append(v4, prefix)
		} else {
			v6 = append(v6, prefix)
		}
	}
	return ssrf.New(ssrf.WithAnyPort(), ssrf.WithDeniedV4Prefixes(alsoDenied()...),
		ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
}
