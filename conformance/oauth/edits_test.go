package oauth

import (
	"testing"

	"durward/conformance/mutant"
)

// edit replaces a text that occurs exactly once in a file of the product's.
type edit struct{ file, old, new string }

// TestEditsApply wants every row's edits to fit the source as it is.
func TestEditsApply(t *testing.T) { mutants().Apply(t) }

// TestRowsCanFail plays each row that has edits against a gateway with them, when DURWARD_SOAK is set.
func TestRowsCanFail(t *testing.T) { mutants().Play(t) }

func mutants() mutant.Table {
	table := mutant.Table{Test: "TestOAuth", Control: control}
	for _, r := range rows() {
		if len(r.breaks) == 0 {
			continue
		}
		edits := make([]mutant.Edit, 0, len(r.breaks))
		for _, e := range r.breaks {
			edits = append(edits, mutant.Edit{File: e.file, Old: e.old, New: e.new})
		}
		table.Rows = append(table.Rows, mutant.Row{Name: r.id, Edits: edits})
	}
	return table
}
