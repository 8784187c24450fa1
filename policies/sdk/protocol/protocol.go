// Package protocol is what a policy's process and the host must agree on before they exchange a message.
//
// It owns the names, numbers and bounds of the go-plugin connection that carries policypb. It promises that two sides
// built from the same protocol version understand each other, and that sides of different versions refuse each other at
// the handshake. It is not for authors of policies: package sdk uses it for them.
package protocol

import "github.com/hashicorp/go-plugin"

const (
	// Version is the protocol's version. Sides with different versions refuse each other at the handshake.
	Version = 1
	// PluginName is the one plugin that a policy's process serves.
	PluginName = "policy"
	// HostServices is the go-plugin broker id on which the host serves Store and Audit to the policy's process.
	HostServices = 1
	// MaxMessage bounds every message in both directions, in bytes.
	MaxMessage = 4 << 20
	// MaxHeaderList bounds the headers and trailers of a call, in bytes. An error's text travels there.
	MaxHeaderList = 32 << 10
	// LifelineEnv names the environment variable that holds the number of the lifeline's file descriptor: the reading
	// end of a pipe whose other end the host keeps. When it ends, so has the host, and the process must follow.
	LifelineEnv = "DURWARD_LIFELINE"
	// LogLevelEnv names the environment variable that holds the least slog level worth writing, "INFO" if unset.
	LogLevelEnv = "DURWARD_LOG_LEVEL"
)

// Handshake answers what both sides give to go-plugin. The cookie keeps people from starting a policy by hand; it
// protects nothing.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{
		ProtocolVersion:  Version,
		MagicCookieKey:   "DURWARD_POLICY",
		MagicCookieValue: "e7a2c0f4-3f2b-4a86-9d5e-6b1c8a9f0d37",
	}
}
