package browser

import "testing"

// scenario is something that happens to a person.
type scenario struct {
	name string
	run  func(*testing.T, *world)
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
	together(t, newWorld(t, setup{secure: true}),
		scenario{"first login", firstLogin},
		scenario{"second app", secondApp},
		scenario{"refuse", refuse},
		scenario{"two tabs", twoTabs},
		scenario{"framed", framed},
		scenario{"cross-site consent", crossSiteConsent},
		scenario{"other browser", otherBrowser},
	)
}

func TestOnLoopback(t *testing.T) {
	together(t, newWorld(t, setup{}),
		scenario{"first login", firstLogin},
		scenario{"refuse", refuse},
		scenario{"two tabs", twoTabs},
	)
}
