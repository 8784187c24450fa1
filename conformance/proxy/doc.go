// Package proxy tries the way of a request through a whole gateway to an upstream, and of the answer back: that streamed
// answers arrive whole and at once, that those who leave are gone on the other side too, what crosses and what does not.
//
// It promises that the upstreams it uses are its own, so that each test decides what happens when, and that the order of
// events decides, not a delay: where a test gives something time to go wrong, it says so.
//
// It is not for tokens, protocol eras or configuration: those have suites of their own.
package proxy
