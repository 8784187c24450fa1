package main

import (
	"durward/conformance/hostile/kind"
	"durward/plugins/clerk"
	"durward/runtime"
)

// catalogue is what ships, served by this program, and every hostile type, served by the executable at the path.
func catalogue(executable string) []runtime.Plugin {
	shipped := clerk.Type()
	described := shipped.Describe()
	plugins := []runtime.Plugin{{
		Modules: []string{"@zuplo/runtime", "@zuplo/runtime/mcp-gateway", kind.Module}, Export: clerk.Export,
		PolicyType: described.Type, Schema: described.Options, Validate: shipped.Validate,
		Executable: runtime.Executable{Args: []string{policyVerb, described.Type}},
	}, hostile("", executable)}
	for _, early := range kind.Early() {
		plugins = append(plugins, hostile(early, executable, early))
	}
	return plugins
}

func hostile(early, executable string, arguments ...string) runtime.Plugin {
	t := kind.Type(early)
	described := t.Describe()
	return runtime.Plugin{
		Modules: []string{kind.Module}, Export: kind.Export, PolicyType: described.Type, Schema: described.Options,
		Validate: t.Validate, Executable: runtime.Executable{Path: executable, Args: arguments},
	}
}
