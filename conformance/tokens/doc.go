// Package tokens plays what may go wrong with tokens at the worst of moments against the real binary, over HTTP: many
// clients at once with one code or one token, grants taken back while tokens are made of them, and the host or a policy's
// process killed between any two writes.
//
// It promises to count. Of so many answers exactly so many are what the rules say; every access token that was handed out
// is alive, or dead, exactly as stated; a client that repeats what it asked is never stranded; and nothing is alive after
// its grant. For the kills it builds the gateway with points at which it can be told to die (testdata/point.go): each
// point that a request passes has its turn, then the gateway starts again on the same data, and the client repeats. Each
// race and each deed that is cut off has an edit of the product with which it fails.
//
// It is not for what needs the grace to pass, or options to change while tokens live: a model holds those, with a clock of
// its own, beside the code. The races run on the race detector; what is killed does one thing at a time, and runs
// without it.
package tokens
