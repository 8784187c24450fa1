package telemetry

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics counts what happens, for Prometheus and whatever reads its format. What can be told from how things stand is
// counted nowhere twice: it is collected when it is asked for, see Collect. Its methods are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	requests  *prometheus.CounterVec
	answers   *prometheus.HistogramVec
	streams   *prometheus.HistogramVec
	broken    *prometheus.CounterVec
	full      *prometheus.CounterVec
	faults    *prometheus.CounterVec
	decisions *prometheus.HistogramVec
	reloads   *prometheus.CounterVec
	phases    *prometheus.HistogramVec

	mu sync.Mutex
	// absent counts, for each part that has series, the configurations since the last one that had it.
	absent map[part]int
}

// part is a route, or a policy for the paths that it serves itself, or neither: what nobody serves.
type part struct{ route, policy string }

func (p part) labels() prometheus.Labels {
	return prometheus.Labels{"route": p.route, "policy": p.policy}
}

// NewMetrics answers metrics in a registry of their own, with those of the Go runtime and of the process. results are all
// that may come of a load: each is counted from 0, so that its first time is seen as one.
func NewMetrics(results ...string) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, seconds []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: seconds}, labels)
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		absent:   make(map[part]int),
		requests: counter("durward_http_requests_total",
			"Requests of clients, by the route that took them, or by the policy that served the path itself, or neither; "+
				"by the hundreds of the answer's status, \"none\" if it broke off before there was one.",
			"route", "policy", "code"),
		answers: histogram("durward_http_request_duration_seconds",
			"How long requests took, until the last byte of the answer; event streams are counted apart.",
			[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}, "route", "policy"),
		streams: histogram("durward_http_stream_duration_seconds",
			"How long answers that are event streams took, those of single calls included.",
			[]float64{.01, .1, 1, 5, 15, 60, 300, 900, 3600, 14400, 43200}, "route", "policy"),
		broken: counter("durward_upstream_answers_broken_total",
			"Answers that an MCP server began and did not finish while client and gateway still wanted them.", "route"),
		full: counter("durward_streams_refused_total",
			"Requests that were answered 503 because as many event streams were open as there may be.", "route"),
		faults: counter("durward_store_faults_total",
			"Calls of a policy to its store that failed, other than for want of a record or because it had changed.", "policy"),
		decisions: histogram("durward_decision_duration_seconds",
			"How long requests waited for a decision that was not remembered, by where it came from in the end.",
			[]float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}, "policy", "source"),
		reloads: counter("durward_config_reloads_total",
			"Loads of the configuration after the first, by what came of them: applied, unchanged or refused.", "result"),
		phases: histogram("durward_config_reload_duration_seconds",
			"How long each step of a load after the first took: load (read and check the files), start (new processes), swap.",
			[]float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}, "phase"),
	}
	for _, r := range results {
		m.reloads.WithLabelValues(r)
	}
	m.registry.MustRegister(m.requests, m.answers, m.streams, m.broken, m.full, m.faults, m.decisions, m.reloads, m.phases,
		buildInfo(), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// buildInfo says which Durward this is, in labels of a metric that is always 1.
func buildInfo() prometheus.Collector {
	labels := prometheus.Labels{"version": "unknown", "revision": "unknown", "go_version": "unknown"}
	if info, ok := debug.ReadBuildInfo(); ok {
		labels["go_version"] = info.GoVersion
		if info.Main.Version != "" {
			labels["version"] = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				labels["revision"] = s.Value
			}
		}
	}
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "durward_build_info", Help: "Always 1; the labels say which gateway this is.", ConstLabels: labels,
	})
	gauge.Set(1)
	return gauge
}

// Collect has c asked for its metrics whenever somebody asks for all.
func (m *Metrics) Collect(c prometheus.Collector) { m.registry.MustRegister(c) }

// Handler answers the metrics, as OpenMetrics where that is asked for. What cannot be collected is logged and left out.
func (m *Metrics) Handler(logger *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelError),
		ErrorHandling:     promhttp.ContinueOnError,
		EnableOpenMetrics: true,
	})
}

// Reloaded counts a load of the configuration.
func (m *Metrics) Reloaded(result string) { m.reloads.WithLabelValues(result).Inc() }

// Phase notes how long one step of a load took.
func (m *Metrics) Phase(name string, took time.Duration) {
	m.phases.WithLabelValues(name).Observe(took.Seconds())
}

// Decided notes how long a request waited for a decision that was not remembered.
func (m *Metrics) Decided(policy, source string, took time.Duration) {
	m.decisions.WithLabelValues(policy, source).Observe(took.Seconds())
}

// Keep says which routes and policies the configuration has that is now in use. The series of others go with the second
// one in a row that does not have them, so that what the one before it still owes is counted, and names do not pile up.
func (m *Metrics) Keep(routes, policies []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p := range m.absent {
		if slices.Contains(routes, p.route) || slices.Contains(policies, p.policy) || p == (part{}) {
			m.absent[p] = 0
			continue
		}
		if m.absent[p]++; m.absent[p] < 2 {
			continue
		}
		delete(m.absent, p)
		m.requests.DeletePartialMatch(p.labels())
		m.answers.DeletePartialMatch(p.labels())
		m.streams.DeletePartialMatch(p.labels())
		if p.route != "" {
			m.broken.DeleteLabelValues(p.route)
			m.full.DeleteLabelValues(p.route)
			continue
		}
		m.faults.DeleteLabelValues(p.policy)
		m.decisions.DeletePartialMatch(prometheus.Labels{"policy": p.policy})
	}
}

// Meter counts the requests of one part of the gateway. A nil one counts nothing.
type Meter struct {
	// codes are counted by the hundreds of the status, 0 for want of one.
	codes            [6]prometheus.Counter
	answers, streams prometheus.Observer
	// broken and full are a route's, faults are a policy's.
	broken, full, faults prometheus.Counter
}

// Route answers the meter of a route.
func (m *Metrics) Route(id string) *Meter {
	meter := m.meter(part{route: id})
	meter.broken = m.broken.WithLabelValues(id)
	meter.full = m.full.WithLabelValues(id)
	return meter
}

// Policy answers the meter of the paths that a policy serves itself, and of what it keeps.
func (m *Metrics) Policy(name string) *Meter {
	meter := m.meter(part{policy: name})
	meter.faults = m.faults.WithLabelValues(name)
	return meter
}

// Elsewhere answers the meter of what no route and no policy serves.
func (m *Metrics) Elsewhere() *Meter { return m.meter(part{}) }

func (m *Metrics) meter(p part) *Meter {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.absent[p] = 0
	meter := &Meter{
		answers: m.answers.WithLabelValues(p.route, p.policy),
		streams: m.streams.WithLabelValues(p.route, p.policy),
	}
	for hundreds := range meter.codes {
		code := strconv.Itoa(hundreds) + "xx"
		if hundreds == 0 {
			code = "none"
		}
		meter.codes[hundreds] = m.requests.WithLabelValues(p.route, p.policy, code)
	}
	return meter
}

// count counts a request that has been answered. stream says that the answer was an event stream.
func (m *Meter) count(status int, stream bool, took time.Duration) {
	if m == nil {
		return
	}
	hundreds := status / 100
	if hundreds < 0 || hundreds >= len(m.codes) {
		hundreds = 0
	}
	m.codes[hundreds].Inc()
	if stream {
		m.streams.Observe(took.Seconds())
		return
	}
	m.answers.Observe(took.Seconds())
}

// Broken counts an answer that the upstream of the route broke off.
func (m *Meter) Broken() { m.broken.Inc() }

// Full counts a request that found no place for the event stream that it might open.
func (m *Meter) Full() { m.full.Inc() }

// Fault counts a call of the policy to its store that failed.
func (m *Meter) Fault() { m.faults.Inc() }
