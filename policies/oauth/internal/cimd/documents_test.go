package cimd_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"durward/policies/oauth/internal/cimd"
	"durward/policies/oauth/internal/egress"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// A document is fetched anew when it is stale by the caller's clock, and a change is seen then (A17).
func TestKept(t *testing.T) {
	w := newWeb()
	documents := cimd.New(w, nobody)
	name := func(now time.Time) string {
		t.Helper()
		got, err := documents.Get(t.Context(), now, id)
		if err != nil {
			t.Fatal(err)
		}
		return got.Name
	}
	w.put(id, document(id), "Cache-Control", "max-age=3600")
	first := name(noon)
	w.put(id, document(id, "client_name", "Changed"), "Cache-Control", "no-store")
	if got := name(noon.Add(time.Hour - time.Second)); got != first || w.fetches() != 1 {
		t.Errorf("%q after %d fetches, while it was fresh", got, w.fetches())
	}
	if got := name(noon.Add(time.Hour)); got != "Changed" || w.fetches() != 2 {
		t.Errorf("%q after %d fetches, when it was stale", got, w.fetches())
	}
	if got := name(noon.Add(time.Hour)); got != "Changed" || w.fetches() != 3 {
		t.Errorf("%q after %d fetches: it was not to be kept", got, w.fetches())
	}
}

// No failure is kept, and none does away with what is still fresh (A17, S37).
func TestFailuresAreNotKept(t *testing.T) {
	for name, fail := range map[string]func(w *web){
		"unreachable":   func(w *web) { w.fail(id, &egress.Error{Reason: egress.Unreachable}) },
		"bad status":    func(w *web) { w.fail(id, &egress.Error{Reason: egress.BadStatus, Status: 304}) },
		"not JSON":      func(w *web) { w.put(id, "<html>", "Cache-Control", "max-age=3600") },
		"another's":     func(w *web) { w.put(id, document(id+"/"), "Cache-Control", "max-age=3600") },
		"no media type": func(w *web) { w.put(id, document(id), "Content-Type", "", "Cache-Control", "max-age=3600") },
	} {
		w := newWeb()
		documents := cimd.New(w, nobody)
		fail(w)
		for range 2 {
			if _, err := documents.Get(t.Context(), noon, id); err == nil {
				t.Errorf("%s: it was taken", name)
			}
		}
		if w.fetches() != 2 {
			t.Errorf("%s: two questions made %d fetches", name, w.fetches())
		}
		w.put(id, document(id))
		if _, err := documents.Get(t.Context(), noon, id); err != nil {
			t.Errorf("%s: mended, and still: %v", name, err)
		}
	}
}

// Which failures are the document's own, and which may pass.
func TestFaults(t *testing.T) {
	for reason, want := range map[egress.Error]struct {
		permanent bool
		text      string
	}{
		{Reason: egress.Busy}:                   {false, "cannot be fetched just now: this server is fetching too many others"},
		{Reason: egress.Unreachable}:            {false, "cannot be fetched: nobody answers at a public address of its host"},
		{Reason: egress.Forbidden}:              {false, "cannot be fetched: nobody answers at a public address of its host"},
		{Reason: egress.Insecure}:               {false, "cannot be fetched: its host has no certificate that is trusted for its name"},
		{Reason: egress.Slow}:                   {false, "was not fetched: its host took too long to answer"},
		{Reason: egress.Broken}:                 {false, "was not fetched: its host did not answer as HTTP asks for"},
		{Reason: egress.BadStatus, Status: 302}: {false, "was answered with status 302, not 200"},
		{Reason: egress.BadStatus, Status: 403}: {false, "was answered with status 403, not 200"},
		{Reason: egress.BadStatus, Status: 503}: {false, "was answered with status 503, not 200"},
		{Reason: egress.BadStatus, Status: 404}: {true, "was answered with status 404, not 200"},
		{Reason: egress.BadStatus, Status: 410}: {true, "was answered with status 410, not 200"},
		{Reason: egress.Encoded}:                {true, "was answered with a Content-Encoding, though none was asked for"},
		{Reason: egress.Oversized}:              {true, "is too large"},
	} {
		reason.Err = errors.New("10.0.0.1 refused")
		w := newWeb()
		w.fail(id, &reason)
		_, err := cimd.New(w, nobody).Get(t.Context(), noon, id)
		if fault := faultOf(t, err); fault.Permanent != want.permanent || fault.Text != "the client metadata document "+want.text ||
			!errors.Is(err, reason.Err) {
			t.Errorf("%s %d: %+v", reason.Reason, reason.Status, fault)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	for media, good := range map[string]bool{
		"application/json": true, "Application/JSON; charset=utf-8": true, "application/oauth-client+json": true,
		"application/cimd+json;x=y": true, "text/json": false, "text/html": false, "text/x+json": false, "json": false,
		"application/json, text/html": false, "application/jsonp": false,
	} {
		w := newWeb()
		w.put(id, document(id), "Content-Type", media)
		if _, err := cimd.New(w, nobody).Get(t.Context(), noon, id); (err == nil) != good {
			t.Errorf("%s: %v", media, err)
		}
	}
}

// Whoever asks while a document is being fetched waits for that fetch, which does not end because the first one who asked
// went away.
func TestSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWeb()
		w.put(id, document(id), "Cache-Control", "no-store")
		w.hold = make(chan struct{})
		documents := cimd.New(w, nobody)
		first, leave := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() {
			_, err := documents.Get(first, noon, id)
			gone <- err
		}()
		synctest.Wait()
		var others sync.WaitGroup
		for range 100 {
			others.Go(func() {
				if got, err := documents.Get(t.Context(), noon, id); err != nil || got.ID != id {
					t.Errorf("got %+v, %v", got, err)
				}
			})
		}
		synctest.Wait()
		leave()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("who went away got %v", err)
		}
		close(w.hold)
		others.Wait()
		if w.fetches() != 1 {
			t.Errorf("%d fetches", w.fetches())
		}
	})
}

// Whoever has many fetches under way waits for one of them to end before the next, so that nobody else waits for theirs:
// not for places, and not for a document that two ask for. Hanging up makes no room (S45).
func TestPlacesOfAnAsker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		asker := func(ctx context.Context) string { name, _ := ctx.Value(key{}).(string); return name }
		as := func(name string) context.Context { return context.WithValue(t.Context(), key{}, name) }
		w := newWeb()
		w.hold = make(chan struct{})
		documents := cimd.New(w, asker)
		at := func(i int) string { return fmt.Sprintf("https://client.example/%d", i) }
		var waiting sync.WaitGroup
		for i := range 20 { // each asks and hangs up
			ctx, hangUp := context.WithCancel(as("many"))
			waiting.Go(func() { _, _ = documents.Get(ctx, noon, at(i)) })
			synctest.Wait()
			hangUp()
		}
		waiting.Wait()
		if w.fetches() != 16 {
			t.Errorf("%d fetches at once", w.fetches())
		}
		_, err := documents.Get(as("many"), noon, id) // which does not begin
		if fault := faultOf(t, err); fault.Permanent || !strings.Contains(fault.Text, "too many others") {
			t.Errorf("got %+v", fault)
		}
		w.put(id, document(id))
		w.put(at(0), document(at(0)))
		for _, wanted := range []string{id, at(0)} { // one that nobody fetches yet, and one that is under way
			waiting.Go(func() {
				if _, err := documents.Get(as("another"), noon, wanted); err != nil {
					t.Errorf("%s: %v", wanted, err)
				}
			})
		}
		synctest.Wait()
		if w.fetches() != 17 {
			t.Errorf("%d fetches, want 17", w.fetches())
		}
		close(w.hold)
		waiting.Wait()
		w.put(at(30), document(at(30)))
		if _, err := documents.Get(as("many"), noon, at(30)); err != nil {
			t.Errorf("when they are over: %v", err)
		}
	})
}

// However many documents are asked for, so many are kept and no more.
func TestBounded(t *testing.T) {
	w := newWeb()
	documents := cimd.New(w, nobody)
	const many = 1001
	at := func(i int) string { return fmt.Sprintf("https://client.example/%d", i) }
	for i := range many {
		w.put(at(i), document(at(i)))
		if _, err := documents.Get(t.Context(), noon, at(i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, again := range []struct{ document, fetches int }{{many - 1, 0}, {1, 0}, {0, 1}} { // 0 was longest unused
		before := w.fetches()
		if _, err := documents.Get(t.Context(), noon, at(again.document)); err != nil || w.fetches() != before+again.fetches {
			t.Errorf("document %d: %d more fetches, %v", again.document, w.fetches()-before, err)
		}
	}
}

// A key set is kept; a key that it lacks is looked for once a minute.
func TestKeys(t *testing.T) {
	const uri = "https://client.example/jwks"
	w := newWeb()
	documents := cimd.New(w, nobody)
	set := func(kids ...string) string {
		var all []string
		for _, kid := range kids {
			all = append(all, strings.Replace(publicKey, `"kid":"a"`, `"kid":"`+kid+`"`, 1))
		}
		return `{"keys":[` + strings.Join(all, ",") + `]}`
	}
	w.put(uri, set("a"), "Cache-Control", "max-age=3600")
	for _, step := range []struct {
		after   time.Duration
		kid     string
		fetches int
		keys    int
		serve   string // from this step on
	}{
		{0, "a", 1, 1, ""},
		{time.Second, "", 1, 1, ""},
		{time.Second, "b", 1, 1, set("a", "b")},
		{59 * time.Second, "b", 1, 1, ""},
		{time.Minute, "a", 1, 1, ""},
		{time.Minute, "b", 2, 2, ""},
		{time.Minute, "c", 2, 2, ""},
		{2 * time.Minute, "c", 3, 2, ""},
		{30 * time.Minute, "a", 3, 2, ""},
		{62 * time.Minute, "a", 4, 2, ""},
	} {
		if step.serve != "" {
			w.put(uri, step.serve, "Cache-Control", "max-age=3600")
		}
		got, err := documents.Keys(t.Context(), noon.Add(step.after), uri, step.kid)
		if err != nil || w.fetches() != step.fetches || len(got.Keys) != step.keys {
			t.Errorf("%v %q: %d keys after %d fetches, %v", step.after, step.kid, len(got.Keys), w.fetches(), err)
		}
	}
	w.fail(uri, &egress.Error{Reason: egress.Unreachable}) // what is kept is good until it is stale
	if _, err := documents.Keys(t.Context(), noon.Add(64*time.Minute), uri, "a"); err != nil {
		t.Error(err)
	}
	_, err := documents.Keys(t.Context(), noon.Add(3*time.Hour), uri, "a")
	if fault := faultOf(t, err); fault.Permanent || !strings.HasPrefix(fault.Text, "the key set at jwks_uri cannot be fetched") {
		t.Errorf("got %+v", fault)
	}
	w.put(uri, `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`)
	_, err = documents.Keys(t.Context(), noon.Add(3*time.Hour), uri, "a")
	if fault := faultOf(t, err); !fault.Permanent || fault.Text != "the key set at jwks_uri holds a private key" {
		t.Errorf("got %+v", fault)
	}
}

// Neither is larger than it may be (A16).
func TestLimits(t *testing.T) {
	const uri = "https://client.example/jwks"
	w := newWeb()
	padded := func(size int) string {
		return document(id, "x", strings.Repeat("x", size-len(document(id, "x", ""))))
	}
	w.put(id, padded(5<<10))
	if _, err := cimd.New(w, nobody).Get(t.Context(), noon, id); err != nil {
		t.Error(err)
	}
	w.put(id, padded(5<<10+1))
	_, err := cimd.New(w, nobody).Get(t.Context(), noon, id)
	if fault := faultOf(t, err); fault.Text != "the client metadata document is too large" {
		t.Error(err)
	}
	w.put(uri, `{"keys":[`+publicKey+`],"x":"`+strings.Repeat("x", 60<<10)+`"}`)
	if _, err := cimd.New(w, nobody).Keys(t.Context(), noon, uri, ""); err != nil {
		t.Error(err)
	}
	w.put(uri, `{"keys":[`+publicKey+`],"x":"`+strings.Repeat("x", 64<<10)+`"}`)
	_, err = cimd.New(w, nobody).Keys(t.Context(), noon, uri, "")
	faultOf(t, err)
}
