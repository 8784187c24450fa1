package pluginhost

import (
	"strings"
	"testing"

	"durward/policies"
)

func TestProcessMustConfirmTheHostsReport(t *testing.T) {
	report := func() policies.Report {
		return policies.Report{
			Paths:         []policies.Path{{Path: "/a"}, {Path: "/b", Admin: true}},
			Authenticates: true,
			Vary: map[string]policies.Vary{
				"one": {Headers: []string{"Authorization", "X-B"}, Methods: []string{"tools/call"}, Names: []string{"n"}},
				"two": {},
			},
			Files: []string{"/etc/a.pem", "/etc/b.pem"},
		}
	}
	cases := []struct {
		name   string
		change func(*policies.Report)
		want   string
	}{
		{"the same", func(*policies.Report) {}, ""},
		{"in another order", func(r *policies.Report) {
			r.Paths = []policies.Path{{Path: "/b", Admin: true}, {Path: "/a"}}
			r.Vary["one"] = policies.Vary{
				Headers: []string{"X-B", "Authorization"}, Methods: []string{"tools/call"}, Names: []string{"n"},
			}
			r.Files = []string{"/etc/b.pem", "/etc/a.pem"}
		}, ""},
		{"other words for people", func(r *policies.Report) {
			r.Facts = []policies.Fact{{Name: "n", Value: "v"}}
			r.Notes = []policies.Problem{{Text: "note"}}
			r.Paths[0].Option = "/at"
		}, ""},
		{"a path more", func(r *policies.Report) { r.Paths = append(r.Paths, policies.Path{Path: "/c"}) }, "other paths"},
		{"no path", func(r *policies.Report) { r.Paths = nil }, "other paths"},
		{"a path for all", func(r *policies.Report) { r.Paths[1].Admin = false }, "other paths"},
		{"signs nobody in", func(r *policies.Report) { r.Authenticates = false }, "whether it authenticates"},
		{"a header less", func(r *policies.Report) {
			r.Vary["one"] = policies.Vary{Headers: []string{"X-B"}, Methods: []string{"tools/call"}, Names: []string{"n"}}
		}, "inputs of its decisions"},
		{"a route less", func(r *policies.Report) { delete(r.Vary, "two") }, "inputs of its decisions"},
		{"another route", func(r *policies.Report) {
			delete(r.Vary, "two")
			r.Vary["three"] = policies.Vary{}
		}, "inputs of its decisions"},
		{"the origin", func(r *policies.Report) { r.Vary["two"] = policies.Vary{Origin: true} }, "inputs of its decisions"},
		{"the address", func(r *policies.Report) { r.Vary["two"] = policies.Vary{ClientAddress: true} }, "inputs of its decisions"},
		{"methods", func(r *policies.Report) { r.Vary["two"] = policies.Vary{Methods: []string{"m"}} }, "inputs of its decisions"},
		{"names", func(r *policies.Report) { r.Vary["two"] = policies.Vary{Names: []string{"m"}} }, "inputs of its decisions"},
		{"other files", func(r *policies.Report) { r.Files[0] = "/etc/c.pem" }, "other files"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			process := report()
			c.change(&process)
			err := confirm(process, report())
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want %q", err, c.want)
			}
		})
	}
	// Names of headers become canonical on their way.
	written := report()
	written.Vary["two"] = policies.Vary{Headers: []string{"x-team"}}
	read := report()
	read.Vary["two"] = policies.Vary{Headers: []string{"X-Team"}}
	if err := confirm(read, written); err != nil {
		t.Errorf("headers as they are written: %v", err)
	}
}
