package config

import (
	"fmt"
	"slices"
	"strings"

	"durward/schema/elsewhere"
	"durward/schema/suggest"
)

// instead ends a text about a name that is not known: with the one that was probably meant, or with all that are.
func instead(name string, known []string) string {
	if meant, ok := suggest.Nearest(name, known); ok {
		return fmt.Sprintf(": did you mean %q?", meant)
	}
	return "; known are: " + listed(known)
}

// modules says which modules handler.module may name.
func modules(names []string) string {
	written := importsOf(names)
	if len(written) == 1 {
		return "must be " + written[0]
	}
	return "must be one of " + strings.Join(written, ", ")
}

// importOf is a module as handler.module names it.
func importOf(module string) string { return importOpen + module + ")" }

func importsOf(modules []string) []string {
	written := make([]string, len(modules))
	for i, module := range modules {
		written[i] = importOf(module)
	}
	return written
}

// otherModule is what to say of a handler.module that is none of those which ship.
func otherModule(module string, names []string) string {
	if strings.HasPrefix(module, importOpen+".") {
		return modules(names) + ": the gateway runs no code from the configuration folder"
	}
	known := importsOf(names)
	for _, written := range []string{module, importOf(module)} {
		meant, ok := suggest.Nearest(written, known)
		if slices.Contains(known, written) {
			meant, ok = written, true
		}
		if ok {
			return fmt.Sprintf("%s; did you mean %s?", modules(names), meant)
		}
	}
	return modules(names)
}

// otherType says that a policyType is not known here, or that it is of another gateway.
func otherType(name string, known []string) string {
	for _, ending := range []string{"-inbound", "-outbound"} {
		full := name
		if !strings.HasSuffix(name, ending) {
			full += ending
		}
		if text := elsewhere.PolicyType(full); text != "" {
			return fmt.Sprintf("%s %s; known are: %s", full, text, listed(known))
		}
		if slices.Contains(known, full) {
			return fmt.Sprintf("unknown policy type: did you mean %q?", full)
		}
	}
	return "unknown policy type" + instead(name, known)
}

// otherHandler says that a handler is not known here, or that it is of another gateway.
func otherHandler(export string) string {
	if text := elsewhere.Handler(export); text != "" {
		return export + " " + text
	}
	text := fmt.Sprintf("must be %q", proxyHandler)
	if _, near := suggest.Nearest(export, []string{proxyHandler}); !near {
		text += ", the one handler that there is"
	}
	return text
}

// listed prints names for a person.
func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, ", ")
}
