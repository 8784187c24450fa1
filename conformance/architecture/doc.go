// Package architecture holds the product to its plan: which package may import which, and what no file of it may hold.
//
// It promises that every package of the product falls under a rule, also one that is added later, and that every rule
// can fail: each is tried on an example that breaks it before it is tried on the product.
//
// It is not for style, which is the linter's, nor for behaviour, which is the other suites'.
package architecture
