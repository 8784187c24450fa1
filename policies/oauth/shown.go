package oauth

import (
	"net/url"
	"strings"
	"unicode"

	"durward/policies/oauth/internal/access"
)

// How much of a text from outside is shown, in characters.
const (
	maxShownName    = 60
	maxShownPerson  = 80
	maxShownURL     = 160
	maxShownAbility = 200
	maxShownID      = 2048
	maxShownDetail  = 600
)

// shownClient is a client as the pages show it. Its name never stands without Place (S16, S46).
type shownClient struct {
	Name string
	// Place is where its answer goes: unlike the name it cannot be made up. It is Host or, where there is none, words.
	Place string
	// Host is in full, in small letters and punycode, so that no letter passes for another.
	Host string
	// Device says that the answer goes to an app on the person's own machine, whichever that is.
	Device bool
	// Answer is the redirect URI, shortened.
	Answer string
	// Document is the host of its metadata document, or empty.
	Document string
}

func (t texts) client(view clientView) shownClient {
	client := shownClient{Name: shown(view.Name, maxShownName), Answer: shown(view.Redirect, maxShownURL), Document: view.Document}
	if client.Name == "" {
		client.Name = t.Words["client.nameless"]
	}
	target, err := url.Parse(view.Redirect)
	switch {
	case err != nil || target.Scheme == "":
		client.Place = t.Words["client.elsewhere"]
	case target.Scheme == "https":
		client.Host = strings.ToLower(target.Host)
		client.Place = client.Host
	default:
		client.Device = true
		client.Place = t.Words["client.device"]
	}
	return client
}

// whoIs names a person: by address, else by name, else by what the provider calls them. No person has no name.
func whoIs(who *access.Person) string {
	if who == nil {
		return ""
	}
	for _, text := range []string{who.Email, who.Name, who.Subject} {
		if text = shown(text, maxShownPerson); text != "" {
			return text
		}
	}
	return ""
}

// hostOf answers the host of a URL of our own configuration.
func hostOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		return address
	}
	return parsed.Host
}

// shown makes text from outside fit to be shown: characters that are not seen, or that change how others are read
// (right-to-left overrides among them), are dropped, runs of space become one, and what is longer than limit is cut.
func shown(text string, limit int) string {
	clean := strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c), c == '\u2800': // a Braille pattern without dots
			return ' '
		case !unicode.IsPrint(c), unicode.In(c, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			return -1
		}
		return c
	}, text)
	runes := []rune(strings.Join(strings.Fields(clean), " "))
	if len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return string(runes)
}
