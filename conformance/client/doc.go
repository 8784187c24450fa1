// Package client tries the gateway with clients that nobody here wrote, the official go-sdk's first, and with what
// browsers and other SDKs demand besides.
//
// It promises to help the SDK with nothing but the person it needs: discovery, registration, PKCE, resource, tokens and
// their refresh are its own, over HTTP, against a gateway that runs as an operator runs it. What it sent is looked at
// from outside.
//
// It is not for attacks, nor for what happens while the gateway changes: those have suites of their own.
package client
