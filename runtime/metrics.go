package runtime

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"durward/runtime/internal/pluginhost"
	"durward/runtime/internal/watch"
)

// counted counts a load of the configuration.
func (h *Host) counted(r Reload) {
	h.metrics.Reloaded(r.Result)
	for _, p := range r.Phases {
		h.metrics.Phase(p.Name, time.Duration(p.Milliseconds*float64(time.Millisecond)))
	}
	if r.Result != Refused {
		h.loaded.Store(r.At.UnixNano())
	}
	if r.Result != Applied {
		return
	}
	acquired := h.current.Acquire()
	if acquired == nil {
		return
	}
	defer acquired.Release()
	cfg := acquired.Value.config
	var routes, policies []string
	for i := range cfg.Routes {
		routes = append(routes, cfg.Routes[i].ID)
	}
	for i := range cfg.Policies {
		policies = append(policies, cfg.Policies[i].Name)
	}
	h.metrics.Keep(routes, policies)
}

// snapshot is what the metrics below are made of when somebody asks for them.
type snapshot struct {
	Status
	// loaded is when the configuration was last loaded and not refused.
	loaded time.Time
	// certificateEnds is zero without TLS.
	certificateEnds time.Time
	// remembered are decisions, and the bytes that they take.
	remembered      int
	rememberedBytes int64
}

// emit takes a value, with those of the labels.
type emit func(value float64, labels ...string)

// measure is one metric of how things stand.
type measure struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string
	values     func(*snapshot, emit)
}

const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue

// measures are the metrics that are collected when they are asked for. Those that are counted as things happen are
// package telemetry's.
func measures() []measure {
	return []measure{
		{"durward_config_last_reload_successful",
			"1 if the configuration that was loaded last is in use, 0 if it was refused.",
			gauge, nil, single(func(s *snapshot) float64 { return truth(s.LastReload.Result != Refused) })},
		{"durward_config_last_reload_timestamp_seconds",
			"When the configuration was last loaded, with whatever result.",
			gauge, nil, single(func(s *snapshot) float64 { return unix(s.LastReload.At) })},
		{"durward_config_last_reload_success_timestamp_seconds",
			"When the configuration was last loaded and not refused.",
			gauge, nil, single(func(s *snapshot) float64 { return unix(s.loaded) })},
		{"durward_config_watch_polling",
			"1 if the system does not tell of changed files, so that they are read every few seconds; 0 if it does.",
			gauge, nil, single(func(s *snapshot) float64 { return truth(s.Watch == string(watch.Polling)) })},
		{"durward_tls_certificate_expiry_timestamp_seconds",
			"When the certificate ends that clients are shown, if the gateway speaks TLS itself.",
			gauge, nil, func(s *snapshot, e emit) {
				if !s.certificateEnds.IsZero() {
					e(unix(s.certificateEnds))
				}
			}},
		{"durward_generation_number",
			"The number of the configuration in use: 1 at the start, one more each time that another is applied.",
			gauge, nil, single(func(s *snapshot) float64 { return float64(s.Number) })},
		{"durward_draining_policies",
			"Processes of policies of earlier configurations that have not ended yet.",
			gauge, nil, single(func(s *snapshot) float64 { return float64(s.Draining.Policies) })},
		{"durward_draining_answers",
			"Answers under way on routes that are not as they were when the answers began.",
			gauge, nil, single(func(s *snapshot) float64 { return float64(s.Draining.Open) })},
		{"durward_open_answers",
			"Answers under way on a route, event streams included.",
			gauge, []string{"route"}, ofRoutes(func(r *RouteStatus) float64 { return float64(r.Open) })},
		{"durward_open_streams",
			"Event streams under way on a route.",
			gauge, []string{"route"}, ofRoutes(func(r *RouteStatus) float64 { return float64(r.Streams) })},
		{"durward_answers_ended_total",
			"Answers that the gateway ended before their time: drained (the route changed, or the gateway ends), revoked " +
				"(the grant was taken back) or expired (the access token did).",
			counter, []string{"reason"}, ofMap(func(s *snapshot) map[string]uint64 { return s.Ended })},
		{"durward_policy_up",
			"1 if the policy can decide: its process runs, or it needs none.",
			gauge, []string{"policy"}, ofPolicies(everyPolicy, func(p *PolicyStatus) float64 {
				return truth(p.State == InHost || p.State == string(pluginhost.Running))
			})},
		{"durward_policy_state",
			"1 for the state that the policy is in, 0 for the others.",
			gauge, []string{"policy", "state"}, policyStates},
		{"durward_policy_restarts_total",
			"How often the policy's process was started again because it had died. It begins anew with a configuration that " +
				"starts the policy anew.",
			counter, []string{"policy"}, ofPolicies(inProcess, func(p *PolicyStatus) float64 { return float64(p.Restarts) })},
		{"durward_policy_start_time_seconds",
			"When the policy's process was started, if it runs.",
			gauge, []string{"policy"}, ofPolicies(isRunning, func(p *PolicyStatus) float64 { return unix(p.Since) })},
		{"durward_policy_resident_memory_bytes",
			"What the policy's process and its children have in memory, where that can be told.",
			gauge, []string{"policy"}, ofPolicies(isMeasured, func(p *PolicyStatus) float64 { return float64(p.Memory) })},
		{"durward_decisions_total",
			"Decisions on requests, by where they came from: cached (remembered), evaluated (the policy was asked), shared (it " +
				"was asked for another request), refused (a refused credential, remembered), limited (an address that brought " +
				"too many of those), unavailable (there was none).",
			counter, []string{"policy", "source"}, decisions},
		{"durward_decisions_remembered",
			"Decisions in memory, those included that hold no longer.",
			gauge, nil, single(func(s *snapshot) float64 { return float64(s.remembered) })},
		{"durward_decisions_remembered_bytes",
			"About how much memory the decisions take that are remembered.",
			gauge, nil, single(func(s *snapshot) float64 { return float64(s.rememberedBytes) })},
	}
}

// single is a metric without labels.
func single(value func(*snapshot) float64) func(*snapshot, emit) {
	return func(s *snapshot, e emit) { e(value(s)) }
}

func ofRoutes(value func(*RouteStatus) float64) func(*snapshot, emit) {
	return func(s *snapshot, e emit) {
		for i := range s.Routes {
			e(value(&s.Routes[i]), s.Routes[i].ID)
		}
	}
}

func ofMap(values func(*snapshot) map[string]uint64) func(*snapshot, emit) {
	return func(s *snapshot, e emit) {
		for key, value := range values(s) {
			e(float64(value), key)
		}
	}
}

// ofPolicies is a metric of the policies for which has is true.
func ofPolicies(has func(*PolicyStatus) bool, value func(*PolicyStatus) float64) func(*snapshot, emit) {
	return func(s *snapshot, e emit) {
		for i := range s.Policies {
			if p := &s.Policies[i]; has(p) {
				e(value(p), p.Name)
			}
		}
	}
}

func everyPolicy(*PolicyStatus) bool { return true }

func inProcess(p *PolicyStatus) bool { return p.State != InHost }

func isRunning(p *PolicyStatus) bool { return p.State == string(pluginhost.Running) }

func isMeasured(p *PolicyStatus) bool { return p.Memory > 0 }

func policyStates(s *snapshot, e emit) {
	states := []string{InHost, string(pluginhost.Running), string(pluginhost.Restarting), string(pluginhost.Down)}
	for i := range s.Policies {
		for _, state := range states {
			e(truth(s.Policies[i].State == state), s.Policies[i].Name, strings.ReplaceAll(state, " ", "_"))
		}
	}
}

func decisions(s *snapshot, e emit) {
	for i := range s.Policies {
		for source, n := range s.Policies[i].Decisions {
			e(float64(n), s.Policies[i].Name, source)
		}
	}
}

func truth(so bool) float64 {
	if so {
		return 1
	}
	return 0
}

// unix is a moment in seconds since 1970, as Prometheus has it.
func unix(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

// collector asks the host how things stand. It implements prometheus.Collector.
type collector struct {
	host     *Host
	measures []measure
	descs    []*prometheus.Desc
}

func newCollector(h *Host) *collector {
	c := &collector{host: h, measures: measures()}
	for _, m := range c.measures {
		c.descs = append(c.descs, prometheus.NewDesc(m.name, m.help, m.labels, nil))
	}
	return c
}

// Describe tells what Collect may answer.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		to <- d
	}
}

// Collect answers how things stand; nothing before the host serves, and after its end.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	s := snapshot{Status: c.host.Status()}
	if s.Number == 0 {
		return
	}
	s.loaded = time.Unix(0, c.host.loaded.Load())
	s.certificateEnds = c.host.certificate.expiry()
	s.remembered, s.rememberedBytes = c.host.decisions.Size()
	for i, m := range c.measures {
		m.values(&s, func(value float64, labels ...string) {
			to <- prometheus.MustNewConstMetric(c.descs[i], m.kind, value, labels...)
		})
	}
}
