package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"durward/plugins/clerk"
	"durward/policies"
	"durward/policies/sdk"
	"durward/runtime"
)

// policyVerb is the verb by which this program starts itself as the process of one policy.
const policyVerb = "policy"

// shipped are the policy types compiled into this binary, with the names that handler.export gives them.
func shipped() []struct {
	export string
	policies.Type
} {
	return []struct {
		export string
		policies.Type
	}{
		{clerk.Export, clerk.Type()},
	}
}

// catalogue makes what ships known to the host: each type runs as a process of this same binary.
func catalogue() []runtime.Plugin {
	var plugins []runtime.Plugin
	for _, t := range shipped() {
		d := t.Describe()
		plugins = append(plugins, runtime.Plugin{
			Modules:    []string{"@zuplo/runtime", "@zuplo/runtime/mcp-gateway", "@durward/runtime"},
			Export:     t.export,
			PolicyType: d.Type,
			Schema:     d.Options,
			Validate:   t.Validate,
			Executable: runtime.Executable{Args: []string{policyVerb, d.Type}},
		})
	}
	return plugins
}

func newPolicyCommand() *cobra.Command {
	return &cobra.Command{
		Use:    policyVerb + " TYPE",
		Short:  "Serve one policy type to the host that started this process",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, t := range shipped() {
				if t.Describe().Type == args[0] {
					sdk.Serve(t.Type)
					return nil
				}
			}
			return fmt.Errorf("no policy type %q ships with this binary", args[0])
		},
	}
}
