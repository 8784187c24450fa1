// Package oauth4webapi has npm's oauth4webapi, the strict OAuth library of the OpenID-certified JavaScript clients, live
// through whole lives of clients at the gateway: discovery by both algorithms, registration in each of the four ways to
// authenticate or a client metadata document, code with PKCE, state, iss and resource, refresh, introspection, revocation.
//
// It promises that the library reads every answer by its own function for it, over TLS, and that none of its checks is
// switched off: what it does not take, no client that is built on it would. A person is lent to it, and a web host for
// what it publishes; all else it does itself.
//
// It is not for what a correct client never sends: the rows of package oauth do.
package oauth4webapi
