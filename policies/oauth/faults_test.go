package oauth_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"durward/policies"
)

// S58, everywhere: whichever of its calls of the store fails, before or after it has done its work, a request is answered
// with 503 and says nothing of a client, a code, a token or a page. No browser is sent anywhere.
func TestS58_EveryCallOfTheStoreMayFail(t *testing.T) {
	// Each prepares a world and answers a request that is about to be made.
	for name, prepare := range map[string]func(*world) func() answer{
		"register": func(w *world) func() answer {
			return func() answer { return w.register(`{"redirect_uris":["https://app.example/cb"]}`) }
		},
		"authorize": func(w *world) func() answer {
			client := w.client()
			return func() answer { return w.authorize(ask(client)) }
		},
		"authorize, signed in": func(w *world) func() answer {
			client := w.signIn("alice").client
			return func() answer { return w.authorize(ask(client)) }
		},
		"authorize wrongly, signed in": func(w *world) func() answer {
			client := w.signIn("alice").client
			return func() answer { return w.authorize(ask(client, "response_type", "token")) }
		},
		"allow": func(w *world) func() answer {
			form := change(w.formOf(w.authorize(ask(w.client()))), "answer", "allow")
			return func() answer { return w.submit(w.browser, form) }
		},
		"allow, signed in": func(w *world) func() answer {
			form := change(w.formOf(w.authorize(ask(w.signIn("alice").client))), "answer", "allow")
			return func() answer { return w.submit(w.browser, form) }
		},
		"allow again": func(w *world) func() answer {
			form := change(w.formOf(w.authorize(ask(w.client()))), "answer", "allow")
			w.submit(w.browser, form)
			return func() answer { return w.submit(w.browser, form) }
		},
		"deny": func(w *world) func() answer {
			form := change(w.formOf(w.authorize(ask(w.client()))), "answer", "deny")
			return func() answer { return w.submit(w.browser, form) }
		},
		"callback": func(w *world) func() answer {
			at := w.atProvider(w.client())
			return func() answer { return w.callback(at, "alice") }
		},
		"callback, signed in": func(w *world) func() answer {
			at := w.atProviderBy(w.signIn("bob").client, "switch")
			return func() answer { return w.callback(at, "alice") }
		},
		"callback of a stranger": func(w *world) func() answer {
			at := w.atProvider(w.client())
			return func() answer { return w.callback(at, "mallory") }
		},
		"redeem": func(w *world) func() answer {
			client := w.client()
			form := redemption(client, w.code(client, "alice"))
			return func() answer { return w.post("/oauth/token", form) }
		},
		"redeem again": func(w *world) func() answer {
			client := w.client()
			form := redemption(client, w.code(client, "alice"))
			w.post("/oauth/token", form)
			return func() answer { return w.post("/oauth/token", form) }
		},
		"refresh": func(w *world) func() answer {
			held := w.signIn("alice")
			return func() answer { return w.refresh(held) }
		},
		"refresh again": func(w *world) func() answer {
			held := w.signIn("alice")
			w.refresh(held)
			return func() answer { return w.refresh(held) }
		},
		"refresh after the successor": func(w *world) func() answer {
			held := w.signIn("alice")
			w.refresh(w.tokensOf(held.client, w.refresh(held)))
			return func() answer { return w.refresh(held) }
		},
		"refresh after the grace": func(w *world) func() answer {
			held := w.signIn("alice")
			w.refresh(held)
			w.host.Clock.Advance(time.Minute)
			return func() answer { return w.refresh(held) }
		},
		"refresh without rotation": func(w *world) func() answer {
			held := w.signIn("alice")
			w.options(rotating("none"))
			return func() answer { return w.refresh(held) }
		},
		"refresh strictly, again": func(w *world) func() answer {
			held := w.signIn("alice")
			w.options(rotating("strict"))
			w.refresh(held)
			return func() answer { return w.refresh(held) }
		},
		"refresh, with the provider to be asked": func(w *world) func() answer {
			w.provider.Remember()
			w.options(recheckOptions)
			held := w.signIn("alice")
			w.host.Clock.Advance(recheckAfter)
			return func() answer { return w.refresh(held) }
		},
		"refresh of a person who has changed": func(w *world) func() answer {
			w.provider.Remember()
			w.options(recheckOptions)
			held := w.signIn("alice")
			w.host.Clock.Advance(recheckAfter)
			w.described(func(who *policies.Identity) { who.Name = "Alice the Second" })
			return func() answer { return w.refresh(held) }
		},
		"refresh of a person who is gone": func(w *world) func() answer {
			w.provider.Remember()
			w.options(recheckOptions)
			held := w.signIn("alice")
			w.host.Clock.Advance(recheckAfter)
			w.provider.InterceptRecheck(func(func() (policies.Standing, error)) (policies.Standing, error) {
				return policies.Standing{Gone: true, Code: "invalid_grant"}, nil
			})
			return func() answer { return w.refresh(held) }
		},
		"take back a refresh token": func(w *world) func() answer {
			held := w.signIn("alice")
			return func() answer { return w.revoke(held.client, held.refresh) }
		},
		"take back an access token": func(w *world) func() answer {
			held := w.signIn("alice")
			return func() answer { return w.revoke(held.client, held.access) }
		},
		"introspect": func(w *world) func() answer {
			c := w.registerAs("client_secret_basic")
			held := w.grantTo(c, "alice")
			return func() answer { return w.proven(c, "/oauth/introspect", url.Values{"token": {held.access}}) }
		},
		"call": func(w *world) func() answer {
			held := w.signIn("alice")
			return func() answer { return w.call("/mcp/demo", held.access) }
		},
		"grants": func(w *world) func() answer {
			w.signIn("alice")
			return func() answer { return w.get("/oauth/grants") }
		},
		"take a grant back": func(w *world) func() answer {
			w.signIn("alice")
			page := w.grants()
			form := url.Values{"answer": {"revoke"}, "grant": {page.ids[0]}, "csrf": {page.csrf}}
			return func() answer { return w.onGrants(w.browser, form) }
		},
		"take all back": func(w *world) func() answer {
			w.signIn("alice")
			form := url.Values{"answer": {"revoke-all"}, "csrf": {w.grants().csrf}}
			return func() answer { return w.onGrants(w.browser, form) }
		},
		"sign in for grants": func(w *world) func() answer {
			return func() answer { return w.onGrants(w.browser, url.Values{"answer": {"sign-in"}}) }
		},
		"sign out": func(w *world) func() answer {
			w.signIn("alice")
			form := url.Values{"answer": {"sign-out"}, "csrf": {w.grants().csrf}}
			return func() answer { return w.onGrants(w.browser, form) }
		},
		"signed out": func(w *world) func() answer {
			w.signIn("alice")
			return func() answer { return w.get("/oauth/signed-out") }
		},
		"the operator's list": func(w *world) func() answer {
			w.signIn("alice")
			return func() answer { return w.get("/grants?subject=alice") }
		},
		"the operator ends all": func(w *world) func() answer {
			w.signIn("alice")
			return func() answer { return w.do(w.browser, w.request(http.MethodDelete, "/grants?subject=alice", "")) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			var calls []string
			w := newWorld(t)
			request := prepare(w)
			w.host.Store.Intercept(func(op string, _ []string, do func() error) error {
				calls = append(calls, op)
				return do()
			})
			undisturbed := request()
			if undisturbed.StatusCode >= 500 {
				t.Fatalf("without a fault: %d %s", undisturbed.StatusCode, undisturbed.body)
			}
			for call, op := range calls {
				w := newWorld(t)
				w.wantFault(prepare(w), call, false, undisturbed)
				if op == "take" || op == "commit" {
					w := newWorld(t)
					w.wantFault(prepare(w), call, true, undisturbed)
				}
			}
			if len(calls) == 0 && name != "sign in for grants" {
				t.Error("the store is not called")
			}
		})
	}
}

// wantFault makes a request of which one call of the store fails, and wants it answered as a fault, and without one when
// it is made again. What the provider says of a person is another matter: to keep it is tried again, until it is kept.
func (w *world) wantFault(request func() answer, failing int, done bool, undisturbed answer) {
	w.Helper()
	at, what := 0, ""
	w.host.Store.Intercept(func(op string, keys []string, do func() error) error {
		at++
		if at-1 != failing {
			return do()
		}
		kind, _, _ := strings.Cut(keys[0], "/")
		what = op + " " + kind
		if done {
			_ = do()
		}
		return errors.New("disk on fire")
	})
	got := request()
	w.host.Store.Intercept(nil)
	if again := request(); again.StatusCode >= 500 {
		w.Errorf("call %d (%s) has failed, having done its work: %v: asked again: %d %.200s",
			failing, what, done, again.StatusCode, again.body)
	}
	if what == "commit standing" && got.StatusCode == undisturbed.StatusCode {
		return
	}
	if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Location") != "" ||
		got.Header.Get("Retry-After") == "" || strings.Contains(got.body, "fire") || strings.Contains(got.body, "invalid_") {
		w.Errorf("call %d (%s) fails, having done its work: %v: answered %d %v %.200s",
			failing, what, done, got.StatusCode, got.Header, got.body)
	}
}
