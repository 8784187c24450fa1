package page

import (
	"math"
	"time"
)

// Message names a text for a person: a heading, what happened, and what to do. All of them are in texts.en.json.
type Message string

// The messages there are.
const (
	Unavailable  Message = "unavailable"    // a fault of ours: try again
	BadRequest   Message = "bad_request"    // the app asked for something that cannot be: its developer's to mend
	UnknownApp   Message = "unknown_app"    // the client is not registered, or no longer
	BadDocument  Message = "bad_document"   // the client's metadata document is no good: its developer's to mend
	NoDocument   Message = "no_document"    // the client's metadata document cannot be fetched just now
	Untrusted    Message = "untrusted_app"  // the operator does not want clients of such a host
	BadRedirect  Message = "bad_redirect"   // the redirect URI is not one of the client's
	Insecure     Message = "insecure"       // plain http
	ForeignForm  Message = "foreign_form"   // the form came from another site
	OtherPage    Message = "other_page"     // the page does not belong to this browser, or cookies are off
	Answered     Message = "answered"       // the page has been answered already, or has waited too long
	Incomplete   Message = "incomplete"     // the provider's answer is no answer
	StaleLogin   Message = "stale_login"    // the login is used, unknown or expired
	OtherBrowser Message = "other_browser"  // the login was begun in another browser
	Changed      Message = "changed"        // the client changed while the person was away signing in
	Setup        Message = "setup"          // the operator must mend something
	Unreachable  Message = "unreachable"    // the provider did not answer: try again
	Unverified   Message = "unverified"     // the provider's answer failed a check
	TooMany      Message = "too_many"       // too many requests from the person's address
	SignInFailed Message = "sign_in_failed" // the provider or the person said no, with no client to tell
)

// Refusal is an error page.
type Refusal struct {
	// Status is the HTTP status under which it is sent.
	Status int
	// Message is what it says; BadRequest if there is no such one.
	Message Message
	// Code and Text are for the client's developer, an error code of RFC 6749 and what is wrong in English. They are shown
	// where a developer can mend it, and quote nothing secret.
	Code, Text string
	// RetryAfter is how long to wait before another try, 0 if that is not known.
	RetryAfter time.Duration
	// RequestID is what the operator finds the request by.
	RequestID string
}

// developers says whether somebody who makes the app can mend what the message is about.
func (m Message) developers() bool {
	switch m {
	case BadRequest, BadDocument, NoDocument:
		return true
	}
	return false
}

// wait answers how long to wait in whole seconds or, if that would be many, in whole minutes. The other is 0.
func (r Refusal) wait() (seconds, minutes int) {
	switch {
	case r.RetryAfter <= 0:
		return 0, 0
	case r.RetryAfter > 2*time.Minute:
		return 0, int(math.Ceil(r.RetryAfter.Minutes()))
	}
	return max(2, int(math.Ceil(r.RetryAfter.Seconds()))), 0 // the text speaks of several
}
