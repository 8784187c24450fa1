// Package policypb is the wire form of package policies: the protobuf contracts between the host and a policy's
// process, their generated code, and the conversions between the two, used on both sides.
//
// It promises that a value converted there and back is the same value, and that a malformed message becomes an error
// and never an allow. It holds no logic beyond that.
package policypb

//go:generate ./generate.sh
