package browser

import (
	"net/http"
	"testing"

	"durward/conformance/gateway"
)

// The person says no at the provider: the app is told.
func providerRefusal(t *testing.T, w *world) {
	a := w.newApp(t, "Not after all")
	v := w.visitor(t, a.origin)
	tb, r := v.tab(), a.ask()
	tb.open(r.url)
	tb.answer("allow")
	tb.signIn("")
	tb.inApp()
	a.refused(r)
}

// The provider fails when the code is redeemed: a calm page, by whose request id the operator finds why, and the app is
// not answered. It works again when the provider does. Nobody else may sign in meanwhile.
func providerError(t *testing.T, w *world) {
	a := w.newApp(t, "Unlucky")
	v := w.visitor(t, a.origin)
	tb := v.tab()
	t.Run("meanwhile", func(t *testing.T) {
		w.provider.fail(t, func(answer http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/oauth/token" {
				return false
			}
			http.Error(answer, "no", http.StatusInternalServerError)
			return true
		})
		r := a.ask()
		tb.open(r.url)
		tb.answer("allow")
		tb.signIn("ada")
		tb.at("/oauth/callback")
		tb.message("unreachable", http.StatusBadGateway)
		id := tb.requestID()
		why := w.Log.Lines(func(l gateway.Line) bool {
			said, _ := l.Fields["log"].(map[string]any)
			return l.Msg() == "sign-in failed" && l.Field("level") == "ERROR" && said["request_id"] == id
		})
		if len(why) != 1 {
			t.Errorf("the log has %d lines that say why, want 1", len(why))
		}
		a.unanswered()
	})
	r := a.ask()
	tb.open(r.url)
	tb.answer("allow")
	tb.signIn("ada")
	tb.inApp()
	a.works(a.tokens(r).AccessToken)
}

// Grace may not come in: she is told so, nothing is made, and she goes back to the app, which is told; or signs in as
// Ada, who may.
func deniedPerson(t *testing.T, w *world) {
	a := w.newApp(t, "Not for everybody")
	v := w.visitor(t, a.origin)
	tb, r := v.tab(), a.ask()
	tb.open(r.url)
	tb.answer("allow")
	tb.signIn("grace")
	tb.at("/oauth/callback")
	tb.shows("no access", "grace@example.com")
	a.unanswered()
	tb.answer("deny")
	tb.inApp()
	a.refused(r)

	r = a.ask()
	tb.open(r.url)
	tb.answer("allow")
	tb.signIn("grace")
	tb.answer("switch")
	tb.atProvider()
	tb.signIn("ada")
	tb.inApp()
	a.works(a.tokens(r).AccessToken)
}
