// Package telemetry owns what the host says of itself: request ids, the access log, one structured line a request, and
// what is counted for Prometheus.
//
// It promises that a line never holds a query string, a header, a body or a credential (G10), that a metric's labels hold
// names of the configuration and words of the gateway's own and nothing that a client sends, and that watching a response
// changes nothing about how it is written or flushed.
//
// It does not decide what is logged elsewhere: everybody gets a *slog.Logger and uses the keys below. Nor does it know
// what runs: metrics of that are collected by whoever does.
package telemetry

// Keys of structured log attributes, the same in every line that has them.
const (
	KeyRequest    = "request_id"
	KeyGeneration = "generation"
	KeyRoute      = "route"
	KeyPolicy     = "policy"
	KeyError      = "error"
)
