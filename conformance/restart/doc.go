// Package restart ends the gateway and starts it again, as a service manager does that holds its sockets meanwhile.
//
// It owns the tests of what callers see of that: nothing but that they wait. It promises callers that hide nothing: no
// request is sent twice, on whatever connection, and every answer counts.
//
// It is not for gateways that are killed: see package crash.
package restart
