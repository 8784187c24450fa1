package tokens

import (
	"testing"

	"durward/conformance/mutant"
)

// TestEditsApply wants every edit to fit the source as it is: of the races, and of the deeds that are cut off.
func TestEditsApply(t *testing.T) {
	raceTable().Apply(t)
	killTable().Apply(t)
}

// TestEveryRaceCanFail plays each race against a gateway with the race's edit, when DURWARD_SOAK is set.
func TestEveryRaceCanFail(t *testing.T) { raceTable().Play(t) }

// TestEveryKillCanFail does so with each deed that is cut off.
func TestEveryKillCanFail(t *testing.T) { killTable().Play(t) }

func raceTable() mutant.Table {
	table := mutant.Table{Test: "TestRaces", Control: control}
	for _, r := range races() {
		if r.name != control {
			table.Rows = append(table.Rows, mutant.Row{Name: r.name, Edits: []mutant.Edit{r.breaks}})
		}
	}
	return table
}

func killTable() mutant.Table {
	table := mutant.Table{Test: "TestKilledBetweenWrites", Control: control}
	for _, d := range deeds() {
		table.Rows = append(table.Rows, mutant.Row{Name: d.name, Edits: append(pointEdits(), d.breaks)})
	}
	return table
}
