package config

import (
	"net/url"
	"testing"
)

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

func TestOriginOf(t *testing.T) {
	for text, want := range map[string]string{
		"https://MCP.example.com:443/mcp":  "https://mcp.example.com",
		"http://localhost:80/":             "http://localhost",
		"https://mcp.example.com:80/mcp?a": "https://mcp.example.com:80",
		"http://[::1]:9000":                "http://[::1]:9000",
		"https://[2001:DB8::1]:443/mcp":    "https://[2001:db8::1]",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := OriginOf(u); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// Who listens is reached by these URLs from this machine, and by no others for certain.
func TestListensAt(t *testing.T) {
	for _, tt := range []struct {
		listen, url string
		want        bool
	}{
		{"127.0.0.1:9000", "http://127.0.0.1:9000/mcp", true},
		{"127.0.0.1:9000", "http://LOCALHOST:9000", true},
		{"127.0.0.1:9000", "https://mcp.localhost:9000/", true},
		{"127.0.0.1:9000", "http://0.0.0.0:9000/", true},
		{"[::1]:9000", "http://localhost:9000/", true},
		{"[::1]:9000", "http://[::1]:9000/", true},
		{"localhost:9000", "http://127.0.0.1:9000/", true},
		{":9000", "http://127.0.0.1:9000/", true},
		{":9000", "http://[::1]:9000/", true},
		{"0.0.0.0:80", "http://localhost/", true},
		{"[::]:443", "https://127.0.0.2/", true},
		{"192.0.2.7:9000", "http://192.0.2.7:9000/", true},
		{"gateway:9000", "http://Gateway:9000/", true},
		{"127.0.0.1:9000", "http://127.0.0.1:9/", false},
		{"127.0.0.1:9000", "http://127.0.0.2:9000/", false},
		{"127.0.0.1:9000", "http://tools.internal:9000/", false},
		{"192.0.2.7:9000", "http://127.0.0.1:9000/", false},
		{"192.0.2.7:9000", "http://localhost:9000/", false},
		{":9000", "http://192.0.2.7:9000/", false},
		{":9000", "http://tools.internal:9000/", false},
		{"127.0.0.1:0", "http://127.0.0.1:0/", false},
		{"/run/durward.sock", "http://localhost/", false},
	} {
		u, err := url.Parse(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := listensAt(tt.listen, u); got != tt.want {
			t.Errorf("%s at %s: %v", tt.url, tt.listen, got)
		}
	}
}
