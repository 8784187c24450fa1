package ascii_test

import (
	"testing"

	"durward/policies/oauth/internal/ascii"
)

func TestLower(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "AZaz@[`{09": "azaz@[`{09", "MCP.Example.COM": "mcp.example.com", "\u212aİÉ": "\u212aİÉ", "\xffA": "\ufffda",
	} {
		if got := ascii.Lower(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
