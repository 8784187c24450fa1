package document

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// unescaped is what a text says that is written so between its quotes (RFC 8259 section 7). It has passed the parser.
func unescaped(written []byte) []byte {
	out := make([]byte, 0, len(written))
	for i := 0; i < len(written); i++ {
		if written[i] != '\\' {
			out = append(out, written[i])
			continue
		}
		i++
		switch c := written[i]; c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := hex(written[i+1:])
			i += 4
			if utf16.IsSurrogate(r) {
				r = utf16.DecodeRune(r, hex(written[i+3:]))
				i += 6
			}
			out = utf8.AppendRune(out, r)
		default: // ", \ and /
			out = append(out, c)
		}
	}
	return out
}

// hex reads four hexadecimal digits, or answers -1.
func hex(digits []byte) rune {
	if len(digits) < 4 {
		return -1
	}
	n, err := strconv.ParseUint(string(digits[:4]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}
