package kind

import (
	"errors"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"time"

	"durward/policies"
)

// None is the fault of a policy that behaves.
const None = "none"

// Faults of a policy that knows its options. Each may stand there, or be asked for at /NAME/fault while it runs.
const (
	DieInConfigure   = "die-in-configure"
	FailInConfigure  = "fail-in-configure"
	HangInConfigure  = "hang-in-configure"
	LieInReport      = "lie-in-report"
	HangInEvaluate   = "hang-in-evaluate"
	SlowAnswers      = "slow-answers"
	FailInEvaluate   = "fail-in-evaluate"
	PanicInEvaluate  = "panic-in-evaluate"
	PanicInHTTP      = "panic-in-http"
	HangInHTTP       = "hang-in-http"
	GiganticPage     = "gigantic-page"
	ExitAtRandom     = "exit-at-random"
	PanicInGoroutine = "panic-in-goroutine"
	CloseOutput      = "close-stdout"
	CloseErrors      = "close-stderr"
	SecondHandshake  = "second-handshake"
	EndlessLine      = "endless-line"
	InvalidUTF8      = "invalid-utf8"
	HostileJSON      = "hostile-json"
	FloodLines       = "flood-lines"
	Fork             = "fork"
	EatMemory        = "eat-memory"
	FloodStore       = "flood-store"
	PurgeOthers      = "purge-others"
	Stopped          = "stopped"
)

// slow is how long an answer of SlowAnswers takes: less than a request waits.
const slow = 300 * time.Millisecond

// strikes are the faults that do something by themselves.
func (p *policy) strikes() map[string]func() error {
	return map[string]func() error{
		DieInConfigure:   func() error { os.Exit(1); return nil },
		FailInConfigure:  func() error { return errors.New("the policy does not want to") },
		HangInConfigure:  func() error { select {} },
		PanicInGoroutine: func() error { go panic("a goroutine of the policy's own"); return nil },
		CloseOutput:      closes(1),
		CloseErrors:      closes(2),
		SecondHandshake:  func() error { return write(1, []byte(foreignHandshake)) },
		EndlessLine:      endlessLine,
		InvalidUTF8:      invalidUTF8,
		HostileJSON:      hostileJSON,
		FloodLines:       floodLines,
		Fork:             fork,
		EatMemory:        p.eat,
		FloodStore:       p.floodStore,
		PurgeOthers:      p.purgeOthers,
		Stopped:          stop,
	}
}

// asked are the faults that strike when the policy is asked something.
func asked() []string {
	return []string{
		None, LieInReport, HangInEvaluate, SlowAnswers, FailInEvaluate, PanicInEvaluate, PanicInHTTP, HangInHTTP,
		GiganticPage, ExitAtRandom,
	}
}

// knows tells whether options may name the fault.
func knows(fault string) bool {
	return slices.Contains(asked(), fault) || slices.Contains(slices.Collect(maps.Keys((&policy{}).strikes())), fault)
}

// strike does what a fault does by itself.
func (p *policy) strike(fault string) error {
	if do := p.strikes()[fault]; do != nil {
		return do()
	}
	return nil
}

// ill does what a fault does to a decision. An error is all that comes of it.
func (p *policy) ill() error {
	switch *p.fault.Load() {
	case HangInEvaluate:
		select {}
	case SlowAnswers:
		time.Sleep(slow)
	case FailInEvaluate:
		return errors.New("the policy cannot say")
	case PanicInEvaluate:
		panic("in evaluate")
	case ExitAtRandom:
		if rand.IntN(4) == 0 { //nolint:gosec // chance is all that it is
			os.Exit(1)
		}
	}
	return nil
}

// illHTTP tells whether a fault has answered the request.
func (p *policy) illHTTP(w http.ResponseWriter, _ *http.Request) bool {
	switch *p.fault.Load() {
	case PanicInHTTP:
		panic("in serve http")
	case HangInHTTP:
		select {}
	case GiganticPage:
		for range 64 {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return true
			}
		}
		return true
	}
	return false
}

// lie makes the process's report another than the host's.
func lie(fault string, report *policies.Report) {
	if fault == LieInReport {
		report.Paths = append(report.Paths, policies.Path{Path: "/oauth/token"}) // which is the neighbour's
		report.Authenticates = false
	}
}
