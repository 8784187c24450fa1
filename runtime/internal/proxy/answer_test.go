package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/runtime/internal/passage"
	"durward/runtime/internal/proxy"
)

// What the host changes of answers' headers stands beside or in place of what the upstream sends, on calls and streams; of
// what the host answers itself nothing is changed.
func TestChangesOfAnswers(t *testing.T) {
	kind, status := "application/json", http.StatusOK
	g := newGateway(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		for _, name := range []string{"X-Set", "X_taken", "X-Else"} {
			w.Header().Set(name, "upstream")
		}
		w.WriteHeader(status)
		io.WriteString(w, "data: {}\n\n")
	}, func(o *proxy.Options) {
		var changes passage.Changes
		changes.Set(0, "x-set", []string{"host"})
		changes.Offer(0, "X-Taken", []string{"host"})
		changes.Offer(1, "X-Offered", []string{"host"})
		o.Answer = changes.List()
	}, nil)
	for _, c := range []struct {
		kind   string
		status int
		want   map[string]string
	}{
		{"application/json", 200, map[string]string{"X-Set": "host", "X-Taken": "", "X_taken": "upstream", "X-Offered": "host", "X-Else": "upstream"}},
		{"application/json", 404, map[string]string{"X-Set": "host", "X-Taken": "", "X_taken": "upstream", "X-Offered": "host", "X-Else": "upstream"}},
		{"text/event-stream", 200, map[string]string{"X-Set": "host", "X-Taken": "", "X_taken": "upstream", "X-Offered": "host", "X-Else": "upstream"}},
		{"application/json", 401, map[string]string{"X-Set": "", "X-Taken": "", "X_taken": "", "X-Offered": "", "X-Else": ""}},
	} {
		kind, status = c.kind, c.status
		res := g.post(t, nil, call)
		readAll(t, res)
		got := map[string]string{}
		for name := range c.want {
			got[name] = strings.Join(res.Header[name], " and ")
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s %d (-want +got):\n%s", c.kind, c.status, diff)
		}
	}
}
