package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/runtime"
)

// On a terminal a person sees the line of the file below each problem, and last how many there are.
func TestReportOnATerminal(t *testing.T) {
	good := found()
	good.Problems = nil
	for _, tt := range []struct {
		name   string
		report report
		bad    bool
		want   string
	}{
		{"problems", report{}, true, `config/policies.json:3:5: /policies/0: is <wrong>
  3 |   "policies": [
    |   ^~~~~~~~~~

config/policies.json:4:5: /policies/0: so is this
  4 |   "policies": [
    |   ^~~~~~~~~~

2 problems
`},
		{"strict", report{strict: true}, false, `config/policies.json:6:5: /policies/0: unsafe: everybody can read it: chmod 600 it
  6 |   "policies": [
    |   ^~~~~~~~~~

1 thing not safe in production
`},
		{"good", report{}, false, `config/policies.json:5:5: /policies/0: note: is worth a look
  5 |   "policies": [
    |   ^~~~~~~~~~

1 thing not safe in production: see --strict
config: no problems: 2 policies, 3 routes
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			programs, person := pseudoTerminal(t, 80, 24)
			v := good
			if tt.bad {
				v = found()
			}
			tt.report.folder = "config"
			_ = tt.report.print(programs, v)
			if diff := cmp.Diff(tt.want, shown(t, person, tt.want)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A plan's problems are the gateway's. Where the command has found something at the same place, its line is shown.
func TestPlanOnATerminal(t *testing.T) {
	programs, person := pseudoTerminal(t, 80, 24)
	there := found().Problems
	for i := range there {
		there[i].File, there[i].Excerpt = "policies.json", runtime.Excerpt{} // as it comes over the wire
	}
	here := found()
	here.Problems = here.Problems[:1]
	const want = `config/policies.json:3:5: /policies/0: is <wrong>
  3 |   "policies": [
    |   ^~~~~~~~~~

config/policies.json:4:5: /policies/0: so is this
`
	if err := (planText{plan: runtime.Plan{Problems: there}, folder: "config", here: here}).print(programs); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, shown(t, person, want)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
