package pluginhost

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"durward/policies"
	"durward/policies/policypb"
)

// confirm answers an error if what the process says of its input is not what the host knows: the host has planned paths,
// leases, watched files and the inputs of decisions by its own report, and a process that means others is of another
// version than the catalogue's, or lies. Notes, facts and which option moves a path are for people and may differ. The
// error quotes neither report.
func confirm(process, host policies.Report) error {
	host, err := policypb.DecodeReport(policypb.EncodeReport(host)) // in the form that a report has on its way
	if err != nil {
		return fmt.Errorf("the policy type's Validate: %w", err)
	}
	other := ""
	switch {
	case !slices.Equal(sortedPaths(process.Paths), sortedPaths(host.Paths)):
		other = "paths"
	case !maps.EqualFunc(process.Vary, host.Vary, sameVary):
		other = "inputs of its decisions"
	case process.Authenticates != host.Authenticates:
		other = "word on whether it authenticates"
	case !slices.Equal(sorted(process.Files), sorted(host.Files)):
		other = "files"
	default:
		return nil
	}
	return fmt.Errorf("process reports other %s than the policy type's Validate: they are not of the same version", other)
}

func sameVary(a, b policies.Vary) bool {
	return a.Origin == b.Origin && a.ClientAddress == b.ClientAddress && slices.Equal(sorted(a.Headers), sorted(b.Headers)) &&
		slices.Equal(sorted(a.Methods), sorted(b.Methods)) && slices.Equal(sorted(a.Names), sorted(b.Names))
}

func sorted(texts []string) []string { return slices.Sorted(slices.Values(texts)) }

func sortedPaths(paths []policies.Path) []policies.Path {
	served := slices.SortedFunc(slices.Values(paths), func(a, b policies.Path) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), compareBool(a.Admin, b.Admin))
	})
	for i := range served {
		served[i].Option = ""
	}
	return served
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
