package oauth_test

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"durward/policies"
	"durward/policies/policytest"
)

// grantsPage is what a test reads of the page: its token, and the ids of grants in their order.
type grantsPage struct {
	answer
	csrf string
	ids  []string
}

var (
	csrfField  = regexp.MustCompile(`name="csrf" value="([^"]+)"`)
	grantField = regexp.MustCompile(`name="grant" value="([^"]+)"`)
)

func (w *world) grants() grantsPage {
	w.Helper()
	page := grantsPage{answer: w.get("/oauth/grants")}
	if page.StatusCode != http.StatusOK {
		w.Fatalf("grants: %d %s", page.StatusCode, page.body)
	}
	if found := csrfField.FindStringSubmatch(page.body); found != nil {
		page.csrf = found[1]
	}
	for _, found := range grantField.FindAllStringSubmatch(page.body, -1) {
		page.ids = append(page.ids, found[1])
	}
	return page
}

// onGrants sends the form of the page, from the page itself if no header says otherwise.
func (w *world) onGrants(client *http.Client, form url.Values, header ...string) answer {
	w.Helper()
	if len(header) == 0 {
		header = []string{"Origin", "null", "Sec-Fetch-Site", "same-origin"}
	}
	header = append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)
	return w.do(client, w.request(http.MethodPost, "/oauth/grants", form.Encode(), header...))
}

func (w *world) wantRedirect(what string, got answer, target string) {
	w.Helper()
	if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != target ||
		got.Header.Get("Referrer-Policy") != "no-referrer" {
		w.Errorf("%s: %d to %q, want 303 to %q", what, got.StatusCode, got.Header.Get("Location"), target)
	}
}

// signInForGrants signs a person in from the page of grants.
func (w *world) signInForGrants(person string) answer {
	w.Helper()
	sent := w.onGrants(w.browser, url.Values{"answer": {"sign-in"}})
	return w.callback(sent.location(w.T), person)
}

func TestA40_GrantsAreSeenAndTakenBack(t *testing.T) {
	w := newWorld(t)
	first := w.signIn("alice", "scope", "offline_access")
	other := w.signIn("bob")
	w.host.Clock.Advance(time.Minute)
	second := w.signIn("alice")

	page := w.grants()
	if len(page.ids) != 2 || !strings.Contains(page.body, "alice@example.com") || !strings.Contains(page.body, "An App") ||
		strings.Contains(page.body, "bob") {
		t.Fatalf("page: %v %s", page.ids, page.body)
	}
	w.wantRedirect("revoke", w.onGrants(w.browser, url.Values{
		"answer": {"revoke"}, "grant": {page.ids[0]}, "csrf": {page.csrf},
	}), "/oauth/grants")
	w.wantCall("the newest is first, and taken back", "/mcp/demo", second.access, http.StatusUnauthorized)
	w.wantError("its refresh token", w.post("/oauth/token", renewal(second.client, second.refresh)),
		http.StatusBadRequest, "invalid_grant")
	w.wantCall("the other lives", "/mcp/demo", first.access, http.StatusOK)
	w.wantCall("another person's lives", "/mcp/demo", other.access, http.StatusOK)
	w.wantRedirect("revoked twice", w.onGrants(w.browser, url.Values{
		"answer": {"revoke"}, "grant": {page.ids[0]}, "csrf": {page.csrf},
	}), "/oauth/grants")

	revoked := w.host.Audit.Named("grant.revoked")
	want := policies.Event{
		Name: "grant.revoked", Outcome: "success", Issuer: policytest.ProviderIssuer, Subject: "alice",
		Client: second.client, ClientHost: "app.example", Grant: page.ids[0], Resource: origin + "/mcp/demo",
		Scope: "mcp:tools", Address: policytest.ClientAddress, Reason: "person",
	}
	if len(revoked) != 1 || revoked[0] != want {
		t.Errorf("audit: %+v", revoked)
	}
	w.wantRedirect("revoke all", w.onGrants(w.browser, url.Values{
		"answer": {"revoke-all"}, "csrf": {page.csrf},
	}), "/oauth/grants")
	w.wantCall("all are taken back", "/mcp/demo", first.access, http.StatusUnauthorized)
	w.wantCall("another person's still lives", "/mcp/demo", other.access, http.StatusOK)
	if left := w.grants().ids; len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// A grant's id is no key to other people's grants.
func TestA40_OnlyOnesOwnGrants(t *testing.T) {
	w := newWorld(t)
	hers := w.signIn("alice")
	id := w.grants().ids[0]
	his := w.signIn("bob")
	page := w.grants()
	for _, grant := range []string{id, "", "../" + id, strings.ToLower(id), strings.Repeat("A", 600), "\x00"} {
		w.onGrants(w.browser, url.Values{"answer": {"revoke"}, "grant": {grant}, "csrf": {page.csrf}})
	}
	w.wantCall("hers", "/mcp/demo", hers.access, http.StatusOK)
	w.wantCall("his", "/mcp/demo", his.access, http.StatusOK)
	if n := len(w.host.Audit.Named("grant.revoked")); n != 0 {
		t.Errorf("%d grants revoked", n)
	}
	if strings.Contains(w.host.Log.String(), "cannot answer") {
		t.Errorf("an odd id reached the store: %s", w.host.Log)
	}
}

func TestC6_GrantsFormIsTheSessionsOwn(t *testing.T) {
	w := newWorld(t)
	w.signIn("bob")
	foreign := w.grants().csrf
	held := w.signIn("alice")
	page := w.grants()
	for name, test := range map[string]struct {
		csrf   string
		header []string
	}{
		"no token":        {"", nil},
		"another's token": {foreign, nil},
		"changed token":   {flip(page.csrf), nil},
		"cross-site":      {page.csrf, []string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}},
		"foreign origin":  {page.csrf, []string{"Origin", "https://evil.example"}},
	} {
		for _, reply := range []string{"revoke", "revoke-all", "sign-out"} {
			got := w.onGrants(w.browser, url.Values{
				"answer": {reply}, "grant": {page.ids[0]}, "csrf": {test.csrf},
			}, test.header...)
			w.wantPage(name+", "+reply, got, http.StatusForbidden)
		}
	}
	w.wantPage("signing in, cross-site", w.onGrants(w.browser, url.Values{"answer": {"sign-in"}},
		"Origin", "null", "Sec-Fetch-Site", "cross-site"), http.StatusForbidden)
	w.wantPage("no answer", w.onGrants(w.browser, url.Values{"csrf": {page.csrf}}), http.StatusBadRequest)
	w.wantPage("another method", w.do(w.browser, w.request(http.MethodPut, "/oauth/grants", "")), http.StatusMethodNotAllowed)
	if again := w.grants(); len(again.ids) != 1 || again.csrf != page.csrf {
		t.Error("something has changed")
	}
	w.wantCall("the grant lives", "/mcp/demo", held.access, http.StatusOK)
}

// The page is bounded however many grants there are, and taking everything back means everything.
func TestA40_ManyGrants(t *testing.T) {
	w := newWorld(t)
	w.signIn("alice")
	var copies policies.Change
	for _, record := range w.host.Store.Records() {
		person, isGrant := strings.CutSuffix(record.Key, "/"+w.grants().ids[0])
		for n := 1; isGrant && n < 230; n++ {
			id := rand.Text()
			copies.Puts = append(copies.Puts, policies.Put{Key: person + "/" + id, Value: record.Value, Expires: record.Expires})
		}
	}
	for some := range slices.Chunk(copies.Puts, policies.MaxChanges) {
		if err := w.host.Store.Commit(t.Context(), policies.Change{Puts: some}); err != nil {
			t.Fatal(err)
		}
	}
	page := w.grants()
	if len(page.ids) != 200 {
		t.Errorf("%d grants shown", len(page.ids))
	}
	w.onGrants(w.browser, url.Values{"answer": {"revoke-all"}, "csrf": {page.csrf}})
	if after := w.grants(); len(after.ids) != 0 || !strings.Contains(after.body, strconv.Itoa(230)) {
		t.Errorf("%d left, or the page does not say how many there were", len(after.ids))
	}
	if strings.Contains(w.grants().body, strconv.Itoa(230)) {
		t.Error("it is said twice")
	}
}

func TestGrants_StoreFaults(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	page := w.grants()
	for _, op := range []string{"get", "list", "commit"} {
		w.host.Store.Intercept(func(done string, _ []string, do func() error) error {
			if done == op {
				return errors.New("disk on fire")
			}
			return do()
		})
		if op != "commit" {
			w.wantPage("page, "+op, w.get("/oauth/grants"), http.StatusServiceUnavailable)
		}
		w.wantPage("revoke all, "+op, w.onGrants(w.browser, url.Values{
			"answer": {"revoke-all"}, "csrf": {page.csrf},
		}), http.StatusServiceUnavailable)
	}
	w.host.Store.Intercept(nil)
	w.wantCall("nothing has changed", "/mcp/demo", held.access, http.StatusOK)
}

// What a person has allowed is theirs to take back from the click on, also before the client has come for it: the code
// on its way to the client ends with it.
func TestA40_CodeOnItsWayIsTakenBack(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	w.signInForGrants("alice")
	allow := func() (code string) {
		t.Helper()
		return w.consent(w.authorize(ask(client)), "allow").location(t).Query().Get("code")
	}
	takeBack := func(reply string) {
		t.Helper()
		page := w.grants()
		if len(page.ids) != 1 {
			t.Fatalf("%s: the page shows %d grants", reply, len(page.ids))
		}
		form := url.Values{"answer": {reply}, "grant": {page.ids[0]}, "csrf": {page.csrf}}
		w.wantRedirect(reply, w.onGrants(w.browser, form), "/oauth/grants")
	}
	operator := func() {
		w.do(w.browser, w.request(http.MethodDelete, "/grants?subject=alice&grant="+w.grants().ids[0], ""))
	}
	for name, end := range map[string]func(){
		"one":             func() { takeBack("revoke") },
		"all":             func() { takeBack("revoke-all") },
		"by the operator": operator,
	} {
		code := allow()
		end()
		w.wantError(name, w.post("/oauth/token", redemption(client, code)), http.StatusBadRequest, "invalid_grant")
	}

	code := allow() // taken back in the very moment in which it is redeemed
	meanwhile := make(chan struct{}, 1)
	w.host.Store.Intercept(func(op string, keys []string, do func() error) error {
		if op == "commit" && strings.HasPrefix(keys[0], "code/") {
			select {
			case meanwhile <- struct{}{}:
				operator()
			default:
			}
		}
		return do()
	})
	w.wantError("meanwhile", w.post("/oauth/token", redemption(client, code)), http.StatusBadRequest, "invalid_grant")
	if len(meanwhile) != 1 || len(w.host.Audit.Named("grant.created")) != 0 || len(w.host.Audit.Named("grant.revoked")) != 4 {
		t.Errorf("audit: %+v", w.host.Audit.Events())
	}
	allow()
	w.host.Clock.Advance(time.Minute)
	if left := w.grants().ids; len(left) != 0 {
		t.Errorf("a grant outlives the code that nobody redeemed: %v", left)
	}
}

// What the session keeps for the next page neither prolongs it nor brings back one that has ended meanwhile.
func TestGrants_TheSessionIsNotRevived(t *testing.T) {
	w := newWorldWith(t, `{"clientId":"c","browserLoginOverrides":{"sessionTtlSeconds":100}}`)
	revokeAll := func() answer {
		return w.onGrants(w.browser, url.Values{"answer": {"revoke-all"}, "csrf": {w.grants().csrf}})
	}
	w.signIn("alice")
	w.host.Clock.Advance(50 * time.Second)
	w.wantRedirect("half way", revokeAll(), "/oauth/grants")
	w.host.Clock.Advance(50 * time.Second)
	if page := w.grants(); strings.Contains(page.body, "alice") {
		t.Error("taking something back prolonged the session")
	}

	w.signIn("alice")
	w.host.Store.Intercept(func(op string, keys []string, do func() error) error {
		if op == "commit" && strings.HasPrefix(keys[0], "session/") { // she signs out in another tab
			if _, err := w.host.Store.Take(t.Context(), keys[0]); err != nil {
				t.Error(err)
			}
		}
		return do()
	})
	w.wantRedirect("in two tabs", revokeAll(), "/oauth/grants")
	w.host.Store.Intercept(nil)
	if page := w.grants(); strings.Contains(page.body, "alice") {
		t.Error("the session is back")
	}
}

// A40: whoever puts a person out while that person allows something has put them out: the session that allows it is held
// against the store when the grant is made, and not only when the page is read.
func TestA40_NoGrantComesOfASessionThatHasEnded(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"by the operator": func(w *world) {
			w.do(w.gateway.Client(), w.request(http.MethodDelete, "/grants?subject=alice", ""))
		},
		"by the person": func(w *world) {
			w.onGrants(w.browser, url.Values{"answer": {"sign-out"}, "csrf": {w.grants().csrf}})
		},
	} {
		w := newWorld(t)
		w.signIn("alice")
		page := w.authorize(ask(w.client()))
		before := len(w.host.Audit.Named("consent.given"))
		w.host.Store.Intercept(func(op string, keys []string, do func() error) error {
			if op == "commit" && strings.HasPrefix(keys[0], "code/") {
				w.host.Store.Intercept(nil)
				end(w)
			}
			return do()
		})
		got := w.consent(page, "allow")
		if at := got.location(t); at.Host != "idp.example" {
			t.Errorf("%s: the session was ended and still led to %s", name, at)
		}
		for _, record := range w.host.Store.Records() {
			if strings.HasPrefix(record.Key, "code/") && !strings.Contains(string(record.Value), `"used":true`) {
				t.Errorf("%s: there is a code of it", name)
			}
		}
		if given := len(w.host.Audit.Named("consent.given")) - before; given != 1 {
			t.Errorf("%s: consent was given %d times", name, given)
		}
	}
}
