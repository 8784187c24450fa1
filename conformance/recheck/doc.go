// Package recheck shows that the gateway finds out who is not welcome at the identity provider any more: against
// providers that nobody here wrote, which replace refresh tokens and take a second use for a theft, and against one that
// fails in every way there is.
//
// It promises that each check sees the gateway as its clients and people do, over HTTP, and its operator, in the log. It is
// not for races within one refresh and for faults of the store: those are in policies/oauth, where they can be brought
// about.
package recheck
