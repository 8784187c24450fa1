// Package crash kills what runs, without warning, and looks at what a client sees of it (G7, G8, G9).
//
// It owns the tests that end a policy's process or the gateway itself with a signal. It promises that each of them says
// what was acknowledged before the signal, and asks for exactly that afterwards.
//
// It is not for faults that a policy or the host can see coming: those are the packages' own tests.
package crash
