// Package secrets looks for secrets where they must not be (G10).
//
// It owns one canary for each place where a secret may stand, and the faults around it: of the configuration, of the
// identity provider, of clients, of the policy's process. It promises to look through everything that can be seen from
// outside: what the commands print, what is answered over HTTP, the files that are kept, the policy's process; and to
// look for a secret in each form in which it may be written there.
//
// It is not for how secrets are kept safe: that is said and tested where it is done.
package secrets
