// Package assertion checks the signed statements by which a client proves who it is: private_key_jwt (RFC 7523, OpenID
// Connect Core section 9).
//
// It owns what such a statement must look like and say, and which of a client's public keys may have signed it ([Verify]).
//
// It promises that what Verify accepts was signed, not long ago and for one of the audiences given, by a key that the
// caller says is the client's, with an algorithm that fits the key. Nothing in the statement decides where a key comes
// from: headers that carry or point to keys are not read. Everything that needs no key is checked before a key is asked
// for, so that nonsense sends nobody anywhere. No error quotes the statement.
//
// It is not for keeping what was accepted: the caller refuses an ID that it has seen before. It fetches nothing and reads
// no clock.
package assertion
