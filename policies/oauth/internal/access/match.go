package access

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"

	"durward/policies/oauth/internal/ascii"
)

// domainOf answers what follows the last @ of an email address, in lower case. An address that mail software might
// read in two ways has no domain: one with a second @, or with anything in front of it that needs quotes.
func domainOf(email string) string {
	at := strings.LastIndexByte(email, '@')
	if at < 1 || strings.Trim(ascii.Lower(email[:at]), "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~.") != "" {
		return ""
	}
	return ascii.Lower(email[at+1:])
}

func lowered(texts []string) []string {
	if texts == nil {
		return nil
	}
	folded := make([]string, len(texts))
	for i, text := range texts {
		folded[i] = ascii.Lower(text)
	}
	return folded
}

// scalarKeys answers the keys of a JSON scalar, or of those in a list; false if the value is anything else.
func scalarKeys(raw json.RawMessage) ([]string, bool) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || list == nil {
		list = []json.RawMessage{raw}
	}
	keys := make([]string, 0, len(list))
	for _, item := range list {
		if key, ok := scalarKey(item); ok {
			keys = append(keys, key)
		}
	}
	return keys, len(keys) == len(list)
}

// scalarKey writes a string, number or boolean so that equal values, and only those, have equal keys: 1 is 1.0 and is
// not "1", true is not "true".
func scalarKey(raw json.RawMessage) (string, bool) {
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return "", false
	}
	switch value := value.(type) {
	case string:
		return "string:" + value, true
	case bool:
		return "boolean:" + strconv.FormatBool(value), true
	case json.Number:
		exact, ok := exactly(value.String())
		return "number:" + exact, ok
	}
	return "", false
}

// exactly writes a JSON number in one form, without the loss that a float64 would mean for long ids. Numbers out of all
// reason, whose exact form could be gigabytes, have none.
func exactly(number string) (string, bool) {
	if _, exponent, ok := strings.Cut(ascii.Lower(number), "e"); ok {
		if n, err := strconv.Atoi(exponent); err != nil || n < -308 || n > 308 {
			return "", false
		}
	}
	if len(number) > 64 {
		return "", false
	}
	value, ok := new(big.Rat).SetString(number)
	if !ok {
		return "", false
	}
	return value.RatString(), true
}
