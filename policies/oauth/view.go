package oauth

import (
	"time"

	"durward/policies/oauth/internal/access"
)

// What the pages show. Handlers fill these in; page.go makes HTML of them and cleans every text that comes from outside.

// clientView is the client as a person may judge it (A20, A43, S16, S46).
type clientView struct {
	// Name is what the client calls itself. Nobody has checked it.
	Name string
	// Redirect is where the answer goes, which cannot be made up.
	Redirect string
	// Document is the host of the client's metadata document, empty if it has none. Whoever has that host wrote it; that it
	// is they who ask cannot be seen where the answer stays on the person's machine.
	Document string
}

// consentView is the question whether a client may have access.
type consentView struct {
	Client clientView
	// Resource is the URL asked for, Title its name.
	Resource, Title string
	// Offline says that the client also asks to act while the person is away.
	Offline bool
	// Usual is what every client may do there besides using tools, More what this one asks for beyond that.
	Usual, More []abilityView
	// Person is whose session would be used, nil if the browser has none.
	Person *access.Person
	// Former is set when this page takes the place of one that was shown to somebody else: their person. Then Person is
	// set too.
	Former *access.Person
	// Allowed is when the same person last allowed the same client the same at the same address; zero if not.
	Allowed time.Time
	// Changed says that the client has changed since the person last allowed it something.
	Changed bool
	// Handle and CSRF go into the form.
	Handle, CSRF string
}

// deniedView tells a person who has signed in that they may not come in: they may sign in as somebody else, or go back
// to the client, which is told access_denied.
type deniedView struct {
	// Grants says that no client asked: the person came for the page of their grants. Client, Resource and Title are
	// empty then, and there is nothing to go back to.
	Grants          bool
	Client          clientView
	Resource, Title string
	Person          access.Person
	// Reason is the rule that kept the person out.
	Reason       access.Denial
	Handle, CSRF string
}

// grantsView is what a person has allowed.
type grantsView struct {
	Person access.Person
	// Grants are the newest, More says that there are others.
	Grants []grantView
	More   bool
	// Ended says how many were just taken back.
	Ended int
	CSRF  string
}

// grantView is one grant.
type grantView struct {
	ID     string
	Client clientView
	// Resource is the URL that was allowed, Title its name.
	Resource, Title string
	Offline         bool
	// Abilities are what it lets the client do besides using tools.
	Abilities []abilityView
	// Since is when it was allowed, Until when it ends if nobody uses it again.
	Since, Until time.Time
}

// message names a text for a person: a heading, what happened, and what to do. All of them are in texts.en.json.
type message string

const (
	msgUnavailable  message = "unavailable"    // a fault of ours: try again
	msgBadRequest   message = "bad_request"    // the app asked for something that cannot be: its developer's to mend
	msgUnknownApp   message = "unknown_app"    // the client is not registered, or no longer
	msgBadDocument  message = "bad_document"   // the client's metadata document is no good: its developer's to mend
	msgNoDocument   message = "no_document"    // the client's metadata document cannot be fetched just now
	msgUntrusted    message = "untrusted_app"  // the operator does not want clients of such a host
	msgBadRedirect  message = "bad_redirect"   // the redirect URI is not one of the client's
	msgInsecure     message = "insecure"       // plain http
	msgForeignForm  message = "foreign_form"   // the form came from another site
	msgOtherPage    message = "other_page"     // the page does not belong to this browser, or cookies are off
	msgAnswered     message = "answered"       // the page has been answered already, or has waited too long
	msgIncomplete   message = "incomplete"     // the provider's answer is no answer
	msgStaleLogin   message = "stale_login"    // the login is used, unknown or expired
	msgOtherBrowser message = "other_browser"  // the login was begun in another browser
	msgChanged      message = "changed"        // the client changed while the person was away signing in
	msgSetup        message = "setup"          // the operator must mend something
	msgUnreachable  message = "unreachable"    // the provider did not answer: try again
	msgUnverified   message = "unverified"     // the provider's answer failed a check
	msgTooMany      message = "too_many"       // too many requests from the person's address
	msgSignInFailed message = "sign_in_failed" // the provider or the person said no, with no client to tell
)
