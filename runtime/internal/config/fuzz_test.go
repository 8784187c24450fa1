package config

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// No bytes make Load panic, print what came from the environment, or answer a Config together with problems; and the same
// bytes come to the same. Run it with -fuzzminimizetime=5x: the seeds are long, and making them short takes minutes.
func FuzzLoad(f *testing.F) {
	base := validFolder(f)
	f.Add(base[PoliciesFile].Data, base[RoutesFile].Data, base[GatewayFile].Data)
	inHost := folderOf(f, "middleware")
	f.Add(inHost[PoliciesFile].Data, inHost[RoutesFile].Data, []byte(`{}`))
	f.Add([]byte(`{"policies":[{"name":"a","policyType":"login-inbound","handler":{"options":{"extra":[1e999,"$env("]}}}]}`),
		[]byte(`{"openapi":"3.1.0","paths":{"/{a}/":{"post":{"x-zuplo-route":{"handler":{"options":{"rewritePattern":"${env.UPSTREAM}${"}}}}}}}`),
		[]byte(`{"publicUrl":["http://[::1]:0"],"trustedProxies":["::/129"],"listen":":","adminToken":null}`))
	f.Add([]byte(`[[[`), []byte("\xef\xbb\xbf{}"), []byte(`{"a":1,"a":2}`))
	f.Add([]byte(`{"policies":{"0":{}}}`), []byte(`{"paths":[{}]}`), []byte(`null`))
	f.Fuzz(func(t *testing.T, policies, routes, gateway []byte) {
		loader := newLoader(t, fstest.MapFS{
			PoliciesFile: &fstest.MapFile{Data: policies},
			RoutesFile:   &fstest.MapFile{Data: routes},
			GatewayFile:  &fstest.MapFile{Data: gateway},
		}, baseEnv())
		first, second := loader.Load(), loader.Load()
		if (first.Config == nil) != (len(first.Problems) > 0) {
			t.Fatalf("Config is nil: %v, with %d problems", first.Config == nil, len(first.Problems))
		}
		if first.Config != nil {
			for _, r := range first.Config.Routes {
				if r.Upstream == nil {
					t.Fatalf("route %q leads nowhere", r.ID)
				}
			}
		}
		if diff := cmp.Diff(first.Problems, second.Problems); diff != "" {
			t.Fatalf("problems differ (-first +second):\n%s", diff)
		}
		input := string(policies) + string(routes) + string(gateway)
		for _, p := range first.Problems {
			if p.Line < 1 || p.Column < 1 || strings.Contains(p.String(), "\n") {
				t.Fatalf("problem without a place: %q", p)
			}
			if strings.Contains(p.String(), canary) && !strings.Contains(input, canary) {
				t.Fatalf("G10: a value of the environment is printed: %s", p)
			}
		}
		if first.Config == nil {
			return
		}
		for i, p := range first.Config.Policies {
			if q := second.Config.Policies[i]; p.Hash != q.Hash || p.DecisionHash != q.DecisionHash {
				t.Fatalf("G5: the hashes of policy %s differ", p.Name)
			}
		}
	})
}
