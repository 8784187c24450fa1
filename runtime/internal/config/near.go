package config

import (
	"fmt"
	"strings"

	"durward/schema/suggest"
)

// instead ends a text about a name that is not known: with the one that was probably meant, or with all that are.
func instead(name string, known []string) string {
	if meant, ok := suggest.Nearest(name, known); ok {
		return fmt.Sprintf(": did you mean %q?", meant)
	}
	return "; known are: " + listed(known)
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
