// Package secret makes what must not be guessed, and writes it down so that it cannot be read back.
//
// It owns the form of the secrets that are given out (a [Kind] and 256 random bits), the [Digest] under which they are
// known in the store, and how something is sealed under a secret ([Seal]).
//
// It promises that whoever has a copy of the store has neither a secret nor what was sealed under one; and that a secret
// tells its kind, so that none is taken for another and a scanner that finds one knows what it has found.
//
// It is not for passwords: a digest is safe because what it is of cannot be guessed. It keeps nothing, and says nothing of
// whether a secret was ever given out.
package secret
