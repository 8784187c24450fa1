//go:build !race

package config

// costFixed is what is promised (ADR 0013).
const costFixed = 32 << 20
