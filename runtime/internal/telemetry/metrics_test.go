package telemetry

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// Whatever an answer's status is, the labels are of a few words.
func TestRequestsAreCountedByHundreds(t *testing.T) {
	m := NewMetrics()
	meter := m.Route("r")
	for _, status := range []int{0, -1, 99, 200, 204, 301, 404, 499, 503, 600, 1 << 30} {
		meter.count(status, false, time.Second)
	}
	meter.count(http.StatusOK, true, time.Hour)
	(*Meter)(nil).count(http.StatusOK, false, time.Second)
	for code, want := range map[string]float64{"none": 5, "1xx": 0, "2xx": 3, "3xx": 1, "4xx": 2, "5xx": 1} {
		if got := testutil.ToFloat64(m.requests.WithLabelValues("r", "", code)); got != want {
			t.Errorf("%s was counted %v times, want %v", code, got, want)
		}
	}
	if n := testutil.CollectAndCount(m.requests); n != 6 {
		t.Errorf("there are %d series of one route", n)
	}
}

func TestAccessLogCounts(t *testing.T) {
	m := NewMetrics()
	route := m.Route("r")
	h := AccessLog(slog.New(slog.DiscardHandler), time.Now, m.Elsewhere(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/stream":
			RequestFrom(r.Context()).Meter = route
			w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		case "/abort":
			RequestFrom(r.Context()).Meter = route
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusOK)
	}))
	for _, path := range []string{"/stream", "/abort", "/nowhere"} {
		func() {
			defer func() { _ = recover() }()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
		}()
	}
	for _, c := range []struct{ route, code string }{{"r", "2xx"}, {"r", "none"}, {"", "2xx"}} {
		if got := testutil.ToFloat64(m.requests.WithLabelValues(c.route, "", c.code)); got != 1 {
			t.Errorf("%+v was counted %v times", c, got)
		}
	}
	text := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(text, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`durward_http_stream_duration_seconds_count{policy="",route="r"} 1`,
		`durward_http_request_duration_seconds_count{policy="",route="r"} 1`,
		`durward_http_request_duration_seconds_count{policy="",route=""} 1`,
	} {
		if !strings.Contains(text.Body.String(), want) {
			t.Errorf("the metrics do not say %s", want)
		}
	}
}

// Series of names that are gone stay for one more configuration, those of names that are there for good.
func TestSeriesGoWithTheirNames(t *testing.T) {
	m := NewMetrics()
	series := func() int { return testutil.CollectAndCount(m.answers) }
	m.Elsewhere()
	m.Route("stays")
	m.Route("goes").Broken()
	m.Policy("stays")
	m.Policy("goes").Fault()
	m.Decided("goes", "evaluated", time.Second)
	for _, c := range []struct {
		name string
		step func()
		want int
	}{
		{"all are there", func() { m.Keep([]string{"stays", "goes"}, []string{"stays", "goes"}) }, 5},
		{"gone once", func() { m.Keep([]string{"stays"}, []string{"stays"}) }, 5},
		{"back again", func() { m.Keep([]string{"stays", "goes"}, []string{"stays", "goes"}) }, 5},
		{"gone once more", func() { m.Keep([]string{"stays"}, []string{"stays"}) }, 5},
		{"gone twice in a row", func() { m.Keep([]string{"stays"}, []string{"stays"}) }, 3},
		{"a policy of the name of a route", func() { m.Keep(nil, []string{"stays"}); m.Keep(nil, []string{"stays"}) }, 2},
	} {
		c.step()
		if got := series(); got != c.want {
			t.Errorf("%s: %d series, want %d", c.name, got, c.want)
		}
	}
	for name, left := range map[string]int{
		"broken": testutil.CollectAndCount(m.broken), "decisions": testutil.CollectAndCount(m.decisions),
	} {
		if left != 0 {
			t.Errorf("%s: %d series are left", name, left)
		}
	}
	if left := testutil.CollectAndCount(m.faults); left != 1 {
		t.Errorf("faults: %d series are left, want those of the policy that stays", left)
	}
}
