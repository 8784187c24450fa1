// Package passage holds what the host itself says of one request on its way to the upstream: who is calling, which
// headers the route's policies set, and that the way has ended early, and why.
//
// It owns the rule by which several policies of a route change one header. It promises that of those that set it the later
// in the route's list wins, in whatever order they speak: all decisions are made before the first middleware runs, wherever
// in the list they stand. An offer gives way to all of them, and to the client. Of several reasons to end a way the first
// stands, and whoever attends to it hears of it once.
//
// It is not for what the client sent: which of that passes, and that nothing of it stands beside or in place of what is
// set here, is package proxy's.
package passage

import (
	"context"
	"net/http"
	"time"

	"durward/policies"
	"durward/runtime/internal/ending"
)

// Passage is what the host says of one request. Save for what end.go tells of, it is filled in by one goroutine, before
// the request goes upstream.
type Passage struct {
	// Principal is who is calling, as the last policy of the route that said so has it. nil: nobody has.
	Principal *policies.Principal
	// Expires is when the first of the credentials ends on which the request passed: no stream that only listens goes on
	// after it. Zero: none is known to end.
	Expires time.Time
	// Judge is asked when the way was ended, for a reason that lies in the credential, before the upstream had answered.
	// nil: there is nobody to ask.
	Judge Judge
	// Cut is why the answer in fact ended early. Whoever writes it says so; empty if it is whole.
	Cut ending.Reason

	changes Changes
	way     way
}

// Judge says whether a request may still pass.
type Judge interface {
	// Refuse answers the request as the policies do now, if they no longer let it pass, and tells whether it has.
	Refuse(w http.ResponseWriter) bool
}

type key struct{}

// With gives ctx the passage.
func With(ctx context.Context, p *Passage) context.Context { return context.WithValue(ctx, key{}, p) }

// From answers the passage that ctx belongs to, or nil outside of one.
func From(ctx context.Context) *Passage {
	p, _ := ctx.Value(key{}).(*Passage)
	return p
}

// Set is Changes.Set for the request. The values may be those of other passages too: nobody changes them any more.
func (p *Passage) Set(place int, name string, values []string) { p.changes.Set(place, name, values) }

// Offer is Changes.Offer for the request. Where an earlier policy has removed the header, the client's does not pass, and
// the offer stands.
func (p *Passage) Offer(place int, name string, values []string) {
	p.changes.Offer(place, name, values)
}

// Changes answers what becomes of the request's headers, each header once. A nil passage changes nothing.
func (p *Passage) Changes() []Change {
	if p == nil {
		return nil
	}
	return p.changes.List()
}
