package oauth

import (
	"slices"
	"strings"
	"testing"
)

// TestTableIsWhole wants a row for each requirement that the table is about and for nothing else, each with a sentence
// and, if it applies, with a play.
func TestTableIsWhole(t *testing.T) {
	want := map[string]bool{} // whether it applies
	for id := range ids(t, demanded) {
		want[id] = true
	}
	for id := range ids(t, absent) {
		want[id] = false
	}
	seen := map[string]bool{}
	for _, r := range rows() {
		applies, known := want[r.id]
		switch {
		case seen[r.id]:
			t.Errorf("two rows are named %s", r.id)
		case !known:
			t.Errorf("nobody demands %s", r.id)
		case applies != (r.play != nil):
			t.Errorf("%s: it applies: %v, it is played: %v", r.id, applies, r.play != nil)
		case len(strings.Fields(r.holds)) < 4:
			t.Errorf("%s: %q is no sentence", r.id, r.holds)
		}
		seen[r.id] = true
	}
	var missing []string
	for id := range want {
		if !seen[id] {
			missing = append(missing, id)
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		t.Errorf("no row for %d ids: %s", len(missing), strings.Join(missing, " "))
	}
}
