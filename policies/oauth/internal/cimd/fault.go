package cimd

import (
	"errors"
	"fmt"
	"net/http"

	"durward/policies/oauth/internal/egress"
)

// Fault is why there is no document, or no key set.
type Fault struct {
	// Permanent says that the document, the key set or the URL is no good as it stands. Otherwise trying again may help, and
	// nothing is known of the client.
	Permanent bool
	// Text says what is wrong, for the client's developer: a clause without an end. It tells nothing of this network.
	Text string
	// Err is the cause, nil if there is no other. It is for this server's own log.
	Err error
}

func (f *Fault) Error() string {
	if f.Err != nil {
		return fmt.Sprintf("%s: %v", f.Text, f.Err)
	}
	return f.Text
}

// Unwrap answers the cause.
func (f *Fault) Unwrap() error { return f.Err }

// What is fetched, as faults name it.
const (
	theURL      = "client_id"
	theDocument = "the client metadata document"
	theKeys     = "the key set at jwks_uri"
)

// wrong is a permanent fault of what is named.
func wrong(what, format string, args ...any) *Fault {
	return &Fault{Permanent: true, Text: what + " " + fmt.Sprintf(format, args...)}
}

// unfetched is the fault of what was to be fetched. A host that says that there is nothing, or answers with what nobody
// asked for, is taken at its word; any other status may be a disturbance, or a guard against robots that will let us
// through another time.
func unfetched(what string, err error) *Fault {
	fault := &Fault{Text: what + " " + textOf(err), Err: err}
	if known, ok := errors.AsType[*egress.Error](err); ok {
		fault.Err = known.Err // the text says the rest
		switch known.Reason {
		case egress.Refused, egress.Encoded, egress.Oversized:
			fault.Permanent = true
		case egress.BadStatus:
			fault.Permanent = known.Status == http.StatusNotFound || known.Status == http.StatusGone
		default:
		}
	}
	return fault
}

// textOf says what is wrong in words for strangers. It reads on from the name of what was to be fetched.
func textOf(err error) string {
	if known, ok := errors.AsType[*egress.Error](err); ok {
		return known.Text()
	}
	return "cannot be fetched just now"
}
