// Package decision remembers what policies decided, so that the usual request costs a hash and a map lookup.
//
// It owns the memory of decisions ([Cache]), the keys they lie under ([Key]), the calls that fill it, the limit on
// refused credentials, and the memory of public answers of the paths that policies serve ([Answers]).
//
// It promises that a decision is used only within its TTL and its principal's life; that no Decide which begins after
// Purge has returned sees a decision made before it under a purged tag, and that everybody who passed on such a decision
// before has been told by then ([Hold]); that a miss is one call, however many wait for it and whoever of them leaves;
// that nothing but another allow ever pushes an allow out; that memory, misses in flight and refused credentials are
// bounded. What goes wrong, what is late and what makes no sense is Unavailable: never remembered, never an allow.
//
// It is not for truth: that is the policy's own records in the store, of which everything here is a copy. It does not
// know what a policy, a route or a credential is; who asks builds the key from everything a decision may depend on.
package decision
