package runtime

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"durward/policies"
)

// Each field of an event becomes a key of its line, those that docs/audit.md says, and without any secret of the policy's.
func TestAuditLines(t *testing.T) {
	var out bytes.Buffer
	h := &Host{options: Options{Audit: slog.New(slog.NewJSONHandler(&out, nil))}}
	log := h.audit("clerk", func(text string) string { return strings.ReplaceAll(text, "canary", "-") })
	var event policies.Event
	fields := reflect.ValueOf(&event).Elem()
	for i := range fields.NumField() {
		fields.Field(i).SetString("canary " + fields.Type().Field(i).Name)
	}
	ctx := policies.WithCall(t.Context(), policies.Call{RequestID: "r1"})
	if err := log.Write(ctx, event); err != nil {
		t.Fatal(err)
	}
	if err := log.Write(ctx, policies.Event{Name: "a", Outcome: "success"}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	var full, least map[string]string
	if json.Unmarshal([]byte(lines[0]), &full) != nil || json.Unmarshal([]byte(lines[1]), &least) != nil || len(lines) != 3 {
		t.Fatalf("%s", out.String())
	}
	if strings.Contains(out.String(), "canary") {
		t.Errorf("G10: %s", out.String())
	}
	text, err := os.ReadFile("../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## Fields")
	table, _, _ = strings.Cut(table, "##")
	documented := map[string]bool{"time": true, "level": true, "msg": true}
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, name := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cells[1], -1) {
				documented[name[1]] = true
			}
		}
	}
	if len(full) != fields.NumField()+5 || len(documented) != len(full) || len(least) != 7 {
		t.Errorf("%d keys, %d are documented; %v", len(full), len(documented), least)
	}
	for name := range full {
		if !documented[name] {
			t.Errorf("docs/audit.md does not say what %s is", name)
		}
	}
	for name, want := range map[string]string{
		"msg": "audit", "policy": "clerk", "event": "- Name", "outcome": "- Outcome", "request_id": "r1", "issuer": "- Issuer",
		"subject": "- Subject", "client_id": "- Client", "client_host": "- ClientHost", "grant": "- Grant",
		"resource": "- Resource", "scope": "- Scope", "address": "- Address", "reason": "- Reason",
	} {
		if full[name] != want {
			t.Errorf("%s is %q, want %q", name, full[name], want)
		}
	}
}
