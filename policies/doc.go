// Package policies says what a policy and an identity provider are.
//
// It owns the contract between the Durward host and the code that decides: the [Type] and [Policy] interfaces, what a
// policy is told of a request ([Request], [Call]), what it answers ([Decision]), what it may keep ([Store]) and tell
// ([Audit]), and the narrower contract of an [IdentityProvider], which only signs people in.
//
// It promises to hold plain data and interfaces only: no process, no gRPC, no HTTP server and no state. Everything here
// crosses a process boundary unchanged (package policypb carries it, package sdk serves it, the host calls it), so
// nothing here has a meaning that depends on the side it is read on.
//
// It is not for policies that merely look at or change traffic: those are middleware inside the host. And it knows
// nothing of OAuth: package oauth builds an authorization server on it.
package policies
