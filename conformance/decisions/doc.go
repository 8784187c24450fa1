// Package decisions counts what the gateway asks its policies, as an operator sees it at /-/generation.
//
// It owns the promise that a usual request costs no call: a credential is decided on once, a change of the configuration
// costs what it must and no more, and what has ended is allowed no longer. It promises to count and never to time: a
// slow machine fails none of its tests.
//
// It is not for what a policy decides: that is the policy's own matter.
package decisions
