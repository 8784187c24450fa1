package config

import (
	"bytes"
	"encoding/json"
)

// decoded is options as a policy type reads them.
func decoded(raw []byte) (value any) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&value) != nil {
		return nil
	}
	return value
}
