package browser

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/proto"

	"durward/conformance/gateway"
)

// A page of somebody else's puts the gateway's pages into a frame, to have a click on its own page press a button of
// ours: the browser shows nothing (A38, S15).
func framed(t *testing.T, w *world) {
	a := w.newApp(t, "Framed")
	for name, address := range map[string]string{
		"consent": a.ask().url,
		"error":   w.origin + "/oauth/authorize?client_id=nobody",
	} {
		for kind, host := range map[string]string{"same site": "evil." + site, "other site": "evil." + foreignSite} {
			t.Run(name+" on a page of the "+kind, func(t *testing.T) {
				// The frame is as wide as the page that has it: what would be shown could be clicked on.
				evil := serveText(t, host, `<!doctype html><title>Win a prize</title><link rel="icon" href="data:,">`+
					`<iframe width="800" height="600" src="`+strings.ReplaceAll(address, "&", "&amp;")+`"></iframe>`)
				v := w.visitor(t, a.origin, evil.origin)
				mine := v.tab() // the person knows the gateway already
				mine.open(a.ask().url)
				tb := v.tab()
				tb.expect(`frame-ancestors 'none'`)
				tb.allow(`status of 400`) // which the error page has
				tb.expect(`issue: ContentSecurityPolicyIssue: frame-ancestors`)
				tb.open(evil.origin + "/")
				if got := tb.frame(); got != "chrome-error://chromewebdata/" {
					t.Errorf("the frame shows %s", got)
				}
			})
		}
	}
}

// frame answers the address of what the page's one frame shows, once it shows anything: by its own word, since a frame
// that was blocked still counts as being where it was sent.
func (tb *tab) frame() (shown string) {
	tb.t.Helper()
	element, err := tb.page.Element("iframe")
	if err != nil {
		tb.t.Fatal(err)
	}
	node, err := element.Describe(0, false)
	if err != nil {
		tb.t.Fatal(err)
	}
	evaluate := func() (*proto.RuntimeEvaluateResult, error) {
		const address = "location.href"
		// A frame of the page's own site lives in the page, one of another site in a process of its own.
		world, err := proto.PageCreateIsolatedWorld{FrameID: node.FrameID}.Call(tb.page)
		if err == nil {
			return proto.RuntimeEvaluate{Expression: address, ContextID: world.ExecutionContextID}.Call(tb.page)
		}
		session, err := proto.TargetAttachToTarget{
			TargetID: proto.TargetTargetID(node.FrameID), Flatten: true,
		}.Call(tb.page.Browser())
		if err != nil {
			return nil, err
		}
		return proto.RuntimeEvaluate{Expression: address}.Call(tb.page.Browser().PageFromSession(session.SessionID))
	}
	if !gateway.Within(patience, func() bool {
		result, err := evaluate()
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
				`<form method="post" action="`+w.origin+`/oauth/consent">`+
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
