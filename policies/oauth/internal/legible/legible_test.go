package legible_test

import (
	"encoding/json"
	"strings"
	"testing"

	"durward/policies/oauth/internal/legible"
)

func TestS16_Line(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"plain":           {"An App", "An App"},
		"nothing":         {"", ""},
		"of no ink":       {"\u3164\u2800\u115f\ufe0f ", ""},
		"turned":          {"gpj\u202e\u0000\u200b.exe\n", "gpj.exe"},
		"several lines":   {" one\r\n\ttwo\u00a0 three ", "one two three"},
		"just fits":       {strings.Repeat("é", 13), strings.Repeat("é", 13)},
		"too long":        {strings.Repeat("é", 14), strings.Repeat("é", 13) + "…"},
		"bytes of no use": {"a\xff\x9bb", "a\ufffd\ufffdb"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := legible.Line(test.text, 13); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	body, err := json.Marshal(map[string]string{"name": "é\u009b2J\u202e\U000e0041\u0007"})
	if err != nil {
		t.Fatal(err)
	}
	got := legible.JSON(body)
	if want := `{"name":"é\u009b2J\u202e\udb40\udc41\u0007"}`; string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
	var before, after map[string]string
	if json.Unmarshal(body, &before) != nil || json.Unmarshal(got, &after) != nil || before["name"] != after["name"] {
		t.Errorf("%q became %q", before["name"], after["name"])
	}
}
