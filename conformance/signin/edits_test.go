package signin

import (
	"testing"

	"durward/conformance/mutant"
)

// TestEditsApply wants every row's edits to fit the source as it is.
func TestEditsApply(t *testing.T) { mutants().Apply(t) }

// TestEveryRowCanFail plays each row against a gateway with the row's edits, when DURWARD_SOAK is set.
func TestEveryRowCanFail(t *testing.T) { mutants().Play(t) }

func mutants() mutant.Table {
	table := mutant.Table{Test: "TestSignIn", Control: control}
	for _, r := range rows() {
		edits := make([]mutant.Edit, 0, len(r.breaks))
		for _, e := range r.breaks {
			edits = append(edits, mutant.Edit{File: e.file, Old: e.old, New: e.new})
		}
		table.Rows = append(table.Rows, mutant.Row{Name: r.id, Edits: edits})
	}
	return table
}
