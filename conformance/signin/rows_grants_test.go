package signin

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	grantsPath = "/oauth/grants"
	grantsFile = "policies/oauth/grants.go"
	issuerFile = "policies/oauth/issuer.go"
)

func grantRows() []row {
	return []row{
		{
			id: "A40", holds: "a person sees what they have allowed, and what they take back is refused at once",
			play:   listAndRevoke,
			breaks: []edit{{grantFile, "\t\tc.Purge = []string{grantTag(id)}\n", ""}},
		},
		{
			id: "A40: of others", holds: "nobody sees or takes back what another has allowed, nor does another site's form",
			play: grantsOfOthers,
			breaks: []edit{{grantsFile, `s.endGrants(r.Context(), session.Data.Person.Key(), id, "person")`, `0, error(nil)
	owner := session.Data.Person.Key()
	all, _ := s.store.List(r.Context(), "grant/", "", 1000)
	for _, grant := range all {
		if grantID(grant.Key) == id {
			owner = grant.Key[len("grant/") : len(grant.Key)-len(id)-1]
		}
	}
	count, err = s.endGrants(r.Context(), owner, id, "person")`}},
		},
		{
			id: "A40: a code on its way", holds: "what is taken back before the client has redeemed its code is taken back",
			play: codeOnItsWay,
			breaks: []edit{{"policies/oauth/code.go", `	if errors.Is(err, policies.ErrNotFound) { // it has been taken back
		return tokenAnswer{}, unknownCode()
	}
`, `
	if errors.Is(err, policies.ErrNotFound) {
		asked := code.Data.Asked
		grant.Key, err = grantKey(person, id), nil
		grant.Data = grantRecord{
			Issuer: asked.Issuer, Person: code.Data.Person, Client: asked.Client, Resource: asked.Resource, Scopes: asked.Scopes,
		}
	}
`}},
		},
		{
			id:    "A40: by the operator",
			holds: "who runs the gateway sees and takes back anybody's grants, on the admin listener alone",
			play:  grantsByTheOperator,
			breaks: []edit{{
				issuerFile, `policies.Path{Path: path, Admin: true})`,
				`policies.Path{Path: path, Admin: true}, policies.Path{Path: path})`,
			}},
		},
	}
}

// revocations are the grants that the page offers to take back, by the words of their client.
func revocations(t *testing.T, page *answer) []form {
	t.Helper()
	var all []form
	for _, f := range page.forms(t) {
		for _, a := range f.answers {
			if a == "revoke" {
				all = append(all, f)
			}
		}
	}
	return all
}

func listAndRevoke(t *testing.T, w *world) {
	who := someone{"user_a40", "a40@example.com", "Somebody"}
	b := w.browser(t)
	type allowed struct {
		*app
		tokens
		name, host string
	}
	all := []allowed{{name: "First app", host: "first.example"}, {name: "Second app", host: "second.example"}}
	for i := range all {
		all[i].app = w.register(t, all[i].name, "https://"+all[i].host+"/cb")
		all[i].tokens = b.tokensOf(t, all[i].app, who)
		w.wantCall(t, all[i].name, all[i].Access, http.StatusOK)
	}
	page := b.get(grantsPath)
	wantPage(t, "the grants", page, http.StatusOK)
	for _, one := range all {
		for _, want := range []string{one.name, one.host, who.email} {
			if !strings.Contains(page.text(), want) {
				t.Errorf("the page does not show %q: %s", want, page.text())
			}
		}
		for _, secret := range []string{one.Access, one.Refresh, b.cookie("-session")} {
			if strings.Contains(page.body, secret) {
				t.Error("the page holds a secret")
			}
		}
	}
	offered := revocations(t, page)
	if len(offered) != len(all) {
		t.Fatalf("the page offers to take back %d grants", len(offered))
	}
	offered[0].fields.Set("answer", "revoke")
	got := b.post(offered[0].action, offered[0].fields)
	if got.status != http.StatusSeeOther || got.to().Path != grantsPath {
		t.Fatalf("taking back: %d %s %s", got.status, got.header.Get("Location"), got.text())
	}
	page = b.get(got.header.Get("Location"))
	if n := len(revocations(t, page)); n != 1 {
		t.Errorf("of two grants one was taken back, and %d are left", n)
	}
	for _, one := range all {
		call, refresh := http.StatusOK, ""
		if !strings.Contains(page.text(), one.name) {
			call, refresh = http.StatusUnauthorized, "invalid_grant"
		}
		w.wantCall(t, one.name, one.Access, call)
		if got := one.refresh(t, one.Refresh); got.Error != refresh {
			t.Errorf("%s is refreshed: %s", one.name, got.text)
		}
	}
	b.press(page, "revoke-all")
	for _, one := range all {
		w.wantCall(t, "after everything was taken back, "+one.name, one.Access, http.StatusUnauthorized)
	}
	if len(revocations(t, b.get(grantsPath))) != 0 {
		t.Error("something is left")
	}
}

func grantsOfOthers(t *testing.T, w *world) {
	a := w.register(t, "Private app")
	victim, attacker := w.browser(t), w.browser(t)
	held := victim.tokensOf(t, a, someone{"user_victim", "victim@example.com", "Victim"})
	attacker.tokensOf(t, w.register(t, "Attacker's app"), someone{"user_attacker", "attacker@example.com", "Attacker"})
	page := victim.get(grantsPath)
	mine := revocations(t, page)
	if len(mine) != 1 {
		t.Fatalf("the victim sees %d grants", len(mine))
	}
	form := mine[0]
	form.fields.Set("answer", "revoke")
	theirs := attacker.get(grantsPath)
	if strings.Contains(theirs.text(), "Private app") {
		t.Error("the attacker sees the victim's grant")
	}
	stranger := w.browser(t)
	if page := stranger.get(grantsPath); strings.Contains(page.text(), "Private app") || len(revocations(t, page)) > 0 {
		t.Error("who is not signed in sees grants")
	}
	with := func(fields url.Values, name, value string) url.Values {
		changed := maps.Clone(fields)
		changed.Set(name, value)
		return changed
	}
	own := revocations(t, theirs)[0]
	own.fields.Set("answer", "revoke")
	attacker.post(form.action, with(own.fields, "grant", form.fields.Get("grant")))
	attacker.post(form.action, with(own.fields, "answer", "revoke-all"))
	attacker.post(form.action, form.fields)
	stranger.post(form.action, form.fields)
	victim.post(form.action, with(form.fields, "csrf", ""))
	victim.post(form.action, with(form.fields, "csrf", own.fields.Get("csrf")))
	victim.post(form.action, form.fields, "Sec-Fetch-Site", "cross-site")
	victim.post(form.action, form.fields, "Origin", "https://evil.example", "Sec-Fetch-Site", "")
	victim.get(grantsPath + "?" + form.fields.Encode())
	w.wantCall(t, "what others tried to take back", held.Access, http.StatusOK)
	victim.post(form.action, form.fields)
	w.wantCall(t, "what its person took back", held.Access, http.StatusUnauthorized)
}

func grantsByTheOperator(t *testing.T, w *world) {
	a := w.register(t, "Operated app")
	held := w.browser(t).tokensOf(t, a, someone{"user_operated", "operated@example.com", "Operated"})
	w.wantCall(t, "before", held.Access, http.StatusOK)
	ask := func(method, address string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, address+"?subject=user_operated", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := w.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		for _, path := range []string{"/grants", "/-/policies/clerk/grants"} {
			if status, text := ask(method, w.origin+path); status != http.StatusNotFound {
				t.Errorf("%s %s of the public listener: %d %s", method, path, status, text)
			}
		}
	}
	w.wantCall(t, "after the public listener was asked", held.Access, http.StatusOK)
	const path = "/-/policies/clerk/grants"
	if status, text := ask(http.MethodGet, w.Admin+path); status != http.StatusOK || !strings.Contains(text, "Operated app") ||
		strings.Contains(text, held.Access) || strings.Contains(text, held.Refresh) {
		t.Errorf("the operator sees %d %s", status, text)
	}
	if status, text := ask(http.MethodDelete, w.Admin+path); status != http.StatusOK {
		t.Errorf("the operator takes back: %d %s", status, text)
	}
	w.wantCall(t, "what the operator took back", held.Access, http.StatusUnauthorized)
}

func codeOnItsWay(t *testing.T, w *world) {
	a := w.register(t, "Slow app")
	b := w.browser(t)
	code := b.signedIn(t, a, someone{"user_slow", "slow@example.com", "Slow"}).Get("code")
	page := b.get(grantsPath)
	if len(revocations(t, page)) != 1 {
		t.Fatalf("what has just been allowed is not shown: %s", page.text())
	}
	b.press(page, "revoke-all")
	if got := a.redeem(t, code); got.Error != "invalid_grant" {
		t.Errorf("the code of what was taken back: %s", got.text)
	}
}
