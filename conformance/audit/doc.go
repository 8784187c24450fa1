// Package audit plays the life of two clients against the real binary, and reads what the audit says of it.
//
// It promises that the lines are those of docs/audit.md, all of them and in order, at the quietest log level there is;
// that what an operator reads leads to the request that caused it; and that a flood is not one in the log.
//
// It is not for each reason there may be for each event: the tests of the library hold all that they cause against the
// same document.
package audit
