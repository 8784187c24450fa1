package config_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"testing"

	"durward/config"
	"durward/schema"
)

// The configuration that ships passes the schemas that it names. Its meaning is checked where the policy types are known.
func TestShippedConfigurationPassesSchemas(t *testing.T) {
	set, err := schema.New()
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*schema.Schema{"policies.json": set.Policies, "routes.oas.json": set.Routes} {
		data, err := fs.ReadFile(config.FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		var document any
		if err := dec.Decode(&document); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, p := range s.Check(document) {
			t.Errorf("%s: %s: %s", name, p.Pointer, p.Text)
		}
	}
}
