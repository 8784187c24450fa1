package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"durward/schema/jsonpointer"
)

// danger tells of something at the pointer that is not safe in production, and of what makes it safe.
func (s *source) danger(pointer, text string) {
	file, within := s.locate(s.nearest(pointer))
	file.dangers = append(file.dangers, fault{file.offset(within, false), within, text, s, pointer})
}

// unsafe are the dangers, in the order of the files.
func (b *build) unsafe() (problems []Problem) {
	for _, s := range b.sources() {
		problems = append(problems, s.settled(s.dangers, maxProblems)...)
	}
	return append(problems, b.dotEnvDangers...)
}

// checkSafety looks for what a gateway in production should not have. All of it is legal: most of it is how one begins.
func (b *build) checkSafety(g Gateway, drafts []*policyDraft, routes []*routeDraft) {
	b.checkListeners(g)
	for i, prefix := range g.TrustedProxies {
		if prefix.Bits() == 0 {
			b.gateway.danger(at("/trustedProxies", i), "believes forwarded headers of anybody: name the addresses of the "+
				"proxies alone")
		}
	}
	b.checkWritten(b.gateway, "/adminToken", g.AdminToken)
	b.checkWritten(b.gateway, "/store/key", text(b.gateway.value, "store", "key"))
	for _, d := range drafts {
		for _, pointer := range d.secrets {
			b.checkWritten(b.policies, d.optionsAt()+pointer, find(d.options, pointer))
		}
	}
	b.checkOrigins(routes)
	b.checkFiles()
}

// checkOrigins looks for CORS policies that say nothing of who may call.
func (b *build) checkOrigins(routes []*routeDraft) {
	for _, r := range routes {
		const policy = "/x-zuplo-route/corsPolicy"
		if find(r.source.value, r.at+policy) == anyCORS {
			r.source.danger(r.at+policy, "lets the pages of every origin use the route: name their origins in corsPolicies "+
				"of policies.json")
		}
	}
	entries, _ := get(b.policies.value, "corsPolicies").([]any)
	for i, entry := range entries {
		if slices.Contains(corsList(entry, "allowedOrigins"), "*") {
			b.policies.danger(at("/corsPolicies", i)+"/allowedOrigins", "lets the pages of every origin use the routes that "+
				"name it: list their origins")
		}
	}
}

// checkListeners looks at who reaches the listeners, and how. What a flag says counts as what the file says would.
func (b *build) checkListeners(g Gateway) {
	public := reachable(cmp.Or(b.options.Listen, g.Listen))
	if public && len(g.PublicURLs) == 0 {
		b.gateway.danger("/listen", `other machines reach this address, and the gateway goes by whatever name they call `+
			`it: set "publicUrl" to the https origin that clients use`)
	}
	if public && g.TLS == nil && len(g.TrustedProxies) == 0 {
		b.gateway.danger("/listen", `other machines reach this address, which speaks plain http: set "tls", or name in `+
			`"trustedProxies" the proxy before it that does`)
	}
	for i, origin := range g.PublicURLs {
		if strings.HasPrefix(origin, "http://") {
			pointer := "/publicUrl"
			if _, list := get(b.gateway.value, "publicUrl").([]any); list {
				pointer = at(pointer, i)
			}
			b.gateway.danger(pointer, "is plain http, which is for development: write the https origin that clients use")
		}
	}
	if reachable(cmp.Or(b.options.Admin, g.Admin)) {
		b.gateway.danger("/admin", "other machines reach this address, which speaks plain http, and so does whoever sends "+
			"adminToken to it: listen on a loopback address, and let others come through a tunnel")
	}
}

// reachable says that others than this machine reach an address; "" is the default, which is a loopback one.
func reachable(listen string) bool {
	host, ok := splitListen(listen)
	return listen != "" && (!ok || !IsLoopbackHost(host))
}

// checkWritten looks for texts within a secret that are written out.
func (b *build) checkWritten(s *source, pointer string, value any) {
	switch v := value.(type) {
	case string:
		if v != "" && len(s.fromEnv[pointer]) == 0 {
			s.danger(pointer, "is a secret that is written out: write $env(NAME), and put it into the variable NAME or the "+
				"file that NAME_FILE names")
		}
	case []any:
		for i, item := range v {
			b.checkWritten(s, pointer+"/"+strconv.Itoa(i), item)
		}
	case map[string]any:
		for name, member := range v {
			b.checkWritten(s, jsonpointer.Join(pointer, name), member)
		}
	}
}

// checkFiles looks at who may read the files that hold secrets. Their paths are not printed: see reference.File.
func (b *build) checkFiles() {
	if b.sharedKey {
		b.gateway.danger("/tls/keyFile", "others than its owner may read the private key: chmod 600 the file")
	}
	for _, f := range b.variables.Files() {
		switch {
		case !f.Shared:
		case f.Variable == "":
			b.dotEnvDangers = append(b.dotEnvDangers, b.ofDotEnv(1, "others than its owner may read it: chmod 600 the file"))
		default:
			b.checkFileOf(f.Variable)
		}
	}
}

// checkFileOf tells of a file that others may read where the variable that it holds is named first.
func (b *build) checkFileOf(variable string) {
	for _, s := range b.sources() {
		for _, n := range s.named {
			if n.name == variable {
				s.dangers = append(s.dangers, fault{n.offset, n.pointer,
					"others than its owner may read the file that " + variable + "_FILE names: chmod 600 it", s, n.pointer})
				return
			}
		}
	}
}
