// Package browser drives a real browser, headless Chromium, through everything that a person does at the gateway: signing
// in, refusing, changing who they are, taking access back; and through what others try to make their browser do.
//
// It owns one Chromium process for all of its tests, in which each person has a browser context of their own, and the
// worlds that they move in: the real gateway on loopback http and behind a TLS server under a public name, an identity
// provider, and MCP clients that listen where they are answered. It promises that no tab goes unwatched: an error on the
// console, a breach of a Content-Security-Policy or a request to a foreign host fails the test that caused it, unless
// the test said beforehand that it must happen. Whatever a test starts is gone when it ends.
//
// It is not for what needs no browser to be shown: answers, headers and cookies one by one are package signin's.
//
// DURWARD_SCREENSHOTS names a folder for a picture of each page in light, dark and phone width. Without it there are none.
package browser
