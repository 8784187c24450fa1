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

// tab is one tab of a visitor's browser.
type tab struct {
	t     *testing.T
	world *world
	page  *rod.Page
	*watch
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
	if got := tb.address(); !strings.HasPrefix(got, tb.world.issuer+path) {
		tb.t.Fatalf("the tab is at %s, want %s\n%s", got, tb.world.issuer+path, tb.text())
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
