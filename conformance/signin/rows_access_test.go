package signin

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"durward/conformance/gateway"
)

func accessRows() []row {
	return []row{
		{
			id:    "access: who may come in",
			holds: "every rule keeps out who does not meet it, and what is not known meets none",
			in:    guarded, play: whoMayComeIn,
			breaks: []edit{{"policies/oauth/internal/access/rules.go", `case !who.EmailVerified:`, `case who.Subject == "":`}},
		},
		{
			id:    "access: what the refused may do",
			holds: "who may not come in gets no code and no session, and may sign in as somebody else or send the client away",
			in:    guarded, play: whatTheRefusedMayDo,
			breaks: []edit{{
				consentFile, `q.Data.Purpose == purposeAuthorize && !q.Data.Denied:`, `q.Data.Purpose == purposeAuthorize:`,
			}},
		},
		{
			id:    "access: those already in",
			holds: "a changed rule takes hold at once of sessions, codes, refreshes and tokens, and keeps the grant",
			in:    alone, play: thoseAlreadyIn,
			breaks: []edit{{
				"policies/oauth/access.go", `return s.knows(who) && s.options.access.Judge(who) == access.Admitted`, `return s.knows(who)`,
			}},
		},
	}
}

// engineer is somebody whom all rules of the setting guarded let in.
func engineer(v *visit) {
	v.claims["org_id"], v.claims["role"], v.claims["contractor"] = "org_engines", "engineer", false
}

func whoMayComeIn(t *testing.T, w *world) {
	a := w.register(t, "Guarded")
	enter := func(changes ...func(map[string]any)) (*browser, *answer) {
		b := w.browser(t)
		back, _ := w.provider.signIn(t, b.approved(a), ada(), engineer, func(v *visit) {
			for _, change := range changes {
				change(v.claims)
			}
		})
		return b, b.get(back.String())
	}
	for name, change := range map[string]func(map[string]any){
		"as the rules say": func(map[string]any) {}, "the address in capitals": set("email", "ADA@Example.COM"),
		"a listed domain": set("email", "somebody@example.org"), "the domain in capitals": set("email", "somebody@EXAMPLE.org"),
		"the other role": set("role", "admin"), "several roles": set("role", []string{"cook", "admin"}),
		"the other organization": set("org_id", "org_looms"), "verified as text": set("email_verified", "true"),
	} {
		b, got := enter(change)
		if query := got.query(); query.Get("code") == "" {
			t.Errorf("%s: kept out: %d %s", name, got.status, got.text())
		}
		if b.cookie("-session") == "" {
			t.Errorf("%s: no session", name)
		}
	}
	for reason, changes := range map[string]map[string]func(map[string]any){
		"email_missing": {"no address": set("email", nil), "an empty address": set("email", "")},
		"email_unverified": {
			"not verified": set("email_verified", false), "nothing said of it": set("email_verified", nil),
			"verified in another way": set("email_verified", "yes"),
		},
		"email_not_allowed": {
			"another address":                set("email", "eve@example.com"),
			"a domain around the listed one": set("email", "a@example.org.evil.example"),
			"a domain below the listed one":  set("email", "a@sub.example.org"),
			"a domain that ends like it":     set("email", "a@notexample.org"),
			"two addresses in one":           set("email", "a@evil.example@example.org"),
			"the listed address and more":    set("email", "ada@example.com.evil.example"),
		},
		"organization_missing": {
			"no organization": set("org_id", nil), "another organization": set("org_id", "org_other"),
			"a part of one": set("org_id", "org_"),
		},
		"claim_missing": {
			"no role": set("role", nil), "another role": set("role", "cook"), "a role in capitals": set("role", "Engineer"),
			"a role within text": set("role", "engineer cook"), "a contractor": set("contractor", true),
			"nothing said of that": set("contractor", nil), "false as text": set("contractor", "false"),
		},
	} {
		for name, change := range changes {
			before := refusals(w, reason)
			b, got := enter(change)
			wantPage(t, name, got, http.StatusForbidden)
			if b.cookie("-session") != "" {
				t.Errorf("%s: a session of somebody who may not come in", name)
			}
			if !gateway.Within(patience, func() bool { return refusals(w, reason) > before }) {
				t.Errorf("%s: the audit log does not say %s", name, reason)
			}
		}
	}
}

// refusals counts the audit log's entries of people kept out for a reason.
func refusals(w *world, reason string) int {
	return len(w.Log.Lines(func(l gateway.Line) bool {
		return strings.Contains(l.Text, "access.refused") && strings.Contains(l.Text, reason)
	}))
}

func whatTheRefusedMayDo(t *testing.T, w *world) {
	a := w.register(t, "Sent away")
	refused := func() (*browser, *answer) {
		b := w.browser(t)
		back, _ := w.provider.signIn(t, b.approved(a), grace())
		page := b.get(back.String())
		wantPage(t, "refused", page, http.StatusForbidden)
		for _, want := range []string{grace().email, "Sent away", "app.example"} {
			if !strings.Contains(page.text(), want) {
				t.Errorf("the page does not show %q: %s", want, page.text())
			}
		}
		return b, page
	}
	b, page := refused()
	got := b.press(page, "deny")
	want := map[string]string{"error": "access_denied", "state": "state-of-the-app", "iss": w.origin}
	for name, value := range want {
		if !slices.Equal(got.query()[name], []string{value}) {
			t.Errorf("%s is %q, want %q once", name, got.query()[name], value)
		}
	}
	wantRefused(t, "another answer afterwards", b.press(page, "switch"))

	b, page = refused()
	f := page.form(t, "switch")
	f.fields.Set("answer", "allow")
	wantPage(t, "an answer that the page does not offer", b.post(f.action, f.fields), http.StatusBadRequest)
	wantRefused(t, "without the token", b.press(page, "switch", "csrf", ""))
	at := b.sentToProvider(b.press(page, "switch"))
	if at.Query().Get("prompt") != "login" {
		t.Errorf("the provider is not told to ask anew: %s", at)
	}
	back, _ := w.provider.signIn(t, at, ada(), engineer)
	b.answered(a, b.get(back.String()))
}

func thoseAlreadyIn(t *testing.T, _ *world) {
	const open, shut = `{"emailDomains": ["example.com"]}`, `{"emailDomains": ["example.net"]}`
	w := start(t, public, open)
	a := w.register(t, "Already in")
	b := w.browser(t)
	held := b.tokensOf(t, a, ada())
	code := b.answered(a, b.press(b.asked(a), "allow")).Get("code")
	shown := b.asked(a)
	w.wantCall(t, "before", held.Access, http.StatusOK)

	w.Edit(policiesFile, open, shut, "applied")
	w.wantCall(t, "after the rule has changed", held.Access, http.StatusUnauthorized)
	if got := a.refresh(t, held.Refresh); got.Error != "invalid_grant" {
		t.Errorf("a refresh after the rule has changed: %s", got.text)
	}
	if got := a.redeem(t, code); got.Error != "invalid_grant" {
		t.Errorf("a code from before: %s", got.text)
	}
	if page := b.asked(a); strings.Contains(page.text(), ada().email) {
		t.Errorf("the session of somebody who may no longer come in is good: %s", page.text())
	}
	if got := b.press(shown, "allow"); got.query().Has("code") {
		t.Errorf("a page from before leads to a code: %s", got.header.Get("Location"))
	}
	w.Edit(policiesFile, shut, open, "applied")
	if got := a.refresh(t, held.Refresh); got.Access == "" {
		t.Errorf("the grant was not kept: %s", got.text)
	}
}
