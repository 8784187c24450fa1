package architecture

import (
	"fmt"
	"slices"
	"strings"
)

// rooms are the product's folders, each with what its packages may import of ours. Arrows run down only.
func rooms() map[string][]string {
	return map[string][]string{
		"./cmd/...":      {"./cmd/...", "./runtime", "./plugins/...", "./config", "./policies", "./policies/sdk"},
		"./plugins/...":  {"./plugins/...", "./policies/..."},
		"./runtime/...":  {"./runtime/...", "./policies", "./policies/policypb", "./policies/sdk/protocol", "./schema/..."},
		"./policies/...": {"./policies/..."},
		"./schema/...":   {"./schema/..."},
		"./examples/...": {}, // tests only
		"./config/...":   {"./config/..."},
	}
}

// staysInRoom complains of imports that a room does not allow.
func staysInRoom(room string) func(product) []string {
	return func(p product) (broken []string) {
		for _, one := range p.packages {
			if !matches(one.Path, []string{room}) {
				continue
			}
			for _, imported := range one.Imports {
				if ours(imported) && !matches(imported, rooms()[room]) {
					broken = append(broken, fmt.Sprintf("%s imports %s", one.Path, imported))
				}
			}
		}
		return broken
	}
}

// hasRoom complains of packages in folders that the plan does not know.
func hasRoom(p product) (broken []string) {
	for _, one := range p.packages {
		known := false
		for room := range rooms() {
			known = known || matches(one.Path, []string{room})
		}
		if !known {
			broken = append(broken, one.Path+" is in no room")
		}
	}
	return broken
}

// never complains of packages that reach others, over however many steps.
func never(from, to []string) func(product) []string {
	return func(p product) (broken []string) {
		for _, one := range p.packages {
			if !matches(one.Path, from) {
				continue
			}
			for _, reached := range one.Deps {
				if matches(reached, to) {
					broken = append(broken, fmt.Sprintf("%s reaches %s", one.Path, reached))
				}
			}
		}
		return broken
	}
}

// only complains of packages that import what is for others.
func only(who []string, imports ...string) func(product) []string {
	return func(p product) (broken []string) {
		for _, one := range p.packages {
			if matches(one.Path, who) {
				continue
			}
			for _, imported := range one.Imports {
				if matches(imported, imports) {
					broken = append(broken, fmt.Sprintf("%s imports %s", one.Path, imported))
				}
			}
		}
		return broken
	}
}

// example makes a product of packages, each "path: what it imports". What it imports is also all it reaches.
func example(packages ...string) product {
	var p product
	for _, line := range packages {
		name, imports, _ := strings.Cut(line, ":")
		fields := strings.Fields(imports)
		p.packages = append(p.packages, pkg{Path: name, Imports: fields, Deps: slices.Clone(fields)})
	}
	return p
}
