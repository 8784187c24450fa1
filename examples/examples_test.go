// Package examples_test checks that every example is a configuration that loads.
package examples_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"durward/plugins/clerk"
	"durward/runtime"
)

func TestExamplesLoad(t *testing.T) {
	shipped := clerk.Type()
	for _, folder := range []string{"clerk", "two-teams"} {
		v, err := runtime.Validate(runtime.Options{
			Config: folder,
			Plugins: []runtime.Plugin{{
				Modules: []string{"@durward/runtime"}, Export: clerk.Export, PolicyType: clerk.PolicyType,
				Schema: shipped.Describe().Options, Validate: shipped.Validate,
			}},
			LookupEnv: func(name string) (string, bool) { return "value-of-" + name, !strings.HasSuffix(name, "_FILE") },
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

// The service manager lets the gateway finish what is in flight: it waits longer than that may take, and does not end the
// processes that it is waited for with. And it does not close the address because the gateway did not start some times.
func TestUnitGivesTheDrainItsTime(t *testing.T) {
	unit, err := os.ReadFile("systemd/durward.service")
	if err != nil {
		t.Fatal(err)
	}
	said := func(key string) string {
		found := regexp.MustCompile(`(?m)^` + key + `=(.*)$`).FindSubmatch(unit)
		if found == nil {
			t.Fatalf("the unit does not say %s", key)
		}
		return string(found[1])
	}
	if wait, err := time.ParseDuration(said("TimeoutStopSec") + "s"); err != nil || wait < runtime.DefaultDrain+10*time.Second {
		t.Errorf("the unit waits %v (%v) for a drain of %v", wait, err, runtime.DefaultDrain)
	}
	if mode := said("KillMode"); mode != "mixed" {
		t.Errorf("KillMode=%s ends the policies' processes before the gateway has ended", mode)
	}
	if limit := said("StartLimitIntervalSec"); limit != "0" {
		t.Errorf("StartLimitIntervalSec=%s: the socket fails with the service", limit)
	}
}
