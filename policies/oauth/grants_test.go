package oauth_test

import (
	"crypto/rand"
	"encoding/json"
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
	"durward/policies/oauth"
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
		Client: second.client, Grant: page.ids[0], Resource: origin + "/mcp/demo", Reason: "person",
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

func TestSignOut(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	page := w.grants()
	w.wantRedirect("signed-out, while signed in", w.get("/oauth/signed-out"), "/oauth/grants")
	kept := sessionOf(t, w)

	out := w.onGrants(w.browser, url.Values{"answer": {"sign-out"}, "csrf": {page.csrf}})
	w.wantRedirect("sign out", out, "/oauth/signed-out")
	if cookie := out.Cookies()[0]; cookie.Name != "__Host-dw-clerk-session" || cookie.MaxAge >= 0 {
		t.Errorf("cookie: %s", cookie)
	}
	if got := w.get("/oauth/signed-out"); got.StatusCode != http.StatusOK {
		t.Errorf("signed-out: %d", got.StatusCode)
	}
	ended := w.host.Audit.Named("session.ended")
	want := policies.Event{
		Name: "session.ended", Outcome: "success", Issuer: policytest.ProviderIssuer, Subject: "alice", Reason: "person",
	}
	if len(ended) != 1 || ended[0] != want {
		t.Errorf("audit: %+v", ended)
	}
	// The session is gone, not just its cookie.
	stale := w.do(&http.Client{Transport: w.gateway}, w.request(http.MethodGet, "/oauth/grants", "",
		"Cookie", "__Host-dw-clerk-session="+kept))
	if strings.Contains(stale.body, "alice") {
		t.Error("the session lives on")
	}
	w.wantRedirect("a form of the session that was", w.onGrants(w.browser, url.Values{
		"answer": {"revoke-all"}, "csrf": {page.csrf},
	}), "/oauth/grants")
	w.wantCall("what was allowed stays", "/mcp/demo", held.access, http.StatusOK)
}

// S32, C6: a login from the page ends at the page, whatever the address says, in a session of its own.
func TestS32_C6_SignInForGrants(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	w.browser = w.gateway.Client()
	if page := w.grants(); len(page.ids) != 0 || strings.Contains(page.body, "alice") {
		t.Error("grants without a session")
	}
	for _, target := range []string{"https://evil.example", "//evil.example", `/\evil.example`} {
		sent := w.onGrants(w.browser, url.Values{"answer": {"sign-in"}, "return_to": {target}, "next": {target}})
		at := sent.location(t)
		if at.Query().Get("prompt") != "" {
			t.Error("the person is asked anew")
		}
		back := w.get("/oauth/callback?" + url.Values{
			"state": {at.Query().Get("state")}, "code": {"alice"}, "return_to": {target},
		}.Encode())
		w.wantRedirect(target, back, "/oauth/grants")
	}
	before := sessionOf(t, w)
	if page := w.grants(); len(page.ids) != 1 {
		t.Errorf("grants: %v", page.ids)
	}
	w.wantRedirect("again", w.signInForGrants("bob"), "/oauth/grants")
	if sessionOf(t, w) == before || len(w.grants().ids) != 0 {
		t.Error("the session kept its name or its person")
	}
	w.wantCall("hers", "/mcp/demo", held.access, http.StatusOK)
	state := w.onGrants(w.browser, url.Values{"answer": {"sign-in"}}).location(t).Query().Get("state")
	w.wantPage("refused at the provider, with no client to tell",
		w.get("/oauth/callback?error=access_denied&state="+url.QueryEscape(state)), http.StatusForbidden)
}

func TestAccessRefused_ForGrants(t *testing.T) {
	w := newStaffWorld(t)
	w.signIn("alice")
	denied := w.signInForGrants("mallory")
	w.wantPage("denied", denied, http.StatusForbidden)
	form := w.hiddenOf(denied)
	for _, reply := range []string{"deny", "allow"} { // there is no client
		w.wantPage(reply, w.submit(w.browser, change(form, "answer", reply)), http.StatusBadRequest)
	}
	at := w.submit(w.browser, change(form, "answer", "switch")).location(t)
	w.wantRedirect("as somebody else", w.callback(at, "alice"), "/oauth/grants")
	if at.Query().Get("prompt") != "login" || len(w.grants().ids) != 1 {
		t.Error("nobody else could sign in")
	}
	if n := len(w.host.Audit.Named("consent.given")); n != 1 { // her own
		t.Errorf("consent was given %d times", n)
	}
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

func TestA40_AdminGrants(t *testing.T) {
	w := newWorld(t)
	first, second, other := w.signIn("alice"), w.signIn("alice"), w.signIn("bob")
	list := func(query string) []map[string]any {
		t.Helper()
		var got struct {
			Grants []map[string]any `json:"grants"`
		}
		answered := w.get("/grants" + query)
		if answered.StatusCode != http.StatusOK || json.Unmarshal([]byte(answered.body), &got) != nil || got.Grants == nil {
			t.Fatalf("list: %d %s", answered.StatusCode, answered.body)
		}
		return got.Grants
	}
	hers := list("?subject=alice")
	if len(hers) != 2 || hers[0]["client_name"] != "An App" || hers[0]["resource"] != origin+"/mcp/demo" ||
		hers[0]["redirect_uri"] != redirect || len(list("?subject=nobody")) != 0 {
		t.Errorf("grants: %v", hers)
	}
	del := func(query string) answer {
		t.Helper()
		return w.do(w.browser, w.request(http.MethodDelete, "/grants"+query, ""))
	}
	for _, query := range []string{"", "?subject=", "?subject=alice&grant=x", "?subject=alice&subject=bob"} {
		if got := del(query); got.StatusCode != http.StatusBadRequest {
			t.Errorf("DELETE %q: %d", query, got.StatusCode)
		}
	}
	id := hers[0]["id"].(string)
	if got := del("?subject=bob&grant=" + id); got.body != `{"revoked":0}` {
		t.Errorf("of another person: %s", got.body)
	}
	if got := del("?subject=alice&grant=" + id); got.StatusCode != http.StatusOK || got.body != `{"revoked":1}` {
		t.Errorf("one: %s", got.body)
	}
	if got := del("?subject=alice"); got.body != `{"revoked":1}` {
		t.Errorf("the rest: %s", got.body)
	}
	w.wantCall("first", "/mcp/demo", first.access, http.StatusUnauthorized)
	w.wantCall("second", "/mcp/demo", second.access, http.StatusUnauthorized)
	w.wantCall("another person's", "/mcp/demo", other.access, http.StatusOK)
	for _, event := range w.host.Audit.Named("grant.revoked") {
		if event.Reason != "operator" || event.Subject != "alice" {
			t.Errorf("audit: %+v", event)
		}
	}
	for _, path := range oauth.Policy(w.provider).Validate(w.gateway.Input).Paths {
		if (path.Path == "/grants") != path.Admin {
			t.Errorf("%+v: who may reach it?", path)
		}
	}
}
