package browser

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/proto"
)

// endMark is what a tab says on its own console when a test is over: whatever came before it has been seen then.
const endMark = "durward: end of the test"

// watch notes what happens in a tab: which documents have loaded, with which status, and what is wrong.
type watch struct {
	world *world
	main  proto.PageFrameID
	ended chan struct{} // closed when the end mark has been seen

	mu     sync.Mutex
	more   chan struct{} // closed and replaced at each event
	loaded map[proto.NetworkLoaderID]bool
	// documents are the statuses with which pages were answered, by URL, the last one of each.
	documents map[string]int
	status    int // of the last document
	faults    []string
	expected  []*expectation
	known     map[string]bool // hosts that may be spoken to
}

// expectation is a fault that a test says must happen, or may.
type expectation struct {
	like *regexp.Regexp
	seen bool
}

// watchPage begins to watch. It goes on until the page's context ends.
func watchPage(w *world, page *rod.Page) (*watch, error) {
	o := &watch{
		world: w, main: page.FrameID, ended: make(chan struct{}), more: make(chan struct{}),
		loaded: map[proto.NetworkLoaderID]bool{}, documents: map[string]int{}, known: map[string]bool{},
	}
	wait := page.EachEvent(
		o.lifecycle, o.navigated, o.request, o.response, o.entry, o.console, o.exception, o.issue)
	go wait()
	return o, proto.PageSetLifecycleEventsEnabled{Enabled: true}.Call(page)
}

func (o *watch) note(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
	close(o.more)
	o.more = make(chan struct{})
}

func (o *watch) lifecycle(e *proto.PageLifecycleEvent) {
	if e.Name == proto.PageLifecycleEventNameLoad && e.FrameID == o.main {
		o.note(func() { o.loaded[e.LoaderID] = true })
	}
}

// navigated counts a page that the browser had kept as it was, for the way back, as loaded anew: nothing else tells of it.
func (o *watch) navigated(e *proto.PageFrameNavigated) {
	if e.Type == proto.PageNavigationTypeBackForwardCacheRestore && e.Frame.ID == o.main {
		o.note(func() { o.loaded[e.Frame.LoaderID+" restored"] = true })
	}
}

// request holds every tab to the hosts of its world, and a page of the gateway's to the gateway alone.
func (o *watch) request(e *proto.NetworkRequestWillBeSent) {
	u, err := url.Parse(e.Request.URL)
	if err != nil || u.Scheme == "data" {
		return
	}
	o.note(func() {
		if !o.known[u.Host] && "https://"+u.Host != o.world.origin && "http://"+u.Host != o.world.origin &&
			"http://"+u.Host != o.world.provider.Issuer() {
			o.fault("a request to a foreign host: " + e.Request.URL)
		}
		if e.Type != proto.NetworkResourceTypeDocument && o.world.own(e.DocumentURL) {
			o.fault(fmt.Sprintf("a page of ours (%s) asks for more: %s %s", e.DocumentURL, e.Type, e.Request.URL))
		}
	})
}

func (o *watch) response(e *proto.NetworkResponseReceived) {
	if e.Type == proto.NetworkResourceTypeDocument && e.FrameID == o.main {
		o.note(func() {
			o.documents[e.Response.URL] = e.Response.Status
			o.status = e.Response.Status
		})
	}
}

// entry is a line that the browser itself writes to the console.
func (o *watch) entry(e *proto.LogEntryAdded) {
	if e.Entry.Level != proto.LogLogEntryLevelError && e.Entry.Level != proto.LogLogEntryLevelWarning {
		return
	}
	o.note(func() {
		// A page that says no is answered 4xx, which Chromium writes down too.
		if e.Entry.Source == proto.LogLogEntrySourceNetwork && o.documents[e.Entry.URL] >= 400 {
			return
		}
		o.fault(fmt.Sprintf("%s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
	})
}

func (o *watch) console(e *proto.RuntimeConsoleAPICalled) {
	for _, argument := range e.Args {
		if argument.Value.Str() == endMark {
			close(o.ended)
			return
		}
	}
	if e.Type == proto.RuntimeConsoleAPICalledTypeError || e.Type == proto.RuntimeConsoleAPICalledTypeWarning {
		o.note(func() { o.fault(fmt.Sprintf("console %s: %v", e.Type, e.Args)) })
	}
}

func (o *watch) exception(e *proto.RuntimeExceptionThrown) {
	o.note(func() { o.fault("exception: " + e.ExceptionDetails.Text) })
}

// issue is what Chromium's panel "Issues" would show.
func (o *watch) issue(e *proto.AuditsIssueAdded) {
	o.note(func() {
		text := "issue: " + string(e.Issue.Code)
		if csp := e.Issue.Details.ContentSecurityPolicyIssueDetails; csp != nil {
			text += fmt.Sprintf(": %s %s", csp.ViolatedDirective, csp.BlockedURL)
		}
		o.fault(text)
	})
}

// fault notes what is wrong, unless it was expected. The caller holds the lock.
func (o *watch) fault(text string) {
	for _, e := range o.expected {
		if e.like.MatchString(text) {
			e.seen = true
			return
		}
	}
	o.faults = append(o.faults, text)
}

// expect says that a fault like this must happen.
func (o *watch) expect(like string) {
	o.note(func() { o.expected = append(o.expected, &expectation{like: regexp.MustCompile(like)}) })
}

// allow says that a fault like this may happen.
func (o *watch) allow(like string) {
	o.note(func() { o.expected = append(o.expected, &expectation{like: regexp.MustCompile(like), seen: true}) })
}

// know allows requests to an origin.
func (o *watch) know(origin string) {
	_, host, _ := strings.Cut(origin, "://")
	o.note(func() { o.known[host] = true })
}

// before answers the documents that have loaded so far.
func (o *watch) before() map[proto.NetworkLoaderID]bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := map[proto.NetworkLoaderID]bool{}
	for id := range o.loaded {
		before[id] = true
	}
	return before
}

// next waits until a document has loaded that is not among before.
func (o *watch) next(ctx context.Context, before map[proto.NetworkLoaderID]bool) error {
	return o.wait(ctx, func() bool {
		for id := range o.loaded {
			if !before[id] {
				return true
			}
		}
		return false
	})
}

// until waits until a document has loaded.
func (o *watch) until(ctx context.Context, id proto.NetworkLoaderID) error {
	return o.wait(ctx, func() bool { return o.loaded[id] })
}

// wait waits until it is so. so is called under the lock.
func (o *watch) wait(ctx context.Context, so func() bool) error {
	for {
		o.mu.Lock()
		more, done := o.more, so()
		o.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return fmt.Errorf("no page has loaded: %w", ctx.Err())
		}
	}
}

// verdict answers what was wrong, and what was expected and did not happen.
func (o *watch) verdict() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := slices.Clone(o.faults)
	for _, e := range o.expected {
		if !e.seen {
			found = append(found, "this did not happen: "+e.like.String())
		}
	}
	return found
}
