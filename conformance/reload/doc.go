// Package reload edits the configuration of a real gateway while people use it: calls on kept connections, event
// streams, refreshed tokens and sign-ins go on, and the policy's process is replaced under them.
//
// It holds the promises G2, G3, G4 and G5 as an operator meets them, with files that are saved as editors save them.
// What needs a policy that misbehaves, or an upstream that waits, is in package runtime's own tests.
package reload
