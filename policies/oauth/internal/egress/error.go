package egress

import "fmt"

// Reason says why nothing was fetched.
type Reason string

// The reasons. Of an Unreachable host the text for strangers is the same whatever the cause: that a name exists, or which
// kind of address it has, is this network's own affair.
const (
	Refused     Reason = "url_refused" // the URL is not one that is fetched: no other try will help
	Busy        Reason = "busy"        // too many fetches are under way
	Unreachable Reason = "unreachable" // no such name, no public address of it, or nobody answers there
	Forbidden   Reason = "not_public"  // as Unreachable, where the cause is an address that is not connected to
	Insecure    Reason = "insecure"    // the host cannot prove to be what the URL names
	Slow        Reason = "too_slow"    // no whole answer within Timeout
	Broken      Reason = "broken"      // no HTTP answer, or one with endless headers
	BadStatus   Reason = "bad_status"  // any status but 200
	Encoded     Reason = "encoded"     // compressed, though that was not asked for
	Oversized   Reason = "too_large"   // larger than the limit
)

// Error is why nothing was fetched.
type Error struct {
	Reason Reason
	// Status is the answer's, with BadStatus.
	Status int
	// Err is the cause, for this server's own log: it may name addresses.
	Err error
	// text is for strangers.
	text string
}

func refused(text string) *Error { return &Error{Reason: Refused, text: text} }

// Error is for the log of this server.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Reason, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Reason, e.Text())
}

// Unwrap answers the cause.
func (e *Error) Unwrap() error { return e.Err }

// Text says what is wrong in words for whoever runs the host. It reads on from the name of what was to be fetched: "has a
// fragment", "was answered with status 404, not 200".
func (e *Error) Text() string {
	switch e.Reason {
	case Refused:
		return e.text
	case Busy:
		return "cannot be fetched just now: this server is fetching too many others"
	case Unreachable, Forbidden:
		return "cannot be fetched: nobody answers at a public address of its host"
	case Insecure:
		return "cannot be fetched: its host has no certificate that is trusted for its name"
	case Slow:
		return "was not fetched: its host took too long to answer"
	case BadStatus:
		return fmt.Sprintf("was answered with status %d, not 200", e.Status)
	case Encoded:
		return "was answered with a Content-Encoding, though none was asked for"
	case Oversized:
		return "is too large"
	default:
		return "was not fetched: its host did not answer as HTTP asks for"
	}
}
