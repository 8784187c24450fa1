// Package signin is the table of what sign-in holds: one row for each requirement on consent, the browser's part, the
// provider's answers, grants and access rules, played over HTTP against the real binary.
//
// It promises that each row can fail. Beside each stands an edit of the product's source that takes away what the row
// holds; with DURWARD_SOAK set, each edit is built into a gateway of its own, in which the row must fail and an ordinary
// sign-in still succeed. A row that no edit breaks is named.
//
// It is not for how pages look and what a real browser makes of them, nor for what the provider's faults are called in
// the log.
package signin
