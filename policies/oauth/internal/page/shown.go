package page

import (
	"net/url"
	"slices"
	"strings"

	"durward/policies/oauth/internal/access"
	"durward/policies/oauth/internal/legible"
)

// How much of a text from outside is shown, in characters.
const (
	maxName    = 60
	maxPerson  = 80
	maxURL     = 160
	maxAbility = 200
	maxDetail  = 600
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

func (t texts) client(view Client) shownClient {
	client := shownClient{
		Name: legible.Line(view.Name, maxName), Answer: legible.Line(view.Redirect, maxURL), Document: view.Document,
	}
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
		if text = legible.Line(text, maxPerson); text != "" {
			return text
		}
	}
	return ""
}

// shownAbilities answers abilities with the words that are shown for them.
func shownAbilities(abilities []Ability) []Ability {
	all := slices.Clone(abilities)
	for i := range all {
		all[i].Description = legible.Line(all[i].Description, maxAbility)
	}
	return all
}

// hostOf answers the host of a URL of our own configuration.
func hostOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		return address
	}
	return parsed.Host
}
