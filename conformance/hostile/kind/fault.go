package kind

import (
	"context"
	"errors"
	"net/http"
	"os"
	"slices"

	"durward/policies"
)

// Faults that strike before the process knows its options: each is a policy type of its own.
const (
	// RefuseStart ends the process before the handshake.
	RefuseStart = "refuse-start"
	// HangInDescribe never says what the process serves.
	HangInDescribe = "hang-in-describe"
)

// Early are the faults that strike before the process knows its options.
func Early() []string { return []string{RefuseStart, HangInDescribe} }

// Faults that strike when the policy is configured.
const (
	// DieInConfigure ends the process.
	DieInConfigure = "die-in-configure"
	// FailInConfigure answers an error.
	FailInConfigure = "fail-in-configure"
)

func faults() []string {
	return []string{None, DieInConfigure, FailInConfigure}
}

// knows tells whether options may name the fault.
func (k kind) knows(fault string) bool { return slices.Contains(faults(), fault) }

// strike does what a fault does by itself.
func (p *policy) strike(fault string) error {
	switch fault {
	case DieInConfigure:
		os.Exit(1)
	case FailInConfigure:
		return errors.New("the policy does not want to")
	}
	return nil
}

// ill answers what a fault makes of a decision, and whether it does.
func (p *policy) ill(context.Context, policies.Request) (policies.Decision, bool, error) {
	return policies.Decision{}, false, nil
}

// illHTTP tells whether a fault has answered the request.
func (p *policy) illHTTP(http.ResponseWriter, *http.Request) bool { return false }

// lie makes the process's report another than the host's.
func lie(string, *policies.Report) {}
