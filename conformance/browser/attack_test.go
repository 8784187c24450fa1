package browser

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/proto"

	"durward/conformance/gateway"
)

// A page of somebody else's puts the gateway's pages into frames, to have a click on its own page press a button of ours:
// the browser shows nothing of them (A38, S15). On a page of the same site it sends the person's cookies along.
func framed(t *testing.T, w *world) {
	a := w.newApp(t, "Framed")
	for kind, host := range map[string]string{"same site": "evil." + site, "other site": "evil." + foreignSite} {
		t.Run("on a page of the "+kind, func(t *testing.T) {
			pages := []string{a.ask().url, w.issuer + "/oauth/grants", w.issuer + "/oauth/authorize?client_id=nobody"}
			var text strings.Builder
			text.WriteString(`<!doctype html><title>Win a prize</title><link rel="icon" href="data:,">`)
			for _, page := range pages {
				text.WriteString(`<iframe src="` + html.EscapeString(page) + `"></iframe>`)
			}
			evil := serveText(t, host, text.String())
			v := w.visitor(t, a.origin, evil.origin)
			_, r := v.login(a, "ada")
			a.code(r)
			tb := v.tab()
			tb.expect(`frame-ancestors 'none'`)
			tb.allow(`issue: ContentSecurityPolicyIssue: frame-ancestors`)
			tb.allow(`status of 400`) // which the error page has
			tb.open(evil.origin + "/")
			for i := range pages {
				if got := tb.frame(i); got != "chrome-error://chromewebdata/" {
					t.Errorf("frame %d shows %s", i+1, got)
				}
			}
		})
	}
}

// frame answers the address of what a frame of the page shows, once it shows anything: by its own word, since a frame
// that was blocked still counts as being where it was sent.
func (tb *tab) frame(i int) (shown string) {
	tb.t.Helper()
	frames, err := tb.page.Elements("iframe")
	if err != nil {
		tb.t.Fatal(err)
	}
	node, err := frames[i].Describe(0, false)
	if err != nil {
		tb.t.Fatal(err)
	}
	if !gateway.Within(patience, func() bool {
		result, err := tb.inFrame(node.FrameID, "location.href")
		if err != nil {
			return false // the frame is moving from one process to another
		}
		shown = result.Result.Value.Str()
		return shown != "" && shown != "about:blank"
	}) {
		tb.t.Error("the frame shows nothing at all, not even that it was blocked")
	}
	return shown
}

// inFrame evaluates in a frame. One of the page's own site lives in the page, one of another site in a process of its own.
func (tb *tab) inFrame(id proto.PageFrameID, expression string) (*proto.RuntimeEvaluateResult, error) {
	world, err := proto.PageCreateIsolatedWorld{FrameID: id}.Call(tb.page)
	if err == nil {
		return proto.RuntimeEvaluate{Expression: expression, ContextID: world.ExecutionContextID}.Call(tb.page)
	}
	browser := tb.page.Browser()
	session, err := proto.TargetAttachToTarget{TargetID: proto.TargetTargetID(id), Flatten: true}.Call(browser)
	if err != nil {
		return nil, err
	}
	return proto.RuntimeEvaluate{Expression: expression}.Call(browser.PageFromSession(session.SessionID))
}

// A page of somebody else's sends the consent form, with all that stands in it: nothing is allowed, and the person's own
// form works after it (S22). On a page of the same site the browser sends the cookies along.
func crossSiteConsent(t *testing.T, w *world) {
	for kind, host := range map[string]string{"same site": "evil." + site, "other site": "evil." + foreignSite} {
		t.Run("from the "+kind, func(t *testing.T) {
			a := w.newApp(t, "Not asked for")
			victim := w.visitor(t, a.origin)
			tb, r := victim.tab(), a.ask()
			tb.open(r.url)
			evil := serveText(t, host, `<!doctype html><title>Win a prize</title><link rel="icon" href="data:,">`+
				`<form method="post" action="`+w.issuer+`/oauth/consent">`+
				`<input type="hidden" name="request" value="`+tb.value("request")+`">`+
				`<input type="hidden" name="csrf" value="`+tb.value("csrf")+`">`+
				`<button name="answer" value="allow">Get it</button></form>`)
			victim.known = append(victim.known, evil.origin)
			lured := victim.tab()
			lured.open(evil.origin + "/")
			lured.answer("allow")
			lured.at("/oauth/consent")
			lured.message("foreign_form", http.StatusForbidden)
			a.unanswered()

			tb.answer("allow")
			tb.signIn("ada")
			tb.inApp()
			a.works(a.tokens(r).AccessToken)
		})
	}
}

// A page of somebody else's takes back what a person has allowed, or signs them out, with all that stands in the form:
// nothing changes.
func crossSiteGrants(t *testing.T, w *world) {
	a := w.newApp(t, "To be kept")
	v := w.visitor(t, a.origin)
	tb, r := v.login(a, "ada")
	token := a.tokens(r).AccessToken
	tb.open(w.issuer + "/oauth/grants")
	evil := serveText(t, "evil."+site, `<!doctype html><title>Win a prize</title><link rel="icon" href="data:,">`+
		`<form method="post" action="`+w.issuer+`/oauth/grants">`+
		`<input type="hidden" name="csrf" value="`+tb.value("csrf")+`">`+
		`<input type="hidden" name="grant" value="`+tb.value("grant")+`">`+
		`<button name="answer" value="revoke">One</button><button name="answer" value="revoke-all">All</button>`+
		`<button name="answer" value="sign-out">Out</button><button name="answer" value="sign-in">In</button></form>`)
	v.known = append(v.known, evil.origin)
	lured := v.tab()
	for _, answer := range []string{"revoke", "revoke-all", "sign-out", "sign-in"} {
		lured.open(evil.origin + "/")
		lured.answer(answer)
		lured.at("/oauth/grants")
		lured.message("foreign_form", http.StatusForbidden)
	}
	lured.look("message-foreign-form")
	a.works(token)
	tb.open(w.issuer + "/oauth/grants")
	tb.shows("ada@example.com", "To be kept")
}

// Somebody allows an app of theirs, and has another person follow the way to the provider that came of it: the sign-in
// ends at a page, and no code is made (A46, S20).
func otherBrowser(t *testing.T, w *world) {
	a := w.newApp(t, "The attacker's")
	attacker, victim := w.visitor(t, a.origin), w.visitor(t, a.origin)
	tb, r := attacker.tab(), a.ask()
	tb.open(r.url)
	tb.answer("allow")
	tb.atProvider()

	lured := victim.tab()
	lured.open(tb.address())
	lured.signIn("grace")
	lured.at("/oauth/callback")
	lured.message("other_browser", http.StatusForbidden)
	a.unanswered()

	// The visit has used nothing up: who began the login can end it.
	tb.signIn("ada")
	tb.inApp()
	a.works(a.tokens(r).AccessToken)
}
