// Package suite has the public MCP conformance suite test the gateway: its command `authorization`, in each revision of
// the specification that it knows, as its authors run it.
//
// It promises that the suite sees the gateway as any client does: a public client, registered as ever, and a person who
// opens the URL that the suite prints. It goes by the checks that the suite writes down, by their ids and statuses: all
// that there are must be there and have succeeded. What the suite says by its exit status hides warnings, and checks that
// were left out.
//
// It expects nothing of its own: what the suite does not look at, most of the rules, is for package oauth.
package suite
