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
	"strings"
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

	changes []Change
	way     way
}

// Judge says whether a request may still pass.
type Judge interface {
	// Refuse answers the request as the policies do now, if they no longer let it pass, and tells whether it has.
	Refuse(w http.ResponseWriter) bool
}

// Change is what becomes of one header of the request.
type Change struct {
	// Name is in canonical form.
	Name string
	// Values are what is sent. None: the header is not sent, whoever set it.
	Values []string
	// Yields says that what the client sent, if it passes, stands instead.
	Yields bool

	place int
}

type key struct{}

// With gives ctx the passage.
func With(ctx context.Context, p *Passage) context.Context { return context.WithValue(ctx, key{}, p) }

// From answers the passage that ctx belongs to, or nil outside of one.
func From(ctx context.Context) *Passage {
	p, _ := ctx.Value(key{}).(*Passage)
	return p
}

// Set has the header sent with these values and no others, whatever the client sent; without values it is not sent.
// place is where the policy stands in the route's list. The values may be those of other passages too: nobody changes them
// any more.
func (p *Passage) Set(place int, name string, values []string) {
	p.put(Change{Name: http.CanonicalHeaderKey(name), Values: values, place: place})
}

// Offer has the header sent with these values if neither the client nor another policy sends it. Where an earlier policy
// has removed it, the client's does not pass, and the offer stands.
func (p *Passage) Offer(place int, name string, values []string) {
	c := Change{Name: http.CanonicalHeaderKey(name), Values: values, place: place}
	if set := p.find(name); set == nil {
		c.Yields = true
	} else if len(set.Values) > 0 {
		return
	}
	p.put(c)
}

// Changes answers what becomes of headers, each header once. A nil passage changes nothing.
func (p *Passage) Changes() []Change {
	if p == nil {
		return nil
	}
	return p.changes
}

// put notes the change, unless a later policy has spoken of the header.
func (p *Passage) put(c Change) {
	switch set := p.find(c.Name); {
	case set == nil:
		if p.changes == nil {
			p.changes = make([]Change, 0, 4) // few policies set more
		}
		p.changes = append(p.changes, c)
	case set.place <= c.place:
		*set = c
	}
}

func (p *Passage) find(name string) *Change {
	folded := Fold(name)
	for i := range p.changes {
		if Fold(p.changes[i].Name) == folded {
			return &p.changes[i]
		}
	}
	return nil
}

// Fold answers the canonical form of a header's name in which every character but letters and digits is a hyphen. CGI
// and WSGI make one name of all that fold to the same, so whoever may not set one of them may set none.
func Fold(name string) string {
	for i := range len(name) {
		if !plain(name[i]) {
			return http.CanonicalHeaderKey(strings.Map(func(r rune) rune {
				if r > 0x7f || !plain(byte(r)) {
					return '-'
				}
				return r
			}, name))
		}
	}
	return http.CanonicalHeaderKey(name) // no copy of one that is canonical, as those of a request are
}

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-'
}
