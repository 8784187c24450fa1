// Package policytest lets a policy or an identity provider be tested without a host.
//
// It owns an in-process double of the host: a [Store] in memory with the exact rules of policies.Store, an [Audit] that
// remembers, a [Clock] that is moved by hand, a [Gateway] that calls a policy as the host does, an identity [Provider]
// that is told its outcomes, and the suite ([Test]) that every policy must pass.
//
// It promises the same semantics as the host for everything a policy can see (versions, expiry, purges, which headers
// and cookies arrive) and no sockets: a gateway is called through an http.RoundTripper, under any origin.
//
// It is not for testing the host: it has no decision cache, no processes and no reload.
package policytest
