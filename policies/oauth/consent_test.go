package oauth_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestA42_S19_S25_ConsentComesFirst(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	page := w.authorize(ask(client))
	w.formOf(page)
	if w.provider.Begun() != 0 {
		t.Fatal("the provider was asked before consent")
	}
	for _, cookie := range page.Cookies() {
		if !strings.HasPrefix(cookie.Name, "__Host-dw-clerk-consent-") {
			t.Errorf("S25: cookie %s before approval", cookie.Name)
		}
	}
	sent := w.consent(page, "allow")
	if w.provider.Begun() != 1 || sent.StatusCode != http.StatusSeeOther { // A33, S10
		t.Errorf("begun %d, status %d", w.provider.Begun(), sent.StatusCode)
	}
	// With a live session consent is still shown, to another client as to the same.
	w.callback(sent.location(t), "alice").location(t)
	again := w.authorize(ask(w.client()))
	w.formOf(again)
	if !strings.Contains(again.body, "alice@example.com") {
		t.Error("the page does not say who is signed in")
	}
}

func TestA44_S27_Cookies(t *testing.T) {
	w := newWorld(t)
	client := w.client("http://127.0.0.1/cb")
	for base, want := range map[string]struct {
		prefix string
		secure bool
	}{
		origin:                  {"__Host-dw-clerk-", true},
		"http://127.0.0.1:9000": {"dw-clerk-", false},
	} {
		w.browser = w.gateway.Client()
		query := ask(client, "redirect_uri", "")
		page := w.get(base + "/oauth/authorize?" + query.Encode())
		form := change(w.formOf(page), "answer", "allow")
		sent := w.do(w.browser, w.request(http.MethodPost, base+"/oauth/consent", form.Encode(),
			"Content-Type", "application/x-www-form-urlencoded", "Origin", base))
		state := sent.location(t).Query().Get("state")
		back := w.get(base + "/oauth/callback?code=alice&state=" + url.QueryEscape(state))
		back.location(t)
		set := map[string]bool{}
		for _, cookie := range append(append(page.Cookies(), sent.Cookies()...), back.Cookies()...) {
			kind, _, _ := strings.Cut(strings.TrimPrefix(cookie.Name, want.prefix), "-")
			set[kind] = true
			if !strings.HasPrefix(cookie.Name, want.prefix) || cookie.Secure != want.secure || !cookie.HttpOnly ||
				cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" {
				t.Errorf("at %s: %s", base, cookie)
			}
		}
		if !set["consent"] || !set["login"] || !set["session"] {
			t.Errorf("at %s: cookies %v", base, set)
		}
	}
}

func TestS22_ForgedConsent(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	page := w.authorize(ask(client))
	form := change(w.formOf(page), "answer", "allow")
	other := change(w.formOf(w.authorize(ask(client))), "answer", "allow")
	with := func(name, value string) url.Values {
		copied := url.Values{}
		maps.Copy(copied, form)
		return change(copied, name, value)
	}
	tests := map[string]struct {
		client *http.Client
		form   url.Values
		header []string
	}{
		"no CSRF token":         {w.browser, with("csrf", ""), nil},
		"foreign CSRF token":    {w.browser, with("csrf", other.Get("csrf")), nil},
		"request of another":    {w.browser, with("request", other.Get("request")), nil},
		"no request":            {w.browser, with("request", ""), nil},
		"odd request":           {w.browser, with("request", "; x=y"), nil},
		"another browser":       {w.gateway.Client(), form, nil},
		"cross-site":            {w.browser, form, []string{"Sec-Fetch-Site", "cross-site"}},
		"same site, not origin": {w.browser, form, []string{"Sec-Fetch-Site", "same-site"}},
		"foreign origin":        {w.browser, form, []string{"Origin", "https://evil.example"}},
		"null origin":           {w.browser, form, []string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}},
		"sandboxed frame":       {w.browser, form, []string{"Origin", "null", "Sec-Fetch-Site", "none"}},
		"other port":            {w.browser, form, []string{"Origin", origin + ":8443"}},
	}
	for name, test := range tests {
		w.wantPage(name, w.submit(test.client, test.form, test.header...), http.StatusForbidden)
	}
	w.wantPage("no answer", w.submit(w.browser, with("answer", "")), http.StatusBadRequest)
	if w.provider.Begun() != 0 {
		t.Fatal("a forged consent went to the provider")
	}
	// What a browser sends with a form on a page of ours, which has no referrer.
	w.submit(w.browser, form, "Origin", "null", "Sec-Fetch-Site", "same-origin").location(t)
	w.host.Clock.Advance(30 * time.Second)
	w.wantPage("replayed after use", w.submit(w.browser, form), http.StatusForbidden)
	if w.provider.Begun() != 1 {
		t.Error("a replay went to the provider")
	}
}

// A double click is one click: the same browser gets the same again, for half a minute, and nobody else does.
func TestS22_S23_DoubleClick(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	for _, reply := range []string{"allow", "switch", "deny", "straight"} {
		page := w.authorize(ask(client))
		form := change(w.formOf(page), "answer", strings.Replace(reply, "straight", "allow", 1))
		first := w.submit(w.browser, form)
		begun := w.provider.Begun()
		second := w.submit(w.browser, form)
		if first.location(t).String() != second.location(t).String() || w.provider.Begun() != begun {
			t.Errorf("%s: first to %s, then to %s", reply, first.location(t), second.location(t))
		}
		if first.location(t).Host == "idp.example" && first.Header.Get("Set-Cookie") != second.Header.Get("Set-Cookie") {
			t.Errorf("%s: the second click has another login cookie", reply)
		}
		for _, other := range []string{"allow", "switch", "deny", ""} {
			if other != form.Get("answer") {
				w.wantPage(reply+", then "+other,
					w.submit(w.browser, change(maps.Clone(form), "answer", other)), http.StatusForbidden)
			}
		}
		w.wantPage(reply+" in another browser", w.submit(w.gateway.Client(), form), http.StatusForbidden)
		w.host.Clock.Advance(30 * time.Second)
		w.wantPage(reply+" after its time", w.submit(w.browser, form), http.StatusForbidden)
		if reply == "switch" { // from here on with a session
			w.callback(w.atProvider(client), "alice").location(t)
		}
	}
	for _, name := range []string{"consent.given", "consent.refused"} {
		want := map[string]int{"consent.given": 4, "consent.refused": 1}[name]
		if got := len(w.host.Audit.Named(name)); got != want {
			t.Errorf("%d events %s, want %d", got, name, want)
		}
	}
}

// G10: what a double click gets again is not to be read in the store, neither code nor state.
func TestS22_KeptAnswerIsSealed(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	back := w.callback(w.atProvider(client), "alice").location(t)
	straight := w.consent(w.authorize(ask(client)), "allow").location(t)
	at := w.atProviderBy(client, "switch")
	secrets := []string{back.Query().Get("code"), straight.Query().Get("code"), at.Query().Get("state")}
	for _, record := range w.host.Store.Records() {
		for _, secret := range secrets {
			if strings.Contains(record.Key+string(record.Value), secret) {
				t.Errorf("%s lies open", record.Key)
			}
		}
	}
}

func TestS22_TamperedCookie(t *testing.T) {
	w := newWorld(t)
	page := w.authorize(ask(w.client()))
	form := change(w.formOf(page), "answer", "allow")
	cookie := page.Cookies()[0]
	for name, header := range map[string]string{
		"changed":       cookie.Name + "=" + flip(cookie.Value),
		"empty":         cookie.Name + "=",
		"two of a name": cookie.Name + "=" + cookie.Value + "; " + cookie.Name + "=" + cookie.Value,
		"other policy":  strings.Replace(cookie.Name, "clerk", "other", 1) + "=" + cookie.Value,
	} {
		got := w.submit(&http.Client{Transport: w.gateway}, form, "Cookie", header)
		w.wantPage(name, got, http.StatusForbidden)
	}
}

func TestS23_TwoTabs(t *testing.T) {
	w := newWorld(t)
	one, two := w.client("https://one.example/cb"), w.client("https://two.example/cb")
	first := w.authorize(ask(one, "redirect_uri", "", "state", "1"))
	second := w.authorize(ask(two, "redirect_uri", "", "state", "2"))
	again := w.authorize(ask(one, "redirect_uri", "", "state", "3"))
	atSecond := w.consent(second, "allow").location(t)
	atFirst := w.consent(first, "allow").location(t)
	atAgain := w.consent(again, "allow").location(t)
	for _, tab := range []struct {
		at     *url.URL
		person string
		host   string
		state  string
	}{
		{atFirst, "alice", "one.example", "1"},
		{atAgain, "alice", "one.example", "3"},
		{atSecond, "bob", "two.example", "2"},
	} {
		back := w.callback(tab.at, tab.person).location(t)
		if back.Host != tab.host || back.Query().Get("state") != tab.state || back.Query().Get("code") == "" {
			t.Errorf("tab %s ended at %s", tab.state, back)
		}
	}
}

// Another site that opens page after page fills neither the browser's store of cookies nor its header: the newest pages
// can be answered, and the oldest are forgotten.
func TestS23_PagesWithoutEnd(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	w.signInForGrants("alice")
	var pages []answer
	for range 40 {
		pages = append(pages, w.authorize(ask(client)))
	}
	at, _ := url.Parse(origin)
	if held := len(w.browser.Jar.Cookies(at)); held != 1+16 {
		t.Errorf("the browser holds %d cookies, want the session and those of 16 pages", held)
	}
	for i, page := range pages {
		got := w.consent(page, "allow")
		if i < len(pages)-16 {
			w.wantMessage("an old page", got, http.StatusForbidden, "other_page")
		} else if got.StatusCode != http.StatusSeeOther {
			t.Errorf("page %d: %d %s", i, got.StatusCode, got.body)
		}
	}
}

// Many clicks at once on one page: the store lets one through, and the others get what that one got.
func TestS22_ConsentCountsOnce(t *testing.T) {
	w := newWorld(t)
	page := w.authorize(ask(w.client()))
	form, cookie := change(w.formOf(page), "answer", "allow"), page.Cookies()[0]
	places := make(chan string, 8)
	w.host.Store.Intercept(together("consent/", cap(places)))
	var wg sync.WaitGroup
	for range cap(places) {
		wg.Go(func() {
			got := w.submit(w.gateway.Client(), form, "Cookie", cookie.Name+"="+cookie.Value)
			places <- got.Header.Get("Location") + got.Header.Get("Set-Cookie")
		})
	}
	wg.Wait()
	close(places)
	count := map[string]int{}
	for place := range places {
		count[place]++
	}
	if len(count) != 1 || count[""] != 0 || len(w.host.Audit.Named("consent.given")) != 1 {
		t.Errorf("places %v, %d times given", count, len(w.host.Audit.Named("consent.given")))
	}
}

func TestS9_Declined(t *testing.T) {
	w := newWorld(t)
	back := w.consent(w.authorize(ask(w.client())), "deny").location(t)
	want := url.Values{
		"error": {"access_denied"}, "state": {"st/+ &=é"}, "iss": {origin},
		"error_description": {"the person did not allow it"},
	}
	if back.Host != "app.example" || back.Query().Encode() != want.Encode() {
		t.Errorf("declined: %s", back)
	}
	if w.provider.Begun() != 0 || len(w.host.Audit.Named("consent.refused")) != 1 {
		t.Error("a refusal went on, or was not recorded")
	}
}

// S26, A42: consent to a client at one address is no consent to it at another, nor to it at all the next time.
func TestS26_ConsentIsNotRemembered(t *testing.T) {
	w := newWorld(t)
	client := w.client("http://127.0.0.1/cb", "https://app.example/cb")
	w.code(client, "alice")
	for _, redirect := range []string{"https://app.example/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb"} {
		w.formOf(w.authorize(ask(client, "redirect_uri", redirect)))
	}
}
