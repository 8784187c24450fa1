package oidclogin

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"durward/policies"
)

// line carries calls to a fake provider in memory, so that a test's clock can be moved. It counts those for keys.
type line struct {
	fake  *fakeProvider
	asked int
}

func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/keys" {
		l.asked++
	}
	return l.fake.roundTrip(r)
}

// inMemory is a fake provider without a network, and ours to it.
func inMemory(t *testing.T) (*fakeProvider, *line, *Provider) {
	t.Helper()
	f := newFakeInMemory(t)
	l := &line{fake: f}
	c := f.config()
	c.Transport = l
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return f, l, p
}

// signWith has the fake sign with a key that it does not publish by this.
func (f *fakeProvider) signWith(t *testing.T, kid string) {
	f.answer(tokens, f.grant(t, func(k *token) { k.key, k.kid = otherKey(), kid }))
}

func TestC1_AnUnknownKeyCostsOneFetchPerInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, l, p := inMemory(t)
		try := func(what, kid, code string, fetches int) {
			t.Helper()
			f.signWith(t, kid)
			_, err := complete(t, p)
			synctest.Wait() // for the key set to have put its fetch away
			if code == "" && err != nil {
				t.Errorf("%s: %v", what, err)
			} else if code != "" {
				wantFault(t, err, isInvalid, code)
			}
			if l.asked != fetches {
				t.Errorf("%s: %d fetches, want %d", what, l.asked, fetches)
			}
		}
		f.answer(keys, serveKeys("1", otherKey()))
		try("the first login", "1", "", 1)
		f.answer(keys, serveKeys("2", otherKey()))
		try("the first after a rotation, at once", "2", "", 2)
		for range 100 {
			try("keys that nobody knows", "9", "id_token_signature", 2)
		}
		try("a key that is known", "2", "", 2)
		time.Sleep(keyInterval - time.Nanosecond)
		try("an unknown key, before its time", "9", "id_token_signature", 2)
		time.Sleep(time.Nanosecond)
		try("an unknown key", "9", "id_token_signature", 3)
		try("and again", "9", "id_token_signature", 3)
		f.answer(keys, serveKeys("3", otherKey()))
		try("a rotation just after an unknown key", "3", "id_token_signature", 3)
		time.Sleep(keyInterval)
		try("the same, later", "3", "", 4)
	})
}

// A fetch that failed tells nothing, so it does not keep the next login from asking.
func TestC1_AFailedFetchIsTriedAgainAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, l, p := inMemory(t)
		good := f.answer(keys, answerText(500, "canary"))
		_, err := complete(t, p)
		wantFault(t, err, isUnreachable, "keys_failed")
		synctest.Wait()
		f.answer(keys, good)
		if _, err := complete(t, p); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		f.signWith(t, "2")
		f.answer(keys, answerText(200, "<html>canary"))
		_, err = complete(t, p)
		wantFault(t, err, isMisconfigured, "keys_malformed")
		synctest.Wait()
		f.answer(keys, serveKeys("2", otherKey()))
		if _, err := complete(t, p); err != nil {
			t.Error(err)
		}
		if l.asked != 4 {
			t.Errorf("%d fetches, want 4", l.asked)
		}
	})
}

func TestC1_AKeySetThatAsksForQuietGetsIt(t *testing.T) {
	for _, status := range []int{429, 503} {
		for _, seconds := range []int{7, 3600} {
			t.Run(strconv.Itoa(status)+" for "+strconv.Itoa(seconds), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { quiet(t, status, time.Duration(seconds)*time.Second) })
			})
		}
	}
}

// quiet has the key set ask to be left alone for so long, and logs in before and after that.
func quiet(t *testing.T, status int, asked time.Duration) {
	code := map[int]string{429: "rate_limited", 503: "keys_failed"}[status]
	kept := min(asked, maxKeySilence)
	f, l, p := inMemory(t)
	good := f.answer(keys, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", strconv.Itoa(int(asked/time.Second)))
		answerText(status, `{"errors":[],"clerk_trace_id":"trace_1"}`)(w, r)
	})
	try := func(retry time.Duration) {
		t.Helper()
		_, err := complete(t, p)
		synctest.Wait()
		if got := wantFault(t, err, isUnreachable, code); got.RetryAfter != retry || got.Trace != "trace_1" {
			t.Errorf("retry after %s, trace %q; want %s and the provider's", got.RetryAfter, got.Trace, retry)
		}
		if l.asked != 1 {
			t.Errorf("%d fetches, want 1", l.asked)
		}
	}
	try(asked)
	f.answer(keys, good)
	try(kept)
	time.Sleep(kept - time.Second)
	try(time.Second)
	time.Sleep(time.Second)
	if _, err := complete(t, p); err != nil {
		t.Error(err)
	}
}

// Those who wait for one failed fetch share its error, and none of them finds it changed by another.
func TestC1_ASharedFailureIsNobodysToChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, l, p := inMemory(t)
		open := make(chan struct{})
		f.answer(keys, func(w http.ResponseWriter, r *http.Request) {
			<-open
			answerText(500, `{"clerk_trace_id":"trace_1"}`)(w, r)
		})
		errs := make(chan error, 8)
		for range cap(errs) {
			go func() {
				_, err := complete(t, p)
				errs <- err
			}()
		}
		synctest.Wait()
		close(open)
		seen := map[*policies.LoginError]bool{}
		for range cap(errs) {
			e, _ := errors.AsType[*policies.LoginError](<-errs)
			if e == nil || e.Code != "keys_failed" || e.Trace != "trace_1" || seen[e] {
				t.Fatalf("error %v, seen before: %v", e, seen[e])
			}
			seen[e] = true
		}
		if l.asked != 1 {
			t.Errorf("%d fetches, want 1", l.asked)
		}
	})
}
