package config

import "slices"

// policyDraft is a policy in the making.
type policyDraft struct {
	Policy
	at      string // the pointer of the policy
	kind    *policyType
	options any
}

func (d *policyDraft) optionsAt() string { return d.at + "/handler/options" }

// readPolicies reads what policies.json says, without asking the types.
func (b *build) readPolicies() (drafts []*policyDraft) {
	list, _ := get(b.policies.value, "policies").([]any)
	for i, item := range list {
		d := &policyDraft{at: at("/policies", i)}
		d.Name, d.Type = text(item, "name"), text(item, "policyType")
		drafts = append(drafts, d)
		if _, ok := get(item, "policyType").(string); ok {
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
		b.policies.problem(d.at+"/policyType", "%s", otherType(d.Type, known))
		return
	}
	d.kind = &b.types[i]
	d.PolicyType = &d.kind.PolicyType
	if export, ok := get(item, "handler", "export").(string); ok && export != d.kind.Export {
		b.policies.problem(d.at+"/handler/export", "must be %q for policyType %q", d.kind.Export, d.Type)
	}
	if module, ok := get(item, "handler", "module").(string); ok && !imports(module, d.kind.Modules) {
		b.policies.problem(d.at+"/handler/module", "%s", otherModule(module, d.kind.Modules))
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
		b.policies.misplaced(d.kind.options, d.optionsAt())
		d.secrets = d.kind.options.Secrets(object)
	}
}

// checkNames refuses two policies that could not be told apart by name, or by the names of their cookies: those of
// "a-b" begin with what those of "a" begin with (policies.CookiePrefix), so "a" would be passed them.
func (b *build) checkNames(drafts []*policyDraft) {
	named := map[string]*policyDraft{}
	for _, d := range drafts {
		if d.Name == "" || !b.policies.sound(d.at+"/name") {
			continue
		}
		if first := named[d.Name]; first != nil {
			b.policies.problem(d.at+"/name", "another policy has this name, on line %d", b.policies.line(first.at+"/name"))
			continue
		}
		named[d.Name] = d
	}
	for _, d := range drafts {
		for cut, c := range d.Name {
			other := named[d.Name[:cut]]
			if c == '-' && other != nil && named[d.Name] == d && d.hasCookies() && other.hasCookies() {
				b.policies.problem(d.at+"/name", "begins with the name of policy %q and a -, so its cookies "+
					"would reach that policy: rename one of them", other.Name)
				break
			}
		}
	}
}

// hasCookies says that the policy may have cookies: one that runs inside the host has none.
func (d *policyDraft) hasCookies() bool { return d.kind == nil || d.kind.Compile == nil }

// imports says whether a handler.module names one of the modules.
func imports(module string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return module == importOf(name) })
}
