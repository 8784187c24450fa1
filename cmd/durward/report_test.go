package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/runtime"
)

func found() runtime.Validation {
	at := func(line int, text string) runtime.Problem {
		return runtime.Problem{File: "config/policies.json", Line: line, Column: 5, Pointer: "/policies/0", Text: text,
			Excerpt: runtime.Excerpt{Line: `  "policies": [`, Column: 3, Width: 10}}
	}
	return runtime.Validation{
		Problems: []runtime.Problem{at(3, "is <wrong>"), at(4, "so is this")},
		Notes:    []runtime.Problem{at(5, "is worth a look")},
		Unsafe:   []runtime.Problem{at(6, "everybody can read it: chmod 600 it")},
		Policies: 2, Routes: 3,
		References: []runtime.Reference{
			{Name: "A", From: runtime.FromEnvironment, Places: []runtime.Place{
				{File: "config/policies.json", Line: 3, Column: 5, Pointer: "/policies/0"},
				{File: "config/routes.oas.json", Line: 13, Column: 15, Pointer: "/paths"},
			}},
			{Name: "LONGER", From: runtime.NotSet, Places: []runtime.Place{{File: "config/gateway.json", Line: 1, Column: 2, Pointer: "/adminToken"}}},
		},
	}
}

// The forms of a report. Programs count on the JSON, and on one line each where nobody watches.
func TestReport(t *testing.T) {
	good := found()
	good.Problems = nil
	safe := good
	safe.Unsafe = nil
	for _, tt := range []struct {
		name   string
		report report
		found  runtime.Validation
		status error
		want   string
	}{
		{"good", report{}, good, nil, `config/policies.json:5:5: /policies/0: note: is worth a look
config: no problems: 2 policies, 3 routes
`},
		{"problems", report{}, found(), exitError(1), `config/policies.json:3:5: /policies/0: is <wrong>
config/policies.json:4:5: /policies/0: so is this
`},
		{"strict", report{strict: true}, good, exitError(1),
			"config/policies.json:6:5: /policies/0: unsafe: everybody can read it: chmod 600 it\n"},
		{"strict and safe", report{strict: true}, safe, nil, `config/policies.json:5:5: /policies/0: note: is worth a look
config: no problems: 2 policies, 3 routes
`},
		{"problems with references", report{references: true, strict: true}, found(), exitError(1), `config/policies.json:3:5: /policies/0: is <wrong>
config/policies.json:4:5: /policies/0: so is this
VARIABLE  FROM         NAMED AT
A         environment  config/policies.json:3:5: /policies/0
                       config/routes.oas.json:13:15: /paths
LONGER    not set      config/gateway.json:1:2: /adminToken
`},
		{"no references", report{references: true}, runtime.Validation{}, nil, `config names no variables
config: no problems: 0 policies, 0 routes
`},
		{"json", report{format: formatJSON}, runtime.Validation{Problems: found().Problems[:1]}, exitError(1), `{
  "problems": [
    {
      "file": "config/policies.json",
      "line": 3,
      "column": 5,
      "pointer": "/policies/0",
      "text": "is <wrong>"
    }
  ],
  "notes": [],
  "unsafe": [],
  "policies": 0,
  "routes": 0
}
`},
		{"json with references", report{format: formatJSON, strict: true, references: true},
			runtime.Validation{Unsafe: found().Unsafe, References: found().References[1:], Policies: 1}, exitError(1), `{
  "problems": [],
  "notes": [],
  "unsafe": [
    {
      "file": "config/policies.json",
      "line": 6,
      "column": 5,
      "pointer": "/policies/0",
      "text": "everybody can read it: chmod 600 it"
    }
  ],
  "policies": 1,
  "routes": 0,
  "references": [
    {
      "name": "LONGER",
      "from": "not set",
      "places": [
        {
          "file": "config/gateway.json",
          "line": 1,
          "column": 2,
          "pointer": "/adminToken"
        }
      ]
    }
  ]
}
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.report.folder = "config"
			var out bytes.Buffer
			if err := tt.report.print(&out, tt.found); err != tt.status {
				t.Errorf("ends with %v, want %v", err, tt.status)
			}
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
