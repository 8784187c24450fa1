// Package examples_test checks that every example is a configuration that loads.
package examples_test

import (
	"testing"

	"durward/plugins/clerk"
	"durward/runtime"
)

func TestExamplesLoad(t *testing.T) {
	shipped := clerk.Type()
	for _, folder := range []string{"clerk"} {
		v, err := runtime.Validate(runtime.Options{
			Config: folder,
			Plugins: []runtime.Plugin{{
				Modules: []string{"@durward/runtime"}, Export: clerk.Export, PolicyType: clerk.PolicyType,
				Schema: shipped.Describe().Options, Validate: shipped.Validate,
			}},
			LookupEnv: func(name string) (string, bool) { return "value-of-" + name, true },
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range append(v.Problems, v.Notes...) {
			t.Errorf("%v", p)
		}
		if v.Policies == 0 || v.Routes == 0 {
			t.Errorf("%s: %d policies and %d routes were checked", folder, v.Policies, v.Routes)
		}
	}
}
