// Package races takes grants back at the worst of moments: while a decision on them is being made, while the policy is
// exchanged, and while its process starts again after a death.
//
// It owns one promise: when the call that takes a grant back has returned, nothing that is sent from then on passes on that
// grant, and what passed on it before ends. It promises to know each moment and not to hope for it: where a policy can be
// held in the middle of a decision, it is (the hostile type of package hostile); where it cannot (the policy that ships), many
// callers try at once.
//
// It is not for what the caches do inside, with a clock of their own: those are the packages' own tests.
package races
