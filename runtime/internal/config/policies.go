package config

import (
	"fmt"
	"slices"
	"strings"

	"durward/policies"
)

// policyDraft is a policy in the making.
type policyDraft struct {
	Policy
	at      string // the pointer of the policy
	kind    *policyType
	options any
	// secrets are the pointers, within options, of the secret ones that are there.
	secrets []string
	// reported says that the options are sound and the type has reported on them.
	reported bool
}

func (d *policyDraft) optionsAt() string { return d.at + "/handler/options" }

// readPolicies reads what policies.json says, without asking the types.
func (b *build) readPolicies() (drafts []*policyDraft) {
	list, _ := get(b.policies.value, "policies").([]any)
	for i, item := range list {
		d := &policyDraft{at: at("/policies", i)}
		d.Name, d.Type = text(item, "name"), text(item, "policyType")
		drafts = append(drafts, d)
		if d.Type != "" {
			b.readType(d, item)
		}
	}
	b.checkNames(drafts)
	return drafts
}

// readType finds the policy's type and checks what depends on it.
func (b *build) readType(d *policyDraft, item any) {
	i := slices.IndexFunc(b.types, func(t policyType) bool { return t.Type == d.Type })
	if i < 0 {
		known := make([]string, len(b.types))
		for i, t := range b.types {
			known[i] = t.Type
		}
		b.policies.problem(d.at+"/policyType", "unknown policy type; known are: %s", listed(known))
		return
	}
	d.kind = &b.types[i]
	d.PolicyType = &d.kind.PolicyType
	if export, ok := get(item, "handler", "export").(string); ok && export != d.kind.Export {
		b.policies.problem(d.at+"/handler/export", "must be %q for policyType %q", d.kind.Export, d.Type)
	}
	if module, ok := get(item, "handler", "module").(string); ok && !imports(module, d.kind.Modules) {
		b.policies.problem(d.at+"/handler/module", "must be one of %s", modules(d.kind.Modules))
	}
	handler, ok := get(item, "handler").(map[string]any)
	if !ok {
		return
	}
	options, there := handler["options"]
	if !there {
		options = map[string]any{}
	}
	if object, ok := options.(map[string]any); ok {
		d.options = object
		b.policies.check(d.kind.options, d.optionsAt(), object)
		d.secrets = d.kind.options.Secrets(object)
	}
}

// checkNames refuses two policies that could not be told apart by name, or by the names of their cookies.
func (b *build) checkNames(drafts []*policyDraft) {
	for i, d := range drafts {
		if d.Name == "" || !b.policies.sound(d.at+"/name") {
			continue
		}
		for _, other := range drafts[:i] {
			if other.Name == d.Name {
				b.policies.problem(d.at+"/name", "another policy has this name, on line %d", b.policies.line(other.at+"/name"))
				break
			}
			if other.Name != "" && cookiesMeet(d.Name, other.Name) {
				b.policies.problem(d.at+"/name", "names %q and %q must not differ in an ending that begins with - only: "+
					"the cookies of one would reach the other", other.Name, d.Name)
				break
			}
		}
	}
}

// cookiesMeet says whether one policy's cookie prefix begins with the other's.
func cookiesMeet(a, b string) bool {
	x, y := policies.CookiePrefix(a, ""), policies.CookiePrefix(b, "")
	return strings.HasPrefix(x, y) || strings.HasPrefix(y, x)
}

// imports says whether a handler.module names one of the modules.
func imports(module string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return module == "$import("+name+")" })
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
