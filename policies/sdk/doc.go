// Package sdk turns a policies.Type into a process that the Durward host can run:
//
//	func main() { sdk.Serve(mypolicy.New()) }
//
// It owns everything between the policy and the wire: the go-plugin handshake, the gRPC service, the connection to the
// host's Store and Audit, the logger, and the process's end. An author writes none of it and needs to know none of it.
//
// It promises that the process ends when its host does, however the host ends; that signals meant for the host's process
// group do not end it early; that a panic in a call fails that call alone; that what the host asks is malformed or not
// before the policy sees it; and that what the policy answers is checked before it leaves.
//
// The host has bounds for a policy, and ends a process that does not keep them: Evaluate must end with its context, which
// ends a little before the host stops waiting, so that a policy that waits for others can say that it ran out of time;
// and a process with those it starts has only so much memory, of which a Go program hears by GOMEMLIMIT.
//
// It is not a server to be started by hand or put on a network, and it does not restart, cache or retry: the host does.
// What a policy writes to standard output is thrown away; its log is policies.Host.Logger.
package sdk
