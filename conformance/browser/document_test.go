package browser

import (
	"maps"
	"net/http"
	"testing"

	"durward/conformance/clienthost"
)

// Clients that a metadata document speaks for: whose host it is stands beside where the answer goes, the page warns of
// other programs on the device, and who allowed what has changed since is told (A20, S44).
func TestDocumentClients(t *testing.T) {
	host := clienthost.Start(t)
	w := newWorld(t, setup{options: map[string]any{
		"gateway": map[string]any{"cimdDevelopment": host.Development()},
	}})
	describe := func(a *app, path string, changes map[string]any) {
		described := map[string]any{"client_name": a.name, "redirect_uris": []string{a.origin + "/callback"}}
		maps.Copy(described, changes)
		a.id = host.Publish(path, described)
		a.config.ClientID = a.id
	}
	here, web := w.newApp(t, "Notes for everybody"), w.newAppAt(t, "Claude", "app."+site)
	describe(here, "/here.json", nil)
	describe(web, "/web.json", nil)
	v := w.visitor(t, here.origin, web.origin)
	tb := v.tab()
	tb.open(here.ask().url)
	tb.shows("Notes for everybody", "described by 127.0.0.1", "Any program on the device can ask as the app of 127.0.0.1")
	tb.look("consent-document-here")

	r := web.ask()
	tb.open(r.url)
	tb.shows("Claude", "app."+site, "described by 127.0.0.1", "Nobody has checked this app")
	tb.look("consent-document-web")
	tb.answer("allow")
	tb.signIn("ada")
	tb.inApp()
	web.works(web.tokens(r).AccessToken)

	describe(web, "/web.json", map[string]any{
		"redirect_uris": []string{web.origin + "/callback", "https://other.example/callback"},
	})
	tb.open(web.ask().url)
	tb.shows("has changed since you last allowed it")
	tb.look("consent-document-changed")

	host.SetDocument("/web.json", http.StatusOK, nil, `{"client_id": "https://evil.example/<b>x</b>"}`)
	tb.open(web.ask().url)
	tb.message("bad_document", http.StatusBadRequest)
	tb.shows("does not name exactly its own URL as client_id")
	tb.look("message-bad-document")
	host.SetDocument("/web.json", http.StatusBadGateway, nil, "")
	tb.open(web.ask().url)
	tb.message("no_document", http.StatusServiceUnavailable)
	tb.look("message-no-document")
}
