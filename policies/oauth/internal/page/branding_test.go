package page

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestReadBranding(t *testing.T) {
	const gif = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
	tests := map[string]struct {
		pages   string
		pointer string // of the problem
	}{
		"absent":               {``, ""},
		"empty":                {`{}`, ""},
		"both":                 {`{"name":"Example, Inc.","logo":"https://www.example.com/logo.svg"}`, ""},
		"an image":             {`{"logo":"` + gif + `"}`, ""},
		"not an object":        {`"canary"`, "/pages"},
		"null":                 {`null`, "/pages"},
		"another member":       {`{"canary":1}`, "/pages"},
		"name empty":           {`{"name":""}`, "/pages/name"},
		"name of spaces":       {`{"name":" "}`, "/pages/name"},
		"name of two lines":    {`{"name":"canary\nline"}`, "/pages/name"},
		"name turned":          {`{"name":"canary\u202e"}`, "/pages/name"},
		"name too long":        {`{"name":"` + strings.Repeat("é", 81) + `"}`, "/pages/name"},
		"name just fits":       {`{"name":"` + strings.Repeat("é", 80) + `"}`, ""},
		"logo empty":           {`{"logo":""}`, "/pages/logo"},
		"logo over http":       {`{"logo":"http://www.example.com/canary.png"}`, "/pages/logo"},
		"logo with a query":    {`{"logo":"https://www.example.com/canary.png?v=1"}`, "/pages/logo"},
		"logo with a fragment": {`{"logo":"https://www.example.com/canary.png#v"}`, "/pages/logo"},
		"logo with a user":     {`{"logo":"https://canary@www.example.com/logo.png"}`, "/pages/logo"},
		"logo without host":    {`{"logo":"https:///canary.png"}`, "/pages/logo"},
		"logo of any host":     {`{"logo":"https://*/canary.png"}`, "/pages/logo"},
		"logo that adds to the policy": {
			`{"logo":"https://www.example.com; script-src *"}`, "/pages/logo",
		},
		"logo a script":      {`{"logo":"javascript:canary"}`, "/pages/logo"},
		"logo a page":        {`{"logo":"data:text/html;base64,Y2FuYXJ5"}`, "/pages/logo"},
		"logo not base64":    {`{"logo":"data:image/png;base64,canary!"}`, "/pages/logo"},
		"logo plain":         {`{"logo":"data:image/svg+xml,<svg>canary</svg>"}`, "/pages/logo"},
		"logo of no bytes":   {`{"logo":"data:image/png;base64,"}`, "/pages/logo"},
		"logo with newlines": {`{"logo":"data:image/png;base64,Y2Fu\nYXJ5"}`, "/pages/logo"},
		"logo too long":      {`{"logo":"data:image/png;base64,` + strings.Repeat("AAAA", 16<<10) + `"}`, "/pages/logo"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			brand, problems := ReadBranding(json.RawMessage(test.pages))
			if test.pointer == "" {
				if len(problems) > 0 {
					t.Fatalf("problems %+v", problems)
				}
				return
			}
			if len(problems) != 1 || problems[0].Pointer != test.pointer || brand != (Branding{}) {
				t.Fatalf("problems %+v, want one at %s; and %+v", problems, test.pointer, brand)
			}
			if text := problems[0].Text; strings.Contains(text, "canary") || !strings.HasPrefix(text, "must be") {
				t.Errorf("the problem quotes the value or does not say what is right: %s", text)
			}
		})
	}
}

// What the policy allows is one image: a path keeps its characters, and none of them ends the directive.
func TestLogoSource(t *testing.T) {
	for logo, want := range map[string]string{
		"":                                  "data:",
		"https://example.com/logo.svg":      "https://example.com/logo.svg",
		"https://example.com/a,b;c d'é.svg": "https://example.com/a%2Cb%3Bc%20d%27%C3%A9.svg",
		"https://example.com/%2C.svg":       "https://example.com/%2C.svg",
		"data:image/png;base64,AAAA":        "data:",
	} {
		if got := (Branding{Logo: logo}).source(); got != want {
			t.Errorf("%q: %s, want %s", logo, got, want)
		}
	}
}
