package decision

// Source is where a decision came from. Its text goes into the access log and names a metric.
type Source int

// The sources.
const (
	// Cached: it was remembered, and is no refused credential.
	Cached Source = iota
	// Evaluated: this request made the call to the policy.
	Evaluated
	// Shared: another request's call answered this one too.
	Shared
	// Refused: the refusal of this credential was remembered.
	Refused
	// Limited: the policy was not asked, for this client address has had too many credentials refused.
	Limited
	// Unavailable: there is no decision.
	Unavailable

	sources
)

func (s Source) String() string {
	switch s {
	case Cached:
		return "cached"
	case Evaluated:
		return "evaluated"
	case Shared:
		return "shared"
	case Refused:
		return "refused"
	case Limited:
		return "limited"
	default:
		return "unavailable"
	}
}
