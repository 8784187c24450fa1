// Package hostile runs a gateway with a policy that does everything wrong, one thing at a time (G7).
//
// It owns the gateway for that: a host like `durward serve`, with the type that ships and, by the path of an executable,
// the types of package kind; the configuration in which a policy and its route are one line of a test; an upstream that
// counts who got through; and the table of faults with what must come of each. It promises that a policy named NAME
// without a fault behaves: it decides by what POST /NAME/grant and POST /NAME/revoke have left in its Store, and by
// nothing else.
//
// It is not for faults of the network, of the identity provider or of a person: those have suites of their own.
package hostile
