package egress_test

import (
	"bufio"
	"net/netip"
	"os"
	"strings"
	"testing"

	"durward/policies/oauth/internal/egress"
)

// registry reads testdata/registry.txt.
func registry(t *testing.T) []netip.Prefix {
	t.Helper()
	file, err := os.Open("testdata/registry.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []netip.Prefix
	for lines := bufio.NewScanner(file); lines.Scan(); {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text != "" {
			all = append(all, netip.MustParsePrefix(text))
		}
	}
	if len(all) < 50 {
		t.Fatalf("the registry has %d entries only", len(all))
	}
	return all
}

// ends answers the first and the last address of a range.
func ends(p netip.Prefix) []netip.Addr {
	last := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(last)*8; bit++ {
		last[bit/8] |= 0x80 >> (bit % 8)
	}
	end, _ := netip.AddrFromSlice(last)
	return []netip.Addr{p.Masked().Addr(), end}
}

// Whatever a name leads to, an address of special use is not connected to (A15, S34). That it was not even tried is seen
// from the reason: a connection that fails has another.
func TestForbiddenAddresses(t *testing.T) {
	w := newWorld(t, serve("{}"))
	w.options.Allowed = nil
	c := egress.New(w.options)
	for _, prefix := range registry(t) {
		for _, address := range ends(prefix) {
			w.names.set(client, []netip.Addr{address})
			_, err := c.Get(t.Context(), w.url(), "*/*", 100)
			if prefix.Addr().Is4In6() { // the resolver takes these for what they map: unspecified and broadcast
				address = address.Unmap()
			}
			if known := wantReason(t, err, egress.Forbidden); !strings.Contains(known.Error(), address.String()) {
				t.Errorf("%s of %s: %v", address, prefix, err)
			}
		}
	}
	if n := w.accepted.Load(); n != 0 {
		t.Errorf("%d connections arrived", n)
	}
}

// The same as literals: refused before anything is looked up.
func TestForbiddenLiterals(t *testing.T) {
	c := egress.New(egress.Options{})
	for _, prefix := range registry(t) {
		for _, address := range ends(prefix) {
			host := address.String()
			if address.Is6() {
				host = "[" + host + "]"
			}
			_, err := c.Get(t.Context(), "https://"+host+"/x", "*/*", 100)
			wantReason(t, err, egress.Refused)
		}
	}
}

// Addresses right beside the ranges, and well-known ones, are public.
func TestPublicAddresses(t *testing.T) {
	c := egress.New(egress.Options{})
	for _, host := range []string{
		"1.0.0.0", "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
		"128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0",
		"192.31.195.255", "192.88.98.255", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
		"198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255", "168.63.129.15", "160.79.104.10",
		"[2001:200::]", "[2001:db7:ffff:ffff:ffff:ffff:ffff:ffff]", "[2001:db9::]", "[2003::]", "[2606:4700::1111]",
		"[2620:4f:7fff:ffff:ffff:ffff:ffff:ffff]", "[2620:4f:8001::]", "[3fff:1000::]", "[2a00:1450:4001::200e]",
	} {
		if err := c.Check("https://" + host + "/x"); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}
