package config

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"time"
)

// Limits say how much the gateway takes. What the file does not say is 0.
type Limits struct {
	// RequestBytes bounds the body of a request to a route, HeaderBytes the header of any.
	RequestBytes int64
	HeaderBytes  int
	// Streams bounds the event streams that are open at once. 0 is no bound.
	Streams int64
}

// Timeouts say how long the gateway waits: see gateway.schema.json. What the file does not say is 0.
type Timeouts struct {
	Drain, PolicyWait, ReadHeader, Idle, RequestBody time.Duration
	UpstreamConnect                                  time.Duration
	// UpstreamResponse is how long an answer may take to begin. 0 is as long as the client waits.
	UpstreamResponse time.Duration
}

// Log says what is logged.
type Log struct {
	// Level is the least that is logged: slog.LevelInfo if the file does not say.
	Level slog.Level
	// Format is "json", "text", or "" if the file does not say.
	Format string
}

func (b *build) readLimits() Limits {
	return Limits{
		RequestBytes: b.number("limits", "requestBytes"),
		HeaderBytes:  int(b.number("limits", "headerBytes")),
		Streams:      b.number("limits", "streams"),
	}
}

func (b *build) readTimeouts() Timeouts {
	seconds := func(name string) time.Duration {
		return time.Duration(b.number("timeouts", name)) * time.Second
	}
	return Timeouts{
		Drain:            seconds("drainSeconds"),
		PolicyWait:       seconds("policyWaitSeconds"),
		ReadHeader:       seconds("readHeaderSeconds"),
		Idle:             seconds("idleSeconds"),
		RequestBody:      seconds("requestBodySeconds"),
		UpstreamConnect:  seconds("upstreamConnectSeconds"),
		UpstreamResponse: seconds("upstreamResponseSeconds"),
	}
}

func (b *build) readLog() (l Log) {
	l.Format = text(b.gateway.value, "log", "format")
	switch text(b.gateway.value, "log", "level") {
	case "debug":
		l.Level = slog.LevelDebug
	case "warn":
		l.Level = slog.LevelWarn
	case "error":
		l.Level = slog.LevelError
	}
	return l
}

// storeKeySize is how many bytes the key of the store has.
const storeKeySize = 32

// readStoreKey answers the key, or nil. That it is wrong is said without a word of it, and of how long it is.
func (b *build) readStoreKey() []byte {
	written, there := get(b.gateway.value, "store", "key").(string)
	if !there {
		return nil
	}
	key, err := base64.StdEncoding.Strict().DecodeString(written)
	if err != nil || len(key) != storeKeySize {
		b.gateway.problem("/store/key", "must be 32 bytes in base64, as `openssl rand -base64 32` makes them: 43 letters, "+
			"digits, + and /, and then =")
		return nil
	}
	return key
}

// number answers a whole number of gateway.json, or 0. The schema holds it within bounds.
func (b *build) number(names ...string) int64 {
	number, _ := wholeNumbers(get(b.gateway.value, names...)).(json.Number)
	n, err := number.Int64()
	if err != nil {
		return 0
	}
	return n
}
