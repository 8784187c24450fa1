// Package egress fetches small documents from hosts on the web that strangers name.
//
// It owns the one way in which this server makes a request on the word of somebody it does not know: which URLs it takes
// at all, which addresses it connects to, and how much of an answer it reads, for how long (A12, A15, A16; S34 to S38).
//
// It promises that no connection is attempted to an address of special use (RFC 6890): each address is judged when it is
// dialed, after the name was looked up, so that no second answer of a name server can lead elsewhere (S35); that TLS is
// spoken to the host that the URL names; that nothing is followed, sent along or kept: no redirect, no proxy, no cookie,
// no connection that outlives its request; that a fetch ends after Timeout whatever the other side does, and holds no
// more memory than its limits; and that what it says of a failure to strangers does not tell them which names and
// addresses there are in this server's own network.
//
// It is not for what an answer means, nor for caching it: that is its callers' part. It is not for hosts that the
// operator has named, such as the identity provider, which may well lie in a private network.
//
// What it cannot see is a network whose private hosts have public addresses, or one that translates a range of its own
// to IPv4 (RFC 6052 section 2.2 with a prefix that nobody but the network knows): there the network must keep this
// server's process from them.
package egress
