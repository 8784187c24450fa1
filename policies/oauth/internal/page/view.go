package page

import (
	"time"

	"durward/policies/oauth/internal/access"
)

// Client is a client as a person may judge it (A20, A43, S16, S46).
type Client struct {
	// Name is what the client calls itself. Nobody has checked it.
	Name string
	// Redirect is where the answer goes, which cannot be made up.
	Redirect string
	// Document is the host of the client's metadata document, empty if it has none. Whoever has that host wrote it; that it
	// is they who ask cannot be seen where the answer stays on the person's machine.
	Document string
}

// Ability is one thing beyond the tools that a scope lets a client do, as a person is told of it (A43).
type Ability struct {
	// Scope is its name, Description the operator's words for it, or empty.
	Scope, Description string
}

// Consent is the question whether a client may have access. Its form is sent to "consent" with the answer allow, deny or
// switch: to sign in as somebody else.
type Consent struct {
	Client Client
	// Resource is the URL asked for, Title its name.
	Resource, Title string
	// Offline says that the client also asks to act while the person is away.
	Offline bool
	// Usual is what every client may do there besides using tools, More what this one asks for beyond that.
	Usual, More []Ability
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

// Denied tells a person who has signed in that they may not come in: they may sign in as somebody else, or go back to
// the client, which is told access_denied. Its form is sent to "consent" with the answer switch or deny.
type Denied struct {
	// Grants says that no client asked: the person came for the page of their grants. Client, Resource and Title are
	// empty then, and there is nothing to go back to.
	Grants          bool
	Client          Client
	Resource, Title string
	Person          access.Person
	// Reason is the rule that kept the person out.
	Reason       access.Denial
	Handle, CSRF string
}

// Grants is what a person has allowed. Its forms are sent to "grants" with the answer revoke and the ID of a grant, or
// with revoke-all or sign-out.
type Grants struct {
	Person access.Person
	// Grants are the newest, More says that there are others.
	Grants []Grant
	More   bool
	// Ended says how many were just taken back.
	Ended int
	CSRF  string
}

// Grant is one of the things that a person has allowed.
type Grant struct {
	ID     string
	Client Client
	// Resource is the URL that was allowed, Title its name.
	Resource, Title string
	Offline         bool
	// Abilities are what it lets the client do besides using tools.
	Abilities []Ability
	// Since is when it was allowed, Until when it ends if nobody uses it again.
	Since, Until time.Time
}
