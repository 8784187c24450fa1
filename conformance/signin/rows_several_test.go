package signin

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	metadataFile = "policies/oauth/metadata.go"
	runningFile  = "runtime/running.go"
)

// oneStore gives all policies the records of one.
func oneStore() edit {
	return edit{runningFile, `h.store.Policy(p.Name)`, `h.store.Policy("all")`}
}

func severalRows() []row {
	return []row{
		{
			id:    "B12: several policies",
			holds: "what one policy has issued, or has in a browser, is nothing to another",
			in:    several, play: nothingToAnother,
			breaks: []edit{oneStore()},
		},
		{
			id:    "B12: a route that changes hands",
			holds: "a route that goes to another policy takes none of the former's tokens, and the former makes none for it",
			in:    alone, play: routeChangesHands,
			breaks: []edit{
				oneStore(),
				{grantFile, `return grant.Issuer == issuer && s.welcome(`, `return s.knows(`},
			},
		},
		{
			id:    "C4",
			holds: "each policy has a callback of its own, and an answer that comes to another's signs nobody in",
			in:    several, play: callbackOfAnother,
			breaks: []edit{{
				signedInFile, `RedirectURI: record.Asked.Issuer + callbackPath,`,
				`RedirectURI: policies.CallFrom(ctx).Origin + callbackPath,`,
			}},
		},
		{
			id:    "C4: a provider exchanged",
			holds: "a login that began at one provider does not end at its successor, who never sees the code",
			in:    alone, play: providerExchanged,
			breaks: []edit{{callbackFile, `if login.Data.Provider != s.provider.Issuer() {`, `if login.Data.Provider == "" {`}},
		},
		{
			id:    "S30",
			holds: "one provider's answer at the other's callback is refused, and its code goes nowhere if it says whose it is",
			in:    several, play: answerOfAnother,
			breaks: []edit{{
				"policies/oidclogin/exchange.go", `if query.Has("iss") && query.Get("iss") != p.issuer {`,
				`if query.Has("iss") && query.Get("iss") == "" {`,
			}},
		},
		{
			id:    "S31",
			holds: "an equal subject and address at two providers are two people, also where one took the other's place",
			in:    alone, play: namesakes,
			breaks: []edit{{
				"policies/oauth/internal/access/person.go", `secret.Digest(p.Issuer + "\x00" + p.Subject)`, `secret.Digest(p.Subject)`,
			}},
		},
		{
			id:    "S31: one person at two policies",
			holds: "what somebody allows at one policy is not shown, taken back or used at another, of whatever provider",
			in:    several, play: onePersonTwice,
			breaks: []edit{oneStore()},
		},
		{
			id:    "access: of each policy",
			holds: "two policies of one OAuth application let in different people",
			in:    several, play: differentPeople,
			breaks: []edit{{
				"policies/oauth/options.go", `			access:        rules,`,
				`			access:        map[bool]access.Rules{true: rules}[base == ""],`,
			}},
		},
		{
			id:    "A3: several issuers",
			holds: "each issuer's metadata is where clients look for it, each route names its own, each answer says whose it is",
			in:    several, play: issuers,
			breaks: []edit{{
				metadataFile, `AuthorizationServers: []string{s.issuer(r.Context())},`, `AuthorizationServers: []string{origin},`,
			}},
		},
	}
}

// policies are the world's own policy and the others, the own one first.
func (w *world) policies() []*world {
	return []*world{w, w.others["staff"], w.others["partners"]}
}

// own is somebody whom the policy lets in.
func (w *world) own() someone {
	if w.policy == "partners" {
		return grace()
	}
	return ada()
}

func nothingToAnother(t *testing.T, w *world) {
	type held struct {
		*world
		app *app
		tokens
		b *browser
	}
	var all []held
	for _, at := range w.policies() {
		b, a := at.browser(t), at.register(t, "Held at "+at.policy)
		all = append(all, held{at, a, b.tokensOf(t, a, at.own()), b})
	}
	for _, of := range all {
		of.wantCall(t, "at "+of.policy+", which issued it", of.Access, http.StatusOK)
		for _, at := range all {
			if at.policy == of.policy {
				continue
			}
			what := "of " + of.policy + " at " + at.policy
			at.wantCall(t, "an access token "+what, of.Access, http.StatusUnauthorized)

			// As the other's own client, and as the one that it was issued to, which is not known there.
			if got := at.app.refresh(t, of.Refresh); got.Error != "invalid_grant" {
				t.Errorf("a refresh token %s: %s", what, got.text)
			}
			stranger := *of.app
			stranger.w = at.world
			if got := stranger.refresh(t, of.Refresh); got.Error != "invalid_client" {
				t.Errorf("a client and its refresh token %s: %s", what, got.text)
			}
			wantPage(t, "an authorization request of a client "+what, of.b.at(at.world).get(stranger.ask()), http.StatusBadRequest)

			// The session's cookie, also under the name that the other's would have.
			b := of.b.at(at.world)
			planted := at.browser(t)
			for name, value := range of.b.cookies() {
				if strings.HasSuffix(name, "-session") {
					planted.plant(strings.Replace(name, "-"+of.policy+"-", "-"+at.policy+"-", 1), value)
				}
			}
			for how, b := range map[string]*browser{"": b, ", renamed,": planted} {
				if page := b.get(at.base + grantsPath); !slices.ContainsFunc(page.forms(t), signsIn) {
					t.Errorf("a session%s %s is one: %s", how, what, page.text())
				}
			}

			// A code on its way, brought by the other's client and by its own.
			code := of.b.signedIn(t, of.app, of.own()).Get("code")
			for _, by := range []*app{at.app, &stranger} {
				by := *by
				by.verifier, by.redirect = of.app.verifier, of.app.redirect
				if got := by.redeem(t, code); got.Error != "invalid_grant" && got.Error != "invalid_client" {
					t.Errorf("a code %s: %s", what, got.text)
				}
			}
			if got := of.app.redeem(t, code); got.Access == "" {
				t.Errorf("a code %s was used up there: %s", what, got.text)
			}

			// An open page of consent, its form sent to the other.
			f := of.b.asked(of.app).form(t, "allow")
			f.fields.Set("answer", "allow")
			wantPage(t, "a consent "+what, b.post(at.base+"/oauth/consent", f.fields), http.StatusForbidden)
		}
		of.wantCall(t, "after all that, at "+of.policy, of.Access, http.StatusOK)
		if got := of.app.refresh(t, of.Refresh); got.Access == "" {
			t.Errorf("after all that, a refresh at %s: %s", of.policy, got.text)
		}
	}
}

// signsIn says that a form offers to sign in, as to whoever has no session.
func signsIn(f form) bool { return slices.Contains(f.answers, "sign-in") }

func routeChangesHands(t *testing.T, _ *world) {
	w := start(t, several, "")
	partners := *w.others["partners"]
	a := w.register(t, "Of the former")
	held := w.browser(t).tokensOf(t, a, ada())
	w.wantCall(t, "before", held.Access, http.StatusOK)

	w.Edit("routes.oas.json", `"inbound":["clerk"]`, `"inbound":["partners"]`, "applied")
	partners.path = w.path // its route now
	w.wantCall(t, "the former's token", held.Access, http.StatusUnauthorized)
	if got := a.refresh(t, held.Refresh); got.Error != "invalid_target" {
		t.Errorf("the former makes a token for what is not its own: %s", got.text)
	}
	if got := w.metadata(t, "/.well-known/oauth-protected-resource"+w.path); !cmp.Equal(
		got["authorization_servers"], []any{partners.issuer()}) {
		t.Errorf("the route names %v", got["authorization_servers"])
	}
	theirs := partners.browser(t).tokensOf(t, partners.register(t, "Of the new"), grace())
	partners.wantCall(t, "the new one's token", theirs.Access, http.StatusOK)

	w.Edit("routes.oas.json", `"/mcp/demo":{"post":{"operationId":"demo","summary":"Tools of demo","x-zuplo-route":{`+
		`"corsPolicy":"none","handler":{"export":"McpProxyHandler","module":"$import(@durward/runtime)","options":{`+
		`"rewritePattern":"${env.DURWARD_DEMO_UPSTREAM}"}},"policies":{"inbound":["partners"]}`,
		`"/mcp/demo":{"post":{"operationId":"demo","summary":"Tools of demo","x-zuplo-route":{`+
			`"corsPolicy":"none","handler":{"export":"McpProxyHandler","module":"$import(@durward/runtime)","options":{`+
			`"rewritePattern":"${env.DURWARD_DEMO_UPSTREAM}"}},"policies":{"inbound":["clerk"]}`, "applied")
	w.wantCall(t, "the new one's token, when the route is back", theirs.Access, http.StatusUnauthorized)
	w.wantCall(t, "the former's token, when the route is back", held.Access, http.StatusOK)
	if got := a.refresh(t, held.Refresh); got.Access == "" {
		t.Errorf("the grant did not outlive it: %s", got.text)
	}
}

func callbackOfAnother(t *testing.T, w *world) {
	seen := map[string]string{}
	for _, at := range w.policies() {
		a, b := at.register(t, "Own callback"), at.browser(t)
		for _, other := range w.policies() { // in the middle of a sign-in at each, and with a session at none
			if other.policy != at.policy {
				b.at(other).approved(other.register(t, "Beside it"))
			}
		}
		back, v := at.provider.signIn(t, b.approved(a), at.own())
		own := back.Scheme + "://" + back.Host + back.Path
		if own != at.issuer()+"/oauth/callback" || v.asked.Get("redirect_uri") != own {
			t.Errorf("the provider is told to send people of %s to %s", at.policy, own)
		}
		if before, taken := seen[own]; taken {
			t.Errorf("%s has the callback of %s", at.policy, before)
		}
		seen[own] = at.policy
		for _, other := range w.policies() {
			if other.policy == at.policy {
				continue
			}
			what := "an answer for " + at.policy + " at the callback of " + other.policy
			got := b.at(other).get(other.base + "/oauth/callback?" + back.RawQuery)
			wantPage(t, what, got, http.StatusBadRequest)
			for _, c := range got.set() {
				t.Errorf("%s sets %s", what, c.Name)
			}
			if other.provider.askedAbout(back.Query().Get("code")) || at.provider.redeemed(v) > 0 {
				t.Errorf("%s: its code was taken to a provider", what)
			}
		}
		b.answered(a, b.get(back.String()))
	}
}

func providerExchanged(t *testing.T, _ *world) {
	w := start(t, several, "")
	successor := w.others["staff"].provider
	a, b := w.register(t, "Slow"), w.browser(t)
	back, v := w.provider.signIn(t, b.approved(a), ada())
	w.Edit(policiesFile, `$env(CLERK_FRONTEND_API_URL)`, `$env(STAFF_FRONTEND_API_URL)`, "applied") // the first: clerk's
	wantPage(t, "a login of the provider before", b.get(back.String()), http.StatusBadRequest)
	if w.provider.redeemed(v) > 0 || successor.askedAbout(back.Query().Get("code")) {
		t.Error("the code was taken to a provider")
	}
	if b.cookie("clerk-session") != "" {
		t.Error("somebody is signed in")
	}
	w.provider = successor
	w.browser(t).signedIn(t, w.register(t, "After"), ada())
}

func answerOfAnother(t *testing.T, w *world) {
	for _, at := range w.policies() {
		for _, other := range w.policies() {
			if other.policy == at.policy {
				continue
			}
			for _, named := range []bool{false, true} {
				what := "an answer of " + other.policy + "'s provider at the callback of " + at.policy
				b := at.browser(t)
				// The same browser is at both, so that neither a cookie nor its lack decides.
				theirs, v := other.provider.signIn(t, b.at(other).approved(other.register(t, "Theirs")), other.own())
				a := at.register(t, "Ours")
				ours := b.approved(a)
				query := url.Values{"code": {theirs.Query().Get("code")}, "state": ours.Query()["state"]}
				if named {
					query.Set("iss", other.provider.URL)
				}
				got := b.get(at.base + "/oauth/callback?" + query.Encode())
				wantPage(t, what, got, http.StatusBadRequest)
				if b.cookie(at.policy+"-session") != "" {
					t.Errorf("%s signs somebody in", what)
				}
				if at.provider.redeemed(v)+other.provider.redeemed(v) > 0 {
					t.Errorf("%s is redeemed", what)
				}
				if named && at.provider != other.provider && at.provider.askedAbout(theirs.Query().Get("code")) {
					t.Errorf("%s says whose it is, and its code was taken to the wrong provider", what)
				}
				// It was theirs, and nothing of it has been used up.
				if named {
					b.at(other).answered(&app{w: other, redirect: a.redirect}, b.get(theirs.String()))
				}
			}
		}
	}
}

func namesakes(t *testing.T, _ *world) {
	w := start(t, several, "")
	staff := w.others["staff"]
	// The same subject and address at both providers. The second does not even vouch for the address.
	same, unverified := ada(), func(v *visit) { v.claims["email_verified"] = false }
	first := w.browser(t)
	held := first.tokensOf(t, w.register(t, "Of the first"), same)
	second := staff.browser(t)
	theirs := second.tokensOf(t, staff.register(t, "Of the second"), same, unverified)
	for _, c := range []struct {
		b             *browser
		own, foreign  string
		token, policy string
	}{
		{first, "Of the first", "Of the second", held.Access, "clerk"},
		{second, "Of the second", "Of the first", theirs.Access, "staff"},
	} {
		page := c.b.get(c.b.w.base + grantsPath).text()
		if !strings.Contains(page, c.own) || strings.Contains(page, c.foreign) {
			t.Errorf("somebody at %s sees: %s", c.policy, page)
		}
	}
	second.press(second.get(staff.base+grantsPath), "revoke-all")
	staff.wantCall(t, "taken back by the second", theirs.Access, http.StatusUnauthorized)
	w.wantCall(t, "of the first, when the second took back all", held.Access, http.StatusOK)

	// The first policy comes to the second provider. Its person of the same subject is nobody who was here before.
	w.Edit(policiesFile, `$env(CLERK_FRONTEND_API_URL)`, `$env(STAFF_FRONTEND_API_URL)`, "applied")
	w.provider = staff.provider
	w.wantCall(t, "of the first provider's person", held.Access, http.StatusUnauthorized)
	namesake := w.browser(t)
	again := namesake.tokensOf(t, w.register(t, "Of the namesake"), same)
	page := namesake.get(grantsPath)
	if strings.Contains(page.text(), "Of the first") || !strings.Contains(page.text(), "Of the namesake") {
		t.Errorf("the namesake sees: %s", page.text())
	}
	namesake.press(page, "revoke-all")
	w.wantCall(t, "taken back by the namesake", again.Access, http.StatusUnauthorized)

	w.Edit(policiesFile, `$env(STAFF_FRONTEND_API_URL)`, `$env(CLERK_FRONTEND_API_URL)`, "applied")
	w.wantCall(t, "of the first, when its provider is back", held.Access, http.StatusOK)
}

// operator asks the admin listener about a person's grants at the policy.
func (w *world) operator(t *testing.T, method, subject string) string {
	t.Helper()
	address := w.Admin + "/-/policies/" + w.policy + "/grants?subject=" + url.QueryEscape(subject)
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %v", method, address, text, err)
	}
	return string(text)
}

func onePersonTwice(t *testing.T, w *world) {
	staff, partners := w.others["staff"], w.others["partners"]
	// The same account at "clerk" and "partners", which let in different addresses: it has changed its own in between.
	at := func(w *world) (*browser, tokens) {
		who := w.own()
		who.sub = "user_twice"
		b := w.browser(t)
		return b, b.tokensOf(t, w.register(t, "Twice at "+w.policy), who)
	}
	_, first := at(w)
	b, second := at(partners)
	_, third := at(staff)
	want := func(what string, ones ...int) {
		t.Helper()
		w.wantCall(t, what, first.Access, ones[0])
		partners.wantCall(t, what, second.Access, ones[1])
		staff.wantCall(t, what, third.Access, ones[2])
	}
	want("at first", 200, 200, 200)
	page := b.get(partners.base + grantsPath)
	if text := page.text(); strings.Contains(text, "Twice at clerk") || !strings.Contains(text, "Twice at partners") {
		t.Errorf("somebody at partners sees: %s", text)
	}
	for _, w := range w.policies() {
		list := w.operator(t, http.MethodGet, "user_twice")
		if strings.Count(list, `"client_name"`) != 1 || !strings.Contains(list, "Twice at "+w.policy) {
			t.Errorf("the operator of %s sees %s", w.policy, list)
		}
	}
	b.press(page, "revoke-all")
	want("when all was taken back at partners", 200, 401, 200)
	staff.operator(t, http.MethodDelete, "user_twice")
	want("when the operator took back all at staff", 200, 401, 401)
	w.operator(t, http.MethodDelete, "user_twice")
	want("when the operator took back all at clerk", 401, 401, 401)
}

func differentPeople(t *testing.T, w *world) {
	partners := w.others["partners"]
	for _, at := range []*world{w, partners} {
		for _, who := range []someone{ada(), grace()} {
			b, a := at.browser(t), at.register(t, "Story")
			back, _ := at.provider.signIn(t, b.approved(a), who)
			got := b.get(back.String())
			if who == at.own() {
				b.answered(a, got)
				continue
			}
			wantPage(t, who.name+" at "+at.policy, got, http.StatusForbidden)
			if b.cookie("-session") != "" {
				t.Errorf("%s has a session at %s", who.name, at.policy)
			}
			if told := b.press(got, "deny").query(); told.Get("error") != "access_denied" || told.Get("iss") != at.issuer() {
				t.Errorf("the client of %s is told %v", at.policy, told)
			}
		}
	}
	// Being in at one is no way into the other, in the same browser either.
	b := w.browser(t)
	b.signedIn(t, w.register(t, "Story"), ada())
	a := partners.register(t, "Story")
	back, _ := partners.provider.signIn(t, b.at(partners).approved(a), ada())
	wantPage(t, "ada, who is in at clerk, at partners", b.get(back.String()), http.StatusForbidden)
}

// metadata answers a document that is JSON.
func (w *world) metadata(t *testing.T, path string) map[string]any {
	t.Helper()
	status, text := w.do(t, http.MethodGet, path, nil)
	var document map[string]any
	if err := json.Unmarshal([]byte(text), &document); err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d %s", path, status, text)
	}
	return document
}

func issuers(t *testing.T, w *world) {
	for _, at := range w.policies() {
		places := []string{
			"/.well-known/oauth-authorization-server" + at.base, "/.well-known/openid-configuration" + at.base,
			at.base + "/.well-known/openid-configuration",
		}
		for _, place := range places {
			got := at.metadata(t, place)
			if got["issuer"] != at.issuer() {
				t.Errorf("%s: issuer %v, want %s", place, got["issuer"], at.issuer())
			}
			for _, name := range []string{"authorization_endpoint", "token_endpoint", "registration_endpoint"} {
				if url, _ := got[name].(string); !strings.HasPrefix(url, at.issuer()+"/oauth/") {
					t.Errorf("%s: %s %s", place, name, url)
				}
			}
		}
		resource := at.metadata(t, "/.well-known/oauth-protected-resource"+at.path)
		if resource["resource"] != at.resource() || !cmp.Equal(resource["authorization_servers"], []any{at.issuer()}) {
			t.Errorf("the route of %s says %v", at.policy, resource)
		}
		a, b := at.register(t, "Told"), at.browser(t)
		if told := b.press(b.asked(a), "deny").query(); told.Get("iss") != at.issuer() {
			t.Errorf("RFC 9207: an error of %s comes as that of %q", at.policy, told.Get("iss"))
		}
		if told := b.signedIn(t, a, at.own()); told.Get("iss") != at.issuer() {
			t.Errorf("RFC 9207: an answer of %s comes as that of %q", at.policy, told.Get("iss"))
		}
		for _, c := range []string{"staff", "partners"} { // another's route is no resource of this one
			if c != at.policy {
				got := b.get(a.ask("resource", w.others[c].resource()))
				if got.query().Get("error") != "invalid_target" {
					t.Errorf("%s is asked for the route of %s: %d %s", at.policy, c, got.status, got.header.Get("Location"))
				}
			}
		}
	}
	for _, path := range []string{
		"/staff", "/staff/", "/staff/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/none",
		"/.well-known/oauth-protected-resource/staff", "/oauth/staff/token", "/partners/staff/oauth/token",
	} {
		if status, text := w.do(t, http.MethodGet, path, nil); status != http.StatusNotFound || !json.Valid([]byte(text)) {
			t.Errorf("%s: %d %s, want 404 and JSON", path, status, text)
		}
	}
}
