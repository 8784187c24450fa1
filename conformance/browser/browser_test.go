package browser

import "testing"

// scenario is something that happens to a person.
type scenario struct {
	name string
	run  func(*testing.T, *world)
}

// alone runs scenarios one after the other: those in which something fails or ends for everybody who is signed in as the
// same person.
func alone(t *testing.T, w *world, scenarios ...scenario) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
	}
}

// together runs scenarios side by side in one world.
func together(t *testing.T, w *world, scenarios ...scenario) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t, w)
		})
	}
}

func TestBehindTLS(t *testing.T) {
	w := newWorld(t, setup{secure: true})
	alone(t, w,
		scenario{"provider error", providerError},
		scenario{"grants", grants},
		scenario{"keyboard only", keyboardOnly},
	)
	together(t, w,
		scenario{"first login", firstLogin},
		scenario{"second app", secondApp},
		scenario{"refuse", refuse},
		scenario{"provider refusal", providerRefusal},
		scenario{"two tabs", twoTabs},
		scenario{"wrong person", wrongPerson},
		scenario{"named person gone", namedPersonGone},
		scenario{"another person", switchPerson},
		scenario{"double click", doubleClick},
		scenario{"double submit", doubleSubmit},
		scenario{"answered otherwise", answeredOtherwise},
		scenario{"back button", backButton},
		scenario{"allowed before", allowedBefore},
		scenario{"cookies gone", cookiesGone},
		scenario{"another person's grant", otherPersonsGrant},
		scenario{"framed", framed},
		scenario{"cross-site consent", crossSiteConsent},
		scenario{"cross-site grants", crossSiteGrants},
		scenario{"other browser", otherBrowser},
		scenario{"popup", popup},
	)
}

// A policy below a base path, with characters in it that software is tempted to write anew.
func TestBelowABasePath(t *testing.T) {
	w := newWorld(t, setup{secure: true, base: "/sign-in/it's(a)!"})
	alone(t, w,
		scenario{"grants", grants},
		scenario{"keyboard only", keyboardOnly},
	)
	together(t, w,
		scenario{"first login", firstLogin},
		scenario{"second app", secondApp},
		scenario{"refuse", refuse},
		scenario{"two tabs", twoTabs},
		scenario{"wrong person", wrongPerson},
		scenario{"double submit", doubleSubmit},
		scenario{"back button", backButton},
		scenario{"cross-site consent", crossSiteConsent},
		scenario{"popup", popup},
	)
}

func TestOnLoopback(t *testing.T) {
	w := newWorld(t, setup{})
	alone(t, w,
		scenario{"grants", grants},
	)
	together(t, w,
		scenario{"first login", firstLogin},
		scenario{"second app", secondApp},
		scenario{"refuse", refuse},
		scenario{"two tabs", twoTabs},
		scenario{"wrong person", wrongPerson},
		scenario{"double submit", doubleSubmit},
		scenario{"back button", backButton},
		scenario{"other browser", otherBrowser},
	)
}

func TestAccessRules(t *testing.T) {
	together(t, newWorld(t, setup{secure: true, options: map[string]any{
		"access": map[string]any{"emails": []string{"ada@example.com"}},
	}}),
		scenario{"denied", deniedPerson},
		scenario{"looks", lookAtDenied},
	)
}

// TestLooks goes to every page that a person can come to, and looks at it.
func TestLooks(t *testing.T) {
	w := newWorld(t, setup{secure: true, options: map[string]any{
		"pages": map[string]any{"name": "Example, Inc.", "logo": logo},
		"gateway": map[string]any{"scopes": map[string]any{
			"crm:read":   map[string]any{"description": "See contacts in the CRM"},
			"crm:write":  map[string]any{"description": "Change and delete contacts in the CRM", "includes": []string{"crm:read"}},
			"crm:export": map[string]any{},
		}},
	}, scopes: `{"route": ["crm:read"], "tools": {"delete_contact": ["crm:write"], "export_all_contacts": ["crm:export"]}}`})
	alone(t, w,
		scenario{"faults of the provider", lookAtFaults},
	)
	together(t, w,
		scenario{"consent", lookAtConsent},
		scenario{"scopes", lookAtScopes},
		scenario{"grants", lookAtGrants},
		scenario{"messages", lookAtMessages},
	)
}
