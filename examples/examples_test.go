// Package examples_test checks that every example is a configuration that loads.
package examples_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"durward/plugins/clerk"
	"durward/runtime"
)

// Nothing of an example is wrong, to be noted, or not safe in production.
func TestExamplesLoad(t *testing.T) {
	for _, folder := range []string{"clerk", "two-teams"} {
		v := validate(t, folder, func(name string) (string, bool) {
			return "value-of-" + name, !strings.HasSuffix(name, "_FILE")
		})
		for _, p := range slices.Concat(v.Problems, v.Notes, v.Unsafe) {
			t.Errorf("%v", p)
		}
		if v.Policies == 0 || v.Routes == 0 {
			t.Errorf("%s: %d policies and %d routes were checked", folder, v.Policies, v.Routes)
		}
	}
}

// validate checks a folder with the policy type that ships.
func validate(
	t *testing.T, folder string, lookup func(string) (string, bool), change ...func(*runtime.Options),
) runtime.Validation {
	t.Helper()
	shipped := clerk.Type()
	o := runtime.Options{
		Config: folder,
		Plugins: []runtime.Plugin{{
			Modules: []string{"@durward/runtime"}, Export: clerk.Export, PolicyType: clerk.PolicyType,
			Schema: shipped.Describe().Options, Validate: shipped.Validate,
		}},
		LookupEnv: lookup,
	}
	for _, c := range change {
		c(&o)
	}
	v, err := runtime.Validate(o)
	if err != nil {
		t.Fatal(err)
	}
	return v
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

// The address of the socket is safe for the configuration of the clerk example.
func TestSocketIsSafe(t *testing.T) {
	unit, err := os.ReadFile("systemd/durward.socket")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^ListenStream=(.*)$`).FindSubmatch(unit)
	if found == nil {
		t.Fatal("the socket has no address")
	}
	lookup := func(name string) (string, bool) { return "value-of-" + name, !strings.HasSuffix(name, "_FILE") }
	v := validate(t, "clerk", lookup, func(o *runtime.Options) { o.Listen = string(found[1]) })
	for _, p := range slices.Concat(v.Problems, v.Unsafe) {
		t.Errorf("%v", p)
	}
}
