// Package oauth is an OAuth 2.1 authorization server for MCP clients, and the resource server in front of MCP routes,
// as a library: with an identity provider it makes a whole policy.
//
// It owns everything between an MCP client and a signed-in person: metadata (RFC 8414, RFC 9728), who a client is and how
// it shows that (RFC 7591, client ID metadata documents, RFC 7523), the authorization request, consent, the round trip to
// the identity provider, who of those it lets in may come in and whether they are still welcome there, codes, tokens and
// grants, how clients (RFC 7009, RFC 7662), people and operators look at these and take them back, and the decision on
// each request that brings a token. All of it lies in the host's Store; in memory are only counts of the last minutes and
// copies of what clients publish, so that two instances may run side by side and any of them may be replaced between two
// steps of a login.
//
// It promises that consent of the person, in this browser, comes before anything goes to the identity provider for a
// client; that a code, as a token, is good for exactly one resource and dies with its grant; that secrets are stored only
// under their SHA-256 (but for what is sealed under a secret that the store does not hold, see rotate.go and step.go);
// and that a fault of the store is answered as a fault and never as a statement about a client or a token.
//
// It is not for signing people in: that is the [policies.IdentityProvider]'s part. It issues no JWTs and reads
// none but those that clients sign to show who they are, and takes no part in how a request reaches the upstream.
//
// Letters with numbers in comments and tests (A48, S20) are the ids of the project's requirements; RFCs are named where
// they rule.
package oauth
