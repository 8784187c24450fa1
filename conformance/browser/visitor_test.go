package browser

import (
	"context"
	"testing"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/proto"
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

// cookies answers what the browser holds.
func (v *visitor) cookies() []*proto.NetworkCookie {
	v.t.Helper()
	all, err := v.browser.GetCookies()
	if err != nil {
		v.t.Fatal(err)
	}
	return all
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
