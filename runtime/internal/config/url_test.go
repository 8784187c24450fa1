package config

import "testing"

// Two listeners cannot have one address, and every address has each.
func TestSameAddress(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"127.0.0.1:9000", "127.0.0.1:9000", true},
		{":9000", "127.0.0.1:9000", true},
		{"[::1]:9000", "0.0.0.0:9000", true},
		{"LocalHost:9000", "localhost:9000", true},
		{"127.0.0.1:9000", "127.0.0.1:9001", false},
		{"127.0.0.1:9000", "127.0.0.2:9000", false},
		{"127.0.0.1:0", "127.0.0.1:0", false},
		{"", "", false},
		{"127.0.0.1:9000", "", false},
	} {
		if got := sameAddress(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q: %v", tt.a, tt.b, got)
		}
	}
}
