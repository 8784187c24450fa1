//go:build race

package config

// costFixed is more than what is promised: under the race detector a sync.Pool forgets at random what it was given, and what
// matches regular expressions is made anew for most paths. What is promised is held by `make test` without the detector.
const costFixed = 128 << 20
