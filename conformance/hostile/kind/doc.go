// Package kind is the hostile policy types: what they are to the host that validates them, and what they do in the
// process that serves them.
//
// It owns the switches: each fault has a name, and strikes before the handshake (then it is a policy type of its own,
// since a process learns its options later than that), while it is configured, when it is asked, or when somebody asks
// for it while it runs. It promises that a policy without a fault behaves as a real one does.
//
// It imports nothing of testing, so that the policy's process is a program like any other.
package kind
