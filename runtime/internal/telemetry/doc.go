// Package telemetry owns what the host says of itself: request ids and the access log, one structured line a request.
//
// It promises that a line never holds a query string, a header, a body or a credential (G10), and that watching a
// response changes nothing about how it is written or flushed.
//
// It does not decide what is logged elsewhere: everybody gets a *slog.Logger and uses the keys below.
package telemetry

// Keys of structured log attributes, the same in every line that has them.
const (
	KeyRequest    = "request_id"
	KeyGeneration = "generation"
	KeyRoute      = "route"
	KeyPolicy     = "policy"
	KeyError      = "error"
)
