package config

import (
	"slices"
	"strings"

	"durward/runtime/internal/reference"
)

// treatment is what happens to references in a text.
type treatment = reference.How

// policiesTreatment: references are resolved in options, and in what a CORS policy says but its name.
func policiesTreatment(names []string) treatment {
	switch {
	case len(names) > 4 && names[0] == "policies" && names[2] == "handler" && names[3] == "options",
		len(names) > 2 && names[0] == "corsPolicies" && names[2] != "name":
		return reference.Resolve
	}
	return reference.Refuse
}

// routesTreatment: references are resolved in a handler's options. In those parts of an OpenAPI document that mean
// nothing here, text may mention them.
func routesTreatment(names []string) treatment {
	if len(names) == 2 && names[0] == "paths" {
		return reference.Refuse
	}
	if len(names) < 4 || names[0] != "paths" {
		return reference.Free
	}
	switch names[3] {
	case "operationId", "summary":
		return reference.Refuse
	case "x-zuplo-route":
		if len(names) < 7 || names[4] != "handler" || names[5] != "options" {
			return reference.Refuse
		}
		if len(names) == 7 && names[6] == "rewritePattern" {
			return reference.ResolveURL
		}
		return reference.Resolve
	}
	return reference.Free
}

// gatewayTreatment: references are resolved in secrets.
func gatewayTreatment(names []string) treatment {
	if slices.Equal(names, []string{"adminToken"}) || slices.Equal(names, []string{"store", "key"}) {
		return reference.Resolve
	}
	return reference.Refuse
}

func hasReference(text string) bool {
	return strings.Contains(text, "$env(") || strings.Contains(text, "${env.")
}
