package page

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"

	"durward/policies"
	"durward/policies/oauth/internal/legible"
	"durward/policies/oauth/internal/redirecturi"
)

// Branding is whose pages these are: the option "pages".
type Branding struct {
	// Name is the operator's, "" if none is given.
	Name string
	// Logo is an https URL or a data: URL of an image, "" if none is given.
	Logo string
}

const (
	maxBrandName = 80
	maxLogo      = 64 << 10
)

// ReadBranding reads the option "pages", which may be absent. The problems' pointers are relative to the options; their
// texts say what would be right and quote nothing.
func ReadBranding(raw json.RawMessage) (Branding, []policies.Problem) {
	var given struct {
		Name *string `json:"name"`
		Logo *string `json:"logo"`
	}
	if len(raw) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.DisallowUnknownFields()
		if decoder.Decode(&given) != nil || raw[0] != '{' {
			return Branding{}, []policies.Problem{{
				Pointer: "/pages", Text: "must be an object with name and logo, either or both, each a text",
			}}
		}
	}
	var brand Branding
	var problems []policies.Problem
	if given.Name != nil {
		brand.Name = *given.Name
		if brand.Name == "" || brand.Name != legible.Line(brand.Name, maxBrandName) {
			problems = append(problems, policies.Problem{
				Pointer: "/pages/name",
				Text:    "must be one line of 1 to 80 visible characters, without space at its ends",
			})
		}
	}
	if given.Logo != nil {
		brand.Logo = *given.Logo
		if !isLogo(brand.Logo) {
			problems = append(problems, policies.Problem{
				Pointer: "/pages/logo",
				Text: "must be an https URL without user, query and fragment, or data:image/TYPE;base64,... where TYPE is " +
					"png, jpeg, gif, webp or svg+xml; at most 64 KiB",
			})
		}
	}
	if len(problems) > 0 {
		return Branding{}, problems
	}
	return brand, nil
}

func isLogo(logo string) bool {
	if len(logo) > maxLogo {
		return false
	}
	if image, ok := strings.CutPrefix(logo, "data:image/"); ok {
		kind, encoded, _ := strings.Cut(image, ";base64,")
		switch kind {
		case "png", "jpeg", "gif", "webp", "svg+xml":
			content, err := base64.StdEncoding.DecodeString(encoded)
			return err == nil && len(content) > 0 && !strings.ContainsAny(encoded, "\r\n")
		}
		return false
	}
	parsed, err := url.Parse(logo)
	return err == nil && strings.HasPrefix(logo, "https://") && redirecturi.PlainHost(parsed.Hostname()) &&
		parsed.User == nil && !strings.ContainsAny(logo, "?#")
}

// source is what a Content-Security-Policy must allow images from for the logo to be seen: that image and no other. Pages
// without one have an empty icon, or browsers would ask for /favicon.ico and complain that the policy forbids it.
func (b Branding) source() string {
	if b.Logo == "" || strings.HasPrefix(b.Logo, "data:") {
		return "data:"
	}
	parsed, err := url.Parse(b.Logo)
	if err != nil {
		return "'none'"
	}
	// In a policy ";" and "," have a meaning of their own (CSP 3, section 2.3.1); String escapes spaces and quotes.
	return strings.NewReplacer(";", "%3B", ",", "%2C", "'", "%27").Replace(parsed.String())
}
