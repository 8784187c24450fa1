// Package oauth is the table of what the authorization server and the resource server hold: one row for each requirement
// on metadata, registration, client metadata documents, redirect URIs, authorization requests, tokens, revocation,
// challenges, resources and scopes, played over HTTP against the real binary.
//
// It promises that the table is whole: the ids that are demanded stand in it once each, and one that does not apply says
// why. Rows share gateways and nothing else: each comes from an address of its own, with clients, browsers and people of
// its own. Many rows carry an edit of the product's source that takes away what they hold; with DURWARD_SOAK set each is
// built into a gateway of its own, in which the row must fail and an ordinary sign-in still succeed.
//
// It is not for consent, the browser's part and the identity provider's answers, which package signin holds, nor for
// races, crashes and the guarding of fetches, which have suites of their own.
package oauth
