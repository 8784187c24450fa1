package cimd

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// object reads a JSON object that has one reading only: valid UTF-8, one value, and no name twice in any object of it.
// The error's text reads on from the name of what was read.
func object(text []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, errors.New("is not JSON")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // of any size: numbers are not looked at
	if !unique(decoder) {
		return nil, errors.New("has a member twice")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return nil, errors.New("is not a JSON object")
	}
	return members, nil
}

// unique says whether no object of the next value has a name twice. The text is valid, so the decoder does not fail.
func unique(decoder *json.Decoder) bool {
	token, _ := decoder.Token()
	opening, nested := token.(json.Delim)
	if !nested {
		return true
	}
	names := map[json.Token]bool{}
	for decoder.More() {
		if opening == '{' {
			name, _ := decoder.Token()
			if names[name] {
				return false
			}
			names[name] = true
		}
		if !unique(decoder) {
			return false
		}
	}
	_, _ = decoder.Token()
	return true
}
