package policypb

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"durward/policies"
)

// Bounds of what a policy may answer. A message beyond them is malformed.
const (
	// MaxBody is the largest body of an HTTPResponse, in bytes.
	MaxBody = 1 << 20
	// MaxHeader is how many bytes the names and values of one header may have together.
	MaxHeader = 64 << 10
	// MaxTag is the longest tag of a decision, in bytes.
	MaxTag = 256
	// MaxScopes is how many scopes a principal may have. Together they have at most MaxText bytes.
	MaxScopes = 256
	// MaxText is the longest text of a principal, problem, note, fact, reason or audit field, in bytes. Those that are for
	// people to read are cut when they are encoded; all are refused when they are decoded.
	MaxText = 4 << 10
)

var errMissing = errors.New("message is missing")

// encodeTime gives Unix nanoseconds, 0 for the zero time. Times outside of what 64 bits hold (the years 1678 to 2262)
// become the nearest that can be said, so that "never" stays far away.
func encodeTime(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	case t.UnixNano() == 0:
		return 1 // 0 is taken by "no time"
	}
	return t.UnixNano()
}

func decodeTime(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}

// EncodeHeader gives the fields in the order of their names.
func EncodeHeader(h http.Header) []*Header {
	out := make([]*Header, 0, len(h))
	for _, name := range slices.Sorted(maps.Keys(h)) {
		field := &Header{Name: name}
		for _, value := range h[name] {
			field.Values = append(field.Values, []byte(value))
		}
		out = append(out, field)
	}
	return out
}

// DecodeHeader reads fields under canonical names. A name that is no token (RFC 9110 section 5.6.2), a name given twice
// and a value with a control character are errors. A name without values is kept.
func DecodeHeader(fields []*Header) (http.Header, error) {
	if len(fields) == 0 {
		return nil, nil
	}
	h := make(http.Header, len(fields))
	for _, field := range fields {
		name := http.CanonicalHeaderKey(field.GetName())
		if !isToken(name) {
			return nil, errors.New("header has an invalid name")
		}
		if _, twice := h[name]; twice {
			return nil, fmt.Errorf("header %s is given twice", name)
		}
		values := make([]string, 0, len(field.GetValues()))
		for _, value := range field.GetValues() {
			if slices.ContainsFunc(value, isControl) {
				return nil, fmt.Errorf("header %s has an invalid value", name)
			}
			values = append(values, string(value))
		}
		h[name] = values
	}
	return h, nil
}

// checkHeader bounds what a policy answers.
func checkHeader(h http.Header) error {
	size := 0
	for name, values := range h {
		if !isToken(name) {
			return errors.New("header has an invalid name")
		}
		size += len(name)
		for _, value := range values {
			if strings.ContainsFunc(value, func(r rune) bool { return r < 0x80 && isControl(byte(r)) }) {
				return fmt.Errorf("header %s has an invalid value", name)
			}
			size += len(value)
		}
	}
	if size > MaxHeader {
		return fmt.Errorf("header has %d bytes, more than %d", size, MaxHeader)
	}
	return nil
}

func isToken(s string) bool {
	const others = "!#$%&'*+-.^_`|~"
	for i := range len(s) {
		c := s[i]
		alphanumeric := '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !alphanumeric && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return s != ""
}

// isControl reports on the octets that a field value must not hold (RFC 9110 section 5.5); the tab is allowed.
func isControl(c byte) bool { return c < 0x20 && c != '\t' || c == 0x7f }

// text makes s fit for a string field, which must be UTF-8, and bounds it.
func text(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= MaxText {
		return s
	}
	const mark = "…"
	return strings.ToValidUTF8(s[:MaxText-len(mark)], "") + mark
}

func checkTexts(texts ...string) error {
	for _, s := range texts {
		if len(s) > MaxText {
			return fmt.Errorf("text has %d bytes, more than %d", len(s), MaxText)
		}
	}
	return nil
}

// EncodeCall gives the message of a call.
func EncodeCall(c policies.Call) *Call {
	return &Call{
		Time:          encodeTime(c.Time),
		RequestId:     c.RequestID,
		Origin:        c.Origin,
		ClientAddress: c.ClientAddress,
	}
}

// DecodeCall reads a call. One without a time is malformed: a policy has no other clock.
func DecodeCall(m *Call) (policies.Call, error) {
	if m.GetTime() == 0 {
		return policies.Call{}, errors.New("call has no time")
	}
	return policies.Call{
		Time:          decodeTime(m.GetTime()),
		RequestID:     m.GetRequestId(),
		Origin:        m.GetOrigin(),
		ClientAddress: m.GetClientAddress(),
	}, nil
}

// each converts a list; an empty one becomes nil.
func each[From, To any](list []From, convert func(From) To) []To {
	if len(list) == 0 {
		return nil
	}
	out := make([]To, len(list))
	for i, item := range list {
		out[i] = convert(item)
	}
	return out
}
