package main

import "unicode"

// widthOf is how many columns of a terminal a printable character takes: 0 for a mark that is put on the character before
// it, 2 for the wide ones of East Asia (Unicode Standard Annex #11, classes W and F) and for pictures, else 1. Characters
// whose width a terminal may choose (class A) count as 1, and pictures that are joined of several count one by one.
func widthOf(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	}
	for _, wide := range [...][2]rune{
		{0x1100, 0x115f},   // the leading consonants of Hangul
		{0x231a, 0x231b},   // clocks
		{0x2e80, 0x303e},   // radicals and punctuation
		{0x3041, 0x33ff},   // kana and squared letters
		{0x3400, 0x4dbf},   // ideographs
		{0x4e00, 0xa4cf},   // ideographs, Yi
		{0xa960, 0xa97f},   // Hangul
		{0xac00, 0xd7a3},   // Hangul
		{0xf900, 0xfaff},   // ideographs
		{0xfe30, 0xfe6f},   // forms for vertical text
		{0xff01, 0xff60},   // full width forms
		{0xffe0, 0xffe6},   // full width signs
		{0x1f300, 0x1f64f}, // pictures
		{0x1f680, 0x1f6ff},
		{0x1f900, 0x1f9ff},
		{0x1fa70, 0x1faff},
		{0x20000, 0x3fffd}, // ideographs
	} {
		if wide[0] <= r && r <= wide[1] {
			return 2
		}
	}
	return 1
}
