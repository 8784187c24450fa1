// Package reload edits the configuration of a real gateway while people use it: calls on kept connections, hundreds of
// event streams, refreshed tokens and sign-ins go on, and the processes of its policies are replaced under them.
//
// It holds the promises G2 to G6 as an operator meets them, with files and executables that are saved as editors and
// installers save them. It puts nginx, reloaded at the same pace under the same callers and streams, into a table beside
// it, and it measures what docs/performance.md says of reloads.
//
// What a policy may do wrong while it runs is in conformance/hostile; kinds of saves and mounts are in conformance/watch.
package reload
