package config

import (
	"maps"
	"slices"
	"strings"

	"durward/policies"
)

// blots answers every secret there is, and with them what came from variables.
func (b *build) blots(drafts []*policyDraft, adminToken string) (secrets, all blots) {
	secrets = blots{}
	secrets.secret(adminToken)
	secrets.secret(get(b.gateway.value, "store", "key"))
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
		list[i].Text = r.Replace(p.Text)
	}
	return list
}
