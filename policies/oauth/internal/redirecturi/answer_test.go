package redirecturi_test

import (
	"testing"

	"durward/policies/oauth/internal/redirecturi"
)

func TestAnswer(t *testing.T) {
	params := []redirecturi.Param{{"code", "c/+ é"}, {"state", ""}, {"iss", "https://g.example"}}
	const ours = "code=c%2F%2B%20%C3%A9&iss=https%3A%2F%2Fg.example"
	for redirect, want := range map[string]string{
		"https://a.example/cb":               "https://a.example/cb?" + ours,
		"https://a.example/cb?":              "https://a.example/cb?" + ours,
		"https://a.example":                  "https://a.example?" + ours,
		"https://a.example/cb?x=1&y=%7E&z":   "https://a.example/cb?x=1&y=%7E&z&" + ours, // A28: kept as it is
		"https://a.example/cb?iss=evil&x":    "https://a.example/cb?x&" + ours,           // S18
		"https://a.example/cb?%69ss=evil":    "https://a.example/cb?" + ours,
		"https://a.example/cb?code&code=1":   "https://a.example/cb?" + ours,
		"https://a.example/cb?state=evil&&x": "https://a.example/cb?x&" + ours,
	} {
		if got := redirecturi.Answer(redirect, params...); got != want {
			t.Errorf("%s: %s, want %s", redirect, got, want)
		}
	}
}
