package config

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"durward/policies"
	"durward/runtime/internal/reference"
)

// minRedacted is the length in bytes from which a value is blotted out. Shorter ones occur in any text.
const minRedacted = 4

// blots is what must not be printed, and what is printed instead. It is the backstop of G10 for texts that come from a
// policy type; those of this package and of the schemas quote no value.
type blots map[string]string

// env blots out a resolved variable.
func (b blots) env(v reference.Variable) { b.set(v.Value, "$env("+v.Name+")") }

// secret blots out every string within a secret option, and each line of one that has several: a crash dump shows them
// apart.
func (b blots) secret(value any) {
	switch v := value.(type) {
	case string:
		for _, text := range append(strings.Split(v, "\n"), v) {
			if text = strings.TrimSuffix(text, "\r"); b[text] == "" {
				b.set(text, "(secret)")
			}
		}
	case []any:
		for _, item := range v {
			b.secret(item)
		}
	case map[string]any:
		for _, member := range v {
			b.secret(member)
		}
	}
}

func (b blots) set(value, instead string) {
	if len(value) < minRedacted {
		return
	}
	b[value] = instead
	// As %q and JSON print it.
	if quoted := strconv.Quote(value); quoted[1:len(quoted)-1] != value {
		b[quoted[1:len(quoted)-1]] = instead
	}
}

// blots answers every secret there is, and with them what came from variables.
func (b *build) blots(drafts []*policyDraft, adminToken string) (secrets, all blots) {
	secrets = blots{}
	secrets.secret(adminToken)
	for _, d := range drafts {
		maps.Copy(secrets, d.secretValues())
	}
	return secrets, b.withVariables(secrets)
}

// withVariables answers values with what came from variables.
func (b *build) withVariables(values blots) blots {
	all := blots{}
	maps.Copy(all, values)
	for _, v := range b.variables.Used() {
		all.env(v)
	}
	return all
}

// replacer replaces the longest value first.
func (b blots) replacer() *strings.Replacer {
	values := make([]string, 0, len(b))
	for value := range b {
		values = append(values, value)
	}
	slices.SortFunc(values, func(x, y string) int {
		return cmp.Or(cmp.Compare(len(y), len(x)), strings.Compare(x, y))
	})
	pairs := make([]string, 0, 2*len(values))
	for _, value := range values {
		pairs = append(pairs, value, b[value])
	}
	return strings.NewReplacer(pairs...)
}

// redacted answers the report with its problems and notes blotted out, and its facts of secrets only: an issuer may well
// come from the environment, and facts are there to show it.
func redacted(report policies.Report, all, secrets *strings.Replacer) policies.Report {
	report.Problems = redactedProblems(report.Problems, all)
	report.Notes = redactedProblems(report.Notes, all)
	report.Facts = slices.Clone(report.Facts)
	for i, fact := range report.Facts {
		report.Facts[i].Value = secrets.Replace(fact.Value)
	}
	return report
}

func redactedProblems(list []policies.Problem, r *strings.Replacer) []policies.Problem {
	list = slices.Clone(list)
	for i, p := range list {
		list[i] = policies.Problem{Pointer: p.Pointer, Text: r.Replace(p.Text)}
	}
	return list
}
