package browser

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/proto"

	"durward/conformance/gateway"
)

// visitor is somebody with a browser of their own: cookies and tabs that nobody else sees.
type visitor struct {
	t       *testing.T
	world   *world
	browser *rod.Browser
	// known are further origins that the visitor's tabs may speak to.
	known []string
}

// visitor makes a fresh browser, which may also speak to apps' redirect URIs and to other origins.
func (w *world) visitor(t *testing.T, origins ...string) *visitor {
	t.Helper()
	b, err := chromium.get(t).Incognito()
	if err != nil {
		t.Fatalf("open browser: %v", err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close browser: %v", err)
		}
	})
	return &visitor{t: t, world: w, browser: b, known: origins}
}

// cookies answers the names of the cookies that the browser holds for the gateway.
func (v *visitor) cookies() []*proto.NetworkCookie {
	v.t.Helper()
	all, err := v.browser.GetCookies()
	if err != nil {
		v.t.Fatal(err)
	}
	return all
}

// tab is one tab of a visitor's browser.
type tab struct {
	t     *testing.T
	world *world
	page  *rod.Page
	*watch
}

// tab opens an empty tab. When the test ends, nothing may have been wrong in it.
func (v *visitor) tab() *tab {
	v.t.Helper()
	page, err := v.browser.Page(proto.TargetCreateTarget{NewWindow: true})
	if err != nil {
		v.t.Fatalf("open tab: %v", err)
	}
	return v.watched(page)
}

// opened answers the tab that a page opens when do is done, once it has loaded.
func (v *visitor) opened(opener *tab, do func()) *tab {
	v.t.Helper()
	wait := opener.page.WaitOpen()
	do()
	page, err := wait()
	if err != nil {
		v.t.Fatalf("find the new window: %v", err)
	}
	tb := v.watched(page)
	ctx, stop := context.WithTimeout(v.t.Context(), patience)
	defer stop()
	if err := page.Context(ctx).WaitLoad(); err != nil {
		v.t.Fatalf("open the new window: %v", err)
	}
	tree, err := proto.PageGetFrameTree{}.Call(page)
	if err != nil {
		v.t.Fatalf("open the new window: %v", err)
	}
	if err := tb.until(ctx, tree.FrameTree.Frame.LoaderID); err != nil { // the event that says so has come, too
		v.t.Fatalf("open the new window: %v", err)
	}
	return tb
}

func (v *visitor) watched(page *rod.Page) *tab {
	v.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	page = page.Context(ctx)
	watch, err := watchPage(v.world, page)
	if err != nil {
		v.t.Fatalf("watch tab: %v", err)
	}
	for _, origin := range v.known {
		watch.know(origin)
	}
	tb := &tab{t: v.t, world: v.world, page: page, watch: watch}
	v.t.Cleanup(func() {
		tb.finish()
		stop()
	})
	// Several windows are open at once; each acts as if it were the one in front.
	if err := (proto.EmulationSetFocusEmulationEnabled{Enabled: true}).Call(page); err != nil {
		v.t.Fatal(err)
	}
	return tb
}

// finish waits until all that happened in the tab has been seen, and says what was wrong.
func (tb *tab) finish() {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	_, err := proto.RuntimeEvaluate{Expression: "console.debug(" + fmt.Sprintf("%q", endMark) + ")"}.Call(tb.page.Context(ctx))
	if err != nil {
		tb.t.Errorf("end tab: %v", err)
		return
	}
	select {
	case <-tb.ended:
	case <-ctx.Done():
		tb.t.Error("the tab did not tell its end")
	}
	for _, fault := range tb.verdict() {
		tb.t.Error(fault)
	}
}

// act does what leads to another page, and waits for it.
func (tb *tab) act(what string, do func(page *rod.Page) error) {
	tb.t.Helper()
	ctx, stop := context.WithTimeout(tb.t.Context(), patience)
	defer stop()
	before := tb.before()
	err := do(tb.page.Context(ctx))
	if err == nil {
		err = tb.next(ctx, before)
	}
	if err != nil {
		tb.t.Fatalf("%s: %v\nat %s\n%s\n%s", what, err, tb.address(), tb.text(), strings.Join(tb.verdict(), "\n"))
	}
}

// open goes to an address, as if it were typed.
func (tb *tab) open(address string) {
	tb.t.Helper()
	ctx, stop := context.WithTimeout(tb.t.Context(), patience)
	defer stop()
	document, err := proto.PageNavigate{URL: address}.Call(tb.page.Context(ctx))
	if err != nil {
		tb.t.Fatalf("open %s: %v", address, err)
	}
	if err := tb.until(ctx, document.LoaderID); err != nil {
		tb.t.Fatalf("open %s: %v %s\n%s", address, err, document.ErrorText, strings.Join(tb.verdict(), "\n"))
	}
}

// press clicks on what selector finds, with the mouse.
func (tb *tab) press(selector string) {
	tb.t.Helper()
	tb.act("press "+selector, func(page *rod.Page) error { return click(page, selector) })
}

// click clicks on what selector finds and does not wait for what comes of it.
func click(page *rod.Page, selector string) error {
	element, err := page.Sleeper(rod.NotFoundSleeper).Element(selector) // the page has loaded: it is there or never
	if err != nil {
		return err
	}
	return element.Click(proto.InputMouseButtonLeft, 1)
}

// answer presses a button of one of the gateway's forms.
func (tb *tab) answer(value string) {
	tb.t.Helper()
	tb.press(`button[name=answer][value="` + value + `"]`)
}

// signIn says on the provider's page who the person is: "ada", "grace", or "" for nobody.
func (tb *tab) signIn(who string) {
	tb.t.Helper()
	tb.press(`button[name=person][value="` + who + `"]`)
}

// back goes back by the browser's button.
func (tb *tab) back() {
	tb.t.Helper()
	tb.act("go back", func(page *rod.Page) error { return page.NavigateBack() })
}

// key presses a key as often as there are.
func (tb *tab) key(keys ...input.Key) {
	tb.t.Helper()
	if err := tb.page.Keyboard.Type(keys...); err != nil {
		tb.t.Fatalf("press key: %v", err)
	}
}

// eval answers what a function in the page answers, as text.
func (tb *tab) eval(function string, arguments ...any) string {
	tb.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	result, err := tb.page.Context(ctx).Eval(function, arguments...)
	if err != nil {
		tb.t.Errorf("evaluate %s: %v", function, err)
		return ""
	}
	return result.Value.Str()
}

func (tb *tab) address() string { tb.t.Helper(); return tb.eval(`() => location.href`) }
func (tb *tab) text() string    { tb.t.Helper(); return tb.eval(`() => document.body.innerText`) }
func (tb *tab) heading() string {
	tb.t.Helper()
	return tb.eval(`() => document.querySelector("h1")?.innerText ?? ""`)
}

// count answers how much the selector finds.
func (tb *tab) count(selector string) int {
	tb.t.Helper()
	n, err := strconv.Atoi(tb.eval(`selector => String(document.querySelectorAll(selector).length)`, selector))
	if err != nil {
		tb.t.Fatal(err)
	}
	return n
}

// value answers a field of the page's form.
func (tb *tab) value(name string) string {
	tb.t.Helper()
	return tb.eval(`name => document.querySelector("input[name=" + name + "]")?.value ?? ""`, name)
}

// at fails the test unless the tab shows a page of the gateway's at path.
func (tb *tab) at(path string) {
	tb.t.Helper()
	if got := tb.address(); !strings.HasPrefix(got, tb.world.origin+path) {
		tb.t.Fatalf("the tab is at %s, want %s\n%s", got, tb.world.origin+path, tb.text())
	}
}

// shows fails the test unless all texts stand on the page.
func (tb *tab) shows(texts ...string) {
	tb.t.Helper()
	page := tb.text()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			tb.t.Errorf("the page at %s does not say %q:\n%s", tb.address(), text, page)
		}
	}
}

// atProvider fails the test unless the tab shows the provider's page.
func (tb *tab) atProvider() {
	tb.t.Helper()
	if got := tb.address(); !strings.HasPrefix(got, tb.world.provider.Issuer()+"/") {
		tb.t.Fatalf("the tab is at %s, want the provider's page\n%s", got, tb.text())
	}
}

// inApp fails the test unless the tab shows the app.
func (tb *tab) inApp() {
	tb.t.Helper()
	if got := tb.heading(); got != appHeading {
		tb.t.Fatalf("the tab is at %s, want the app\n%s", tb.address(), tb.text())
	}
}

// message fails the test unless the tab shows that page of texts.en.json, with this status and a request id, by which
// the gateway's log knows it.
func (tb *tab) message(name string, status int) {
	tb.t.Helper()
	tb.mu.Lock()
	got := tb.status
	tb.mu.Unlock()
	want := tb.world.messages[name]
	if want.Heading == "" {
		tb.t.Fatalf("there is no message %q", name)
	}
	if !tb.world.own(tb.address()) || got != status || tb.heading() != want.Heading {
		tb.t.Errorf("the tab shows status %d at %s, want %d and %q:\n%s", got, tb.address(), status, want.Heading, tb.text())
	}
	tb.shows(want.Text, want.Advice)
	id := tb.requestID()
	// The line of the access log is written after the answer.
	if id == "" || !gateway.Within(patience, func() bool { return tb.world.logged(id) }) {
		tb.t.Errorf("the gateway's log does not know the request id %q", id)
	}
}

// requestID is the id that an error page shows.
func (tb *tab) requestID() string {
	tb.t.Helper()
	return tb.eval(`() => [...document.querySelectorAll("code")].at(-1)?.innerText ?? ""`)
}

// login has the visitor allow an app in a new tab and sign in. It answers the tab.
func (v *visitor) login(a *app, who string) (*tab, request) {
	v.t.Helper()
	r := a.ask()
	tb := v.tab()
	tb.open(r.url)
	tb.answer("allow")
	tb.atProvider()
	tb.signIn(who)
	tb.inApp()
	return tb, r
}
