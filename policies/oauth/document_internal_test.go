package oauth

import (
	"context"
	"testing"

	"durward/policies"
)

// The exemption of development counts for callers on this machine who ask for this machine, and for nobody else: a Host
// is whatever a caller writes.
func TestDevelopmentCounts(t *testing.T) {
	with, err := newDocuments(cimdDevelopment{Addresses: []string{"127.0.0.0/8"}})
	if err != nil {
		t.Fatal(err)
	}
	without, err := newDocuments(cimdDevelopment{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		origin, address string
		counts          bool
	}{
		{"http://127.0.0.1:8080", "127.0.0.1", true},
		{"https://localhost", "127.0.0.1", true},
		{"http://[::1]:8080", "::1", true},
		{"http://127.0.0.1:8080", "192.0.2.1", false},
		{"http://127.0.0.1:8080", "", false},
		{"https://mcp.example.com", "127.0.0.1", false},
		{"https://localhost.example.com", "127.0.0.1", false},
		{"", "127.0.0.1", false},
	} {
		ctx := policies.WithCall(context.Background(), policies.Call{Origin: test.origin, ClientAddress: test.address})
		if got := with.at(ctx) == with.development; got != test.counts {
			t.Errorf("%+v: %t", test, got)
		}
		if without.at(ctx) != without.public {
			t.Errorf("%+v: an exemption that nobody asked for", test)
		}
	}
	const inside = "https://127.0.0.1/x"
	local := policies.Call{Origin: "http://127.0.0.1:8080", ClientAddress: "127.0.0.1"}
	if _, err := with.at(context.Background()).Get(t.Context(), local.Time, inside); err == nil {
		t.Error("fetched from this machine")
	}
}

func TestNewDocumentsFaults(t *testing.T) {
	for _, option := range []cimdDevelopment{{CAFile: t.TempDir() + "/missing.pem"}, {Addresses: []string{"127.0.0.1"}}} {
		if _, err := newDocuments(option); err == nil {
			t.Errorf("%+v was taken into use", option)
		}
	}
}
