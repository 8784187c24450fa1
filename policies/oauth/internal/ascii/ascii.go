// Package ascii compares names as protocols do that know no other letters: hosts, schemes, the domains of mail.
//
// It owns the folding of ASCII letters ([Lower]). It promises that nothing else becomes one: Unicode folds other letters
// into them (K, the Kelvin sign, becomes k). It is not for what people read.
package ascii

import "strings"

// Lower answers text with its ASCII letters in lower case, and all else as it is.
func Lower(text string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, text)
}
