// Package streams shows how answers under way end before their time: when a grant is taken back, when a credential
// expires, when a route changes, when the gateway ends.
//
// It owns those parts of the promise G4 that are about one answer: exactly those end that must, while others of the same
// gateway go on; a call is told so under its id, in its stream or instead of an answer; what only listens just ends; the
// upstream is left; the log and the status count it. That something ends at once it shows as an order of events and never
// by a clock.
//
// It is not for streams under load and many reloads (package reload), nor for who may take a grant back (packages browser
// and signin).
package streams
