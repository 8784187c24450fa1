package config

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"durward/runtime/internal/reference"
)

// Bounds of what is blotted out, in bytes.
const (
	// minRedacted is the length of a value from which it is. Shorter ones occur in any text.
	minRedacted = 4
	// minEncoded is the length from which an encoded one is, and maxEncoded that of the longest value that is looked for in
	// other forms: what is longer is rarely printed, and has many lines.
	minEncoded, maxEncoded = 8, 4 << 10
)

// blots is what must not be printed, and what is printed instead. It is the backstop of G10 for texts that come from a
// policy type or its process; those of this package and of the schemas quote no value.
type blots map[string]string

// env blots out what came from a variable.
func (b blots) env(v reference.Variable) {
	for _, text := range forms(v.Value) {
		b[text] = "$env(" + v.Name + ")"
	}
}

// secret blots out every string within a secret option.
func (b blots) secret(value any) {
	switch v := value.(type) {
	case string:
		for _, text := range forms(v) {
			if b[text] == "" {
				b[text] = blotted
			}
		}
	case []any:
		for _, item := range v {
			b.secret(item)
		}
	case map[string]any:
		for _, member := range v {
			b.secret(member)
		}
	}
}

// forms are a value and each line of it, which a crash dump shows apart, with and without space around them, in all the
// forms in which a program may print them.
func forms(value string) (all []string) {
	parts := []string{value}
	if strings.Contains(value, "\n") {
		parts = append(parts, strings.Split(value, "\n")...)
	}
	for _, part := range parts {
		for _, text := range slices.Compact([]string{part, strings.TrimSuffix(part, "\r"), strings.TrimSpace(part)}) {
			if len(text) < minRedacted {
				continue
			}
			all = append(all, text)
			all = append(all, quoted(text)...)
			if minEncoded <= len(text) && len(value) <= maxEncoded {
				all = append(all, encoded(text)...)
			}
		}
	}
	return all
}

// quoted is a text as %q and JSON print it, where that is something else.
func quoted(text string) (forms []string) {
	if form := strconv.Quote(text); form[1:len(form)-1] != text {
		forms = append(forms, form[1:len(form)-1])
	}
	if form, err := json.Marshal(text); err == nil && string(form[1:len(form)-1]) != text {
		forms = append(forms, string(form[1:len(form)-1]))
	}
	return forms
}

// encoded is a text as it stands in a URL, in hex, and in base64: as much of it as is the same whatever stands before and
// behind, since a client's secret travels as "id:secret".
func encoded(text string) (forms []string) {
	for _, form := range []string{url.QueryEscape(text), url.PathEscape(text)} {
		if form != text {
			forms = append(forms, form)
		}
	}
	forms = append(forms, hex.EncodeToString([]byte(text)))
	for before := range 3 {
		shifted := append(make([]byte, before), text...)
		whole := len(shifted) / 3 * 4
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			// The first group holds what stands before, the last one what stands behind.
			if form := encoding.EncodeToString(shifted)[min(before, 1)*4 : whole]; len(form) >= minEncoded {
				forms = append(forms, form)
			}
		}
	}
	return forms
}

// replacer replaces the longest value first.
func (b blots) replacer() *strings.Replacer {
	values := make([]string, 0, len(b))
	for value := range b {
		values = append(values, value)
	}
	slices.SortFunc(values, func(x, y string) int {
		return cmp.Or(cmp.Compare(len(y), len(x)), strings.Compare(x, y))
	})
	pairs := make([]string, 0, 2*len(values))
	for _, value := range values {
		pairs = append(pairs, value, b[value])
	}
	return strings.NewReplacer(pairs...)
}
