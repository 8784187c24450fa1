package egress

import "testing"

// A name that was complete on the web is looked up as such: with the search list of a cluster, "vault.svc" would be a host
// of its own.
func TestComplete(t *testing.T) {
	for host, want := range map[string]string{
		"client.example.com": "client.example.com.", "vault.svc": "vault.svc.", "localhost": "localhost",
		"127.0.0.1": "127.0.0.1", "2606:4700::1111": "2606:4700::1111",
	} {
		if got := complete(host); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}
