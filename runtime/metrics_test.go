package runtime_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"durward/runtime"
)

// scraped is what a host's metrics said at one moment.
type scraped map[string]*dto.MetricFamily

// scrape asks the admin listener as Prometheus does.
func (w *world) scrape() scraped {
	w.t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(w.metrics()))
	if err != nil {
		w.t.Fatal(err)
	}
	return families
}

// metrics answers the text of the metrics.
func (w *world) metrics() string {
	w.t.Helper()
	got := w.send(http.MethodGet, w.admin+"/metrics", "")
	if got.status != http.StatusOK {
		w.t.Fatalf("the metrics were answered %d %s", got.status, got.body)
	}
	return got.body
}

// value answers the one series of a metric that has these labels, names and values in turn, and whether there is one.
func (s scraped) value(name string, labels ...string) (float64, bool) {
	for _, m := range s[name].GetMetric() {
		has := make(map[string]string)
		for _, l := range m.GetLabel() {
			has[l.GetName()] = l.GetValue()
		}
		all := true
		for i := 0; i < len(labels); i += 2 {
			all = all && has[labels[i]] == labels[i+1]
		}
		if all {
			return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount()), true
		}
	}
	return 0, false
}

// want looks at a series.
func (s scraped) want(t *testing.T, want float64, name string, labels ...string) {
	t.Helper()
	if got, ok := s.value(name, labels...); !ok || got != want {
		t.Errorf("%s%v is %v (%v), want %v", name, labels, got, ok, want)
	}
}

// breaking breaks off every answer of the upstream below /broken.
type breaking struct{ http.RoundTripper }

func (b breaking) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err == nil && strings.HasPrefix(r.URL.Path, "/broken") {
		answer.Body = io.NopCloser(io.MultiReader(strings.NewReader("half"), brokenOff{}))
		answer.ContentLength = -1
		answer.Header.Del("Content-Length")
	}
	return answer, err
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, errors.New("broken off") }

// What has happened to a gateway can be seen in its metrics.
func TestMetricsMove(t *testing.T) {
	t.Parallel()
	const secret = "canary-of-the-metrics"
	w := start(t, func(w *world) {
		w.setup.policy("a").TTL, w.setup.policy("a").Secret = 3600, secret
		w.setup.inHost("key", setKey, map[string]any{"value": "Bearer " + secret})
		for _, id := range []string{"stream", "broken"} {
			r := w.setup.route(id)
			r.upstream, r.policies = w.upstream.URL+"/"+id, []string{"a", "key"}
		}
	}, func(o *runtime.Options) {
		o.WrapTransport = func(next http.RoundTripper) http.RoundTripper { return breaking{next} }
	})
	began := float64(time.Now().Unix())

	// Requests of every kind.
	w.call("one")
	w.call("one")
	w.send(http.MethodPost, "/mcp/one", ping, "Authorization", "Bearer refused")
	w.send(http.MethodPost, "/mcp/one", ping, "Authorization", "Bearer unavailable")
	w.send(http.MethodGet, "/a/echo?"+secret, "")
	w.send(http.MethodGet, "/nowhere/"+secret, "")
	open := w.open("stream")
	open.pass(t, "an event")
	if answer, err := w.client.Do(w.request(http.MethodPost, "/mcp/broken", ping, "Authorization", "Bearer good")); err == nil {
		_, err = io.ReadAll(answer.Body)
		if answer.Body.Close(); err == nil {
			t.Error("what the upstream broke off was answered as a whole")
		}
	}
	w.within("every request is counted", func() bool { // each is when its answer is on its way
		counted := 0.0
		for _, m := range w.scrape()["durward_http_requests_total"].GetMetric() {
			counted += m.GetCounter().GetValue()
		}
		return counted == 7
	})
	s := w.scrape()
	s.want(t, 2, "durward_http_requests_total", "route", "one", "code", "2xx")
	s.want(t, 1, "durward_http_requests_total", "route", "one", "code", "4xx")
	s.want(t, 1, "durward_http_requests_total", "route", "one", "code", "5xx")
	s.want(t, 1, "durward_http_requests_total", "route", "", "policy", "a", "code", "2xx")
	s.want(t, 1, "durward_http_requests_total", "route", "", "policy", "", "code", "4xx")
	s.want(t, 4, "durward_http_request_duration_seconds", "route", "one")
	s.want(t, 1, "durward_upstream_answers_broken_total", "route", "broken")
	s.want(t, 0, "durward_upstream_answers_broken_total", "route", "one")
	s.want(t, 1, "durward_open_answers", "route", "stream")
	s.want(t, 0, "durward_http_stream_duration_seconds", "route", "stream")
	s.want(t, 1, "durward_decisions_total", "policy", "a", "source", "unavailable")
	s.want(t, 1, "durward_decision_duration_seconds", "policy", "a", "source", "unavailable")
	evaluated, _ := s.value("durward_decisions_total", "policy", "a", "source", "evaluated")
	s.want(t, evaluated, "durward_decision_duration_seconds", "policy", "a", "source", "evaluated")
	s.want(t, 1, "durward_policy_up", "policy", "a")
	s.want(t, 1, "durward_policy_up", "policy", "key")
	s.want(t, 1, "durward_policy_state", "policy", "a", "state", "running")
	s.want(t, 1, "durward_policy_state", "policy", "key", "state", "in_host")
	s.want(t, 1, "durward_generation_number")
	s.want(t, 1, "durward_config_last_reload_successful")
	for _, moment := range []string{"durward_config_last_reload_timestamp_seconds", "durward_config_last_reload_success_timestamp_seconds"} {
		if at, _ := s.value(moment); at < began-60 || at > began+1 {
			t.Errorf("%s is %v, the host was started before %v", moment, at, began)
		}
	}
	close(open.send)
	if _, err := open.rest(); err != nil {
		t.Error(err)
	}
	w.within("the stream is counted", func() bool {
		n, _ := w.scrape().value("durward_http_stream_duration_seconds", "route", "stream")
		return n == 1
	})

	// Reloads of every result.
	good, _ := s.value("durward_config_last_reload_success_timestamp_seconds")
	w.reload(runtime.Refused, func(s *setup) { s.route("one").policies = []string{"nobody"} })
	s = w.scrape()
	s.want(t, 0, "durward_config_last_reload_successful")
	s.want(t, good, "durward_config_last_reload_success_timestamp_seconds")
	s.want(t, 1, "durward_config_reloads_total", "result", "refused")
	w.reload(runtime.Unchanged, func(s *setup) { s.route("one").policies = []string{"a"} })
	w.reload(runtime.Applied, func(s *setup) { s.drop("broken") })
	s = w.scrape()
	s.want(t, 1, "durward_config_last_reload_successful")
	s.want(t, 1, "durward_config_reloads_total", "result", "unchanged")
	s.want(t, 1, "durward_config_reloads_total", "result", "applied")
	s.want(t, 3, "durward_config_reload_duration_seconds", "phase", "load")
	s.want(t, 1, "durward_config_reload_duration_seconds", "phase", "swap")
	s.want(t, 2, "durward_generation_number")
	s.want(t, 1, "durward_http_requests_total", "route", "broken", "code", "2xx") // for what it still owes

	// A stream on a route that changes.
	open = w.open("stream")
	open.pass(t, "an event")
	w.reload(runtime.Applied, func(s *setup) { s.route("stream").path = "/mcp/elsewhere" })
	if _, err := open.rest(); err != nil {
		t.Error(err)
	}
	w.within("the ended stream is counted", func() bool {
		n, _ := w.scrape().value("durward_answers_ended_total", "reason", "drained")
		return n == 1
	})

	// A crash.
	if err := syscall.Kill(w.policy("a").PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w.within("the crash is counted", func() bool {
		n, _ := w.scrape().value("durward_policy_restarts_total", "policy", "a")
		return n == 1
	})

	// Names that are gone for good.
	s = w.scrape()
	for _, name := range []string{"durward_http_requests_total", "durward_upstream_answers_broken_total",
		"durward_http_request_duration_seconds", "durward_http_stream_duration_seconds"} {
		if n, has := s.value(name, "route", "broken"); has {
			t.Errorf("%s still has the route that was removed: %v", name, n)
		}
	}
	s.want(t, 2, "durward_http_requests_total", "route", "one", "code", "2xx")

	if text := w.metrics(); strings.Contains(text, secret) || strings.Contains(text, "nowhere") {
		t.Errorf("G10: the metrics hold what a client sent, or a secret:\n%s", text)
	}
}

// The metrics are named as others expect, and docs/metrics.md has them all as they are.
func TestMetricsAreWhatTheDocumentationSays(t *testing.T) {
	t.Parallel()
	w := startTLS(t, newPair(t, 1), nil, func(w *world) { w.setup.route("one").upstream = w.upstream.URL + "/stream/one" })
	s := w.open("one")
	w.reload(runtime.Applied, func(s *setup) { s.policy("a").Mark = "another" })
	w.send(http.MethodGet, "/a/echo", "")
	text := w.metrics()
	s.closer.Close()

	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "durward_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	documented, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	families := w.scrape()
	const memory = "durward_policy_resident_memory_bytes"
	row := regexp.MustCompile("^\\| `durward_[a-z_]+` \\|")
	var have []string
	for line := range strings.Lines(string(documented)) {
		if _, told := families[memory]; !told && strings.Contains(line, memory) {
			continue // this system does not tell
		}
		if row.MatchString(line) {
			have = append(have, strings.TrimSpace(line))
		}
		for _, name := range regexp.MustCompile("durward_[a-z_]+").FindAllString(line, -1) {
			if families[name] == nil {
				t.Errorf("docs/metrics.md speaks of %s, which there is not", name)
			}
		}
	}
	slices.Sort(have)
	if diff := cmp.Diff(table(families), have); diff != "" {
		t.Errorf("docs/metrics.md (-the code, +the page):\n%s", diff)
	}
}

// table answers the rows that the documentation must have.
func table(s scraped) (rows []string) {
	for name, f := range s {
		if !strings.HasPrefix(name, "durward_") {
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		rows = append(rows, "| `"+name+"` | "+strings.ToLower(f.GetType().String())+" | "+strings.Join(labels, " ")+" | "+f.GetHelp()+" |")
	}
	slices.Sort(rows)
	return rows
}
