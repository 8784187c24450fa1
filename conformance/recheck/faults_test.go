package recheck

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"durward/conformance/faults/double"
	"durward/runtime"
)

// Whatever a provider answers but one thing, the client goes on, and the next answer is asked for with what the provider
// takes by then.
func TestFaultsOfTheProviderAreForgiven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone := []string{"token endpoint: invalid_grant under 400", "token endpoint: invalid_grant under 401"}
	harmless := []string{ // what matters to a sign-in alone
		"token endpoint: no id_token", "ID token: no nonce", "ID token: another login's nonce",
	}
	for _, f := range double.Faults() {
		if f.Callback || f.Keys && f.Name != "keys: 500" { // a re-check has no callback, and keys are as at a sign-in
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			w.provider.Fail("")
			ada := w.login(t, 1)
			w.forward(due)
			w.provider.Fail(f.Name)
			failed, asked := w.printed.count(t, "event", "recheck.failed"), w.asked()
			if slices.Contains(gone, f.Name) {
				if got := code(ada.clients[0].Refresh(t.Context())); got != "invalid_grant" {
					t.Errorf("refresh: %q", got)
				}
				ada.call(t, http.StatusUnauthorized)
				return
			}
			ada.refresh(t)
			if got := w.asked() - asked; got != 1 {
				t.Errorf("the provider was asked %d times", got)
			}
			want := failed + 1
			if f.Harmless || slices.Contains(harmless, f.Name) {
				want = failed
			}
			if got := w.printed.count(t, "event", "recheck.failed"); got != want {
				t.Errorf("the audit log says %d times that somebody could not be asked about, want %d", got-failed, want-failed)
			}
			w.provider.Fail("")
			w.forward(due)
			if strings.Contains(f.Name, "with Retry-After") || strings.Contains(f.Name, "that nobody knows") {
				w.forward(time.Hour)
			}
			checked := w.printed.count(t, "msg", "re-checked")
			ada.refresh(t)
			ada.call(t, http.StatusOK)
			if got := w.printed.count(t, "msg", "re-checked"); got != checked+1 {
				t.Errorf("Ada was re-checked %d times once the provider was well", got-checked)
			}
		})
	}
}

// A provider that does not answer holds a refresh up for as long as the operator allows, and no longer.
func TestASlowProviderHoldsNobodyUpForLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.login(t, 1)
	w.forward(due)
	w.provider.Fail("token endpoint: no answer")
	began := time.Now()
	ada.refresh(t)
	if took := time.Since(began); took < remoteTimeout || took > 10*remoteTimeout {
		t.Errorf("the refresh took %s", took)
	}
	began = time.Now()
	ada.refresh(t)
	if took := time.Since(began); took >= remoteTimeout {
		t.Errorf("the next one took %s: the provider was not left alone", took)
	}
}

// After a day without an answer nobody gets new tokens, and nobody loses what they have.
func TestADayWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.login(t, 2)
	w.provider.Fail("token endpoint: 502 with a page")
	for range 23 {
		w.forward(time.Hour)
		ada.refresh(t)
	}
	w.forward(time.Hour + due)
	for _, client := range ada.clients {
		err := client.Refresh(t.Context())
		refused, ok := errors.AsType[*oauth2.RetrieveError](err)
		if !ok || refused.Response.StatusCode != http.StatusServiceUnavailable ||
			refused.ErrorCode != "temporarily_unavailable" || refused.Response.Header.Get("Retry-After") == "" {
			t.Errorf("refresh: %v", err)
		}
	}
	w.provider.Fail("token endpoint: no id_token") // one of the machine's time would be too old by now
	w.forward(due)
	ada.refresh(t)
	ada.call(t, http.StatusOK)
}

// The clients of one sign-in refresh at once, round after round: the provider is asked once each time.
func TestParallelRefreshesAskOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.login(t, 8)
	for round := range 5 {
		w.forward(due)
		before := w.asked()
		ada.refresh(t)
		if got := w.asked() - before; got != 1 {
			t.Errorf("round %d: the provider was asked %d times", round, got)
		}
	}
	w.provider.Fail("token endpoint: no id_token")
	w.forward(25 * time.Hour) // by now all have to wait for the answer
	before := w.asked()
	ada.refresh(t)
	if got := w.asked() - before; got != 1 {
		t.Errorf("after a day the provider was asked %d times", got)
	}
}

// Another client id makes what is kept useless, which says nothing of the person: they go on for a day, and sign in anew.
func TestAnotherClientAtTheProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.login(t, 1)
	w.SetOption(t, "clientId", "another-client")
	if r := w.host.Reload(t.Context(), "test"); r.Result != runtime.Applied {
		t.Fatalf("%+v", r)
	}
	asked := w.asked()
	for range 23 {
		w.forward(time.Hour)
		ada.refresh(t)
	}
	w.forward(time.Hour + due)
	if got := code(ada.clients[0].Refresh(t.Context())); got != "invalid_grant" {
		t.Errorf("refresh: %q", got)
	}
	if w.asked() != asked {
		t.Error("the token of one client was shown to the provider by another")
	}
	if w.printed.count(t, "event", "recheck.failed", "reason", "handle_client") == 0 ||
		w.printed.count(t, "event", "person.gone") != 0 {
		t.Error("the audit log has no recheck.failed, or has person.gone")
	}
}
