// Package generation owns the rule by which one running configuration replaces another while requests are in flight.
//
// A generation is one immutable configuration with everything it runs on. Exactly one is current. A request acquires
// it, takes leases on the parts it needs (the policies of its chain, its route) and lets the generation go; each part
// lives until its last holder has let go, so an old policy ends when the last decision it owes is made, while a stream
// on a route outlives any number of reloads.
//
// It promises that a part ends exactly once and only when nobody holds it, that what can be acquired is whole, and that
// a failed build leaves nothing behind (Undo). It knows neither HTTP nor processes: what the parts are, and when a
// configuration is good enough to become current, is the caller's business.
package generation
