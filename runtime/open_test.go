package runtime_test

import (
	"strings"
	"testing"

	"durward/runtime"
)

// A route that nobody guards must be meant so, and the log says at the start, and at each reload that makes it so, that it
// is open.
func TestOpenRoutesAreWarnedOf(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) { w.setup.route("open").upstream = w.upstream.URL })
	warned := func(want ...string) {
		t.Helper()
		var got []string
		w.log.find(func(line map[string]any) bool {
			if line["msg"] == "route is open to everybody" {
				got = append(got, line["level"].(string)+" "+line["route"].(string)+" "+line["path"].(string))
			}
			return false
		})
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("warned of %q, want %q", got, want)
		}
	}
	warned("WARN open /mcp/open")
	w.reload(runtime.Applied, func(s *setup) { s.policy("a").Mark = "changed" })
	warned("WARN open /mcp/open")
	w.reload(runtime.Applied, func(s *setup) {
		s.route("other").upstream = w.upstream.URL
		s.route("open").path = "/mcp/elsewhere"
	})
	warned("WARN open /mcp/open", "WARN open /mcp/elsewhere", "WARN other /mcp/other")
	r := w.reload(runtime.Refused, func(s *setup) { s.gateway["publicRoutes"] = []string{"open"} })
	if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Text, `route "other" is open to everybody, since none`) {
		t.Errorf("problems: %v", r.Problems)
	}
}
