package oauth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"durward/policies"
)

const plainRegistration = `{"redirect_uris":["` + redirect + `"]}`

// registerFrom registers a client from an address, and answers its id, or the refusal's status and Retry-After.
func (w *world) registerFrom(address string) (id string, status int, wait time.Duration) {
	w.Helper()
	got := w.from(address, http.MethodPost, "/oauth/register", plainRegistration, "Content-Type", "application/json")
	defer got.Body.Close()
	var members struct {
		ID string `json:"client_id"`
	}
	if err := json.NewDecoder(got.Body).Decode(&members); err != nil {
		w.Fatal(err)
	}
	seconds, _ := strconv.Atoi(got.Header.Get("Retry-After"))
	return members.ID, got.StatusCode, time.Duration(seconds) * time.Second
}

func (w *world) wantRegistered(what, address string, want int) (string, time.Duration) {
	w.Helper()
	id, status, wait := w.registerFrom(address)
	if status != want {
		w.Errorf("%s: status %d, want %d", what, status, want)
	}
	return id, wait
}

func unusedLimit(t *testing.T, most int) *world {
	t.Helper()
	return newWorldWith(t, fmt.Sprintf(
		`{"clientId":"c","gateway":{"limits":{"unusedRegistrationsPerHour":%d,"registrationsPerMinute":1000}}}`, most))
}

func TestS45_Q6_UnusedClientsOfAnAddress(t *testing.T) {
	w := unusedLimit(t, 3)
	const here = "2001:db8:0:1::1"
	w.wantRegistered("first", here, http.StatusCreated)
	w.host.Clock.Advance(10 * time.Minute)
	used, _ := w.wantRegistered("second", here, http.StatusCreated)
	w.wantRegistered("third, from the same network", "2001:db8:0:2::1", http.StatusCreated)
	_, wait := w.wantRegistered("one too many", here, http.StatusTooManyRequests)
	if wait != 50*time.Minute {
		t.Errorf("Retry-After: %v, want the time until the first counts no more", wait)
	}
	w.wantRegistered("from another network", "2001:db8:1::1", http.StatusCreated)
	// Who completes a flow makes room: the two ids of one attempt (Q6) are no burden for long.
	w.tokensOf(used, w.post("/oauth/token", redemption(used, w.code(used, "alice"))))
	w.wantRegistered("after a completed flow", here, http.StatusCreated)
	w.wantRegistered("one too many again", here, http.StatusTooManyRequests)
	w.host.Clock.Advance(50 * time.Minute)
	w.wantRegistered("after an hour", here, http.StatusCreated)
	if events := w.host.Audit.Named("limit.reached"); len(events) == 0 || events[0].Reason != "unused_registrations" {
		t.Errorf("events %+v", events)
	}
}

func TestQ6_BothIdsOfOneAttemptStayValid(t *testing.T) {
	w := unusedLimit(t, 500)
	one, two := w.client(), w.client()
	w.host.Clock.Advance(30 * 24 * time.Hour)
	for _, id := range []string{one, two} {
		w.browser = w.gateway.Client()
		w.tokensOf(id, w.post("/oauth/token", redemption(id, w.code(id, "alice"))))
	}
}

// fill takes all places among the unused that are free, for a client by its key, as if since a time.
func (w *world) fill(client string, since time.Time) {
	w.Helper()
	taken := map[string]bool{}
	for _, record := range w.host.Store.Records() {
		taken[record.Key] = true
	}
	var change policies.Change
	for number := range 10_000 {
		if key := fmt.Sprintf("spare/%05d", number); !taken[key] {
			value := fmt.Sprintf(`{"format":1,"data":{"client":%q,"since":%q}}`, client, since.Format(time.RFC3339))
			change.Puts = append(change.Puts, policies.Put{
				Key: key, Value: []byte(value), Expires: since.Add(90 * 24 * time.Hour),
			})
		}
		if len(change.Puts) == policies.MaxChanges || number == 9999 {
			if err := w.host.Store.Commit(w.Context(), change); err != nil {
				w.Fatal(err)
			}
			change = policies.Change{}
		}
	}
}

func (w *world) count(prefix string) int {
	count := 0
	for _, record := range w.host.Store.Records() {
		if strings.HasPrefix(record.Key, prefix) {
			count++
		}
	}
	return count
}

func TestS45_TheStorageOfUnusedClientsIsBounded(t *testing.T) {
	w := unusedLimit(t, 500)
	w.fill("client/of-another-time", w.host.Clock.Now())
	_, wait := w.wantRegistered("all places taken just now", "192.0.2.1", http.StatusServiceUnavailable)
	if wait != time.Hour {
		t.Errorf("Retry-After: %v", wait)
	}
	w.host.Clock.Advance(time.Hour)
	id, _ := w.wantRegistered("all places taken an hour ago", "192.0.2.1", http.StatusCreated)
	if n := w.count("spare/"); n != 10_000 {
		t.Errorf("%d places", n)
	}
	if n := w.count("client/"); n != 1 {
		t.Errorf("%d clients", n)
	}
	w.tokensOf(id, w.post("/oauth/token", redemption(id, w.code(id, "alice"))))
	if n := w.count("spare/"); n != 9_999 {
		t.Errorf("%d places after a client was used", n)
	}
	if n := w.count("unused/"); n != 0 {
		t.Errorf("%d records of unused clients", n)
	}
}

// A client that made room is as unknown as one that has expired, so that the app registers again (S47).
func TestS47_AClientThatMadeRoom(t *testing.T) {
	w := unusedLimit(t, 500)
	old := w.client()
	code := w.code(old, "alice")
	w.fill("client/"+digestOf(old), w.host.Clock.Now().Add(-time.Hour)) // wherever room is made, it is this one that goes
	w.wantRegistered("in its place", "192.0.2.7", http.StatusCreated)
	w.wantError("at the token endpoint", w.post("/oauth/token", redemption(old, code)), http.StatusUnauthorized, "invalid_client")
	w.wantPage("at authorize", w.authorize(ask(old)), http.StatusBadRequest)
}

// Parallel registrations take different places, and parallel redemptions of two codes of one client give them back once.
func TestS45_PlacesAreTakenAndGivenBackOnce(t *testing.T) {
	w := unusedLimit(t, 500)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { w.wantRegistered("in parallel", "192.0.2.1", http.StatusCreated) })
	}
	wg.Wait()
	if clients, places, unused := w.count("client/"), w.count("spare/"), w.count("unused/"); clients != 8 || places != 8 || unused != 8 {
		t.Fatalf("%d clients, %d places, %d unused", clients, places, unused)
	}
	client := w.client()
	one := w.code(client, "alice")
	w.browser = w.gateway.Client()
	two := w.code(client, "alice")
	w.host.Store.Intercept(together("client/", 2))
	for _, code := range []string{one, two} {
		wg.Go(func() {
			if got := w.post("/oauth/token", redemption(client, code)); got.StatusCode != http.StatusOK {
				t.Errorf("redemption: %d %s", got.StatusCode, got.body)
			}
		})
	}
	wg.Wait()
	if places, unused := w.count("spare/"), w.count("unused/"); places != 8 || unused != 8 {
		t.Errorf("%d places, %d unused", places, unused)
	}
}

// A client that makes room just while it redeems its code is told so, and its code has come to nothing.
func TestS47_AClientThatMakesRoomMeanwhile(t *testing.T) {
	w := unusedLimit(t, 500)
	client := w.client()
	code := w.code(client, "alice")
	w.host.Store.Intercept(func(op string, keys []string, do func() error) error {
		if op == "get" && strings.HasPrefix(keys[0], "grant/") {
			w.host.Store.Intercept(nil)
			if _, err := w.host.Store.Take(w.Context(), "client/"+digestOf(client)); err != nil {
				t.Error(err)
			}
		}
		return do()
	})
	w.wantError("redemption", w.post("/oauth/token", redemption(client, code)), http.StatusUnauthorized, "invalid_client")
	if n := w.count("access/") + w.count("refresh/"); n != 0 {
		t.Errorf("%d tokens", n)
	}
}

// Who loses a place to another registration finds one all the same.
func TestS45_ContestedPlaces(t *testing.T) {
	w := unusedLimit(t, 500)
	lost := 0
	w.host.Store.Intercept(func(op string, _ []string, do func() error) error {
		if op == "commit" && lost < 3 {
			lost++
			return policies.ErrConflict
		}
		return do()
	})
	w.wantRegistered("after three losses", "192.0.2.1", http.StatusCreated)
	if clients, places, unused := w.count("client/"), w.count("spare/"), w.count("unused/"); clients+places+unused != 3 {
		t.Errorf("%d clients, %d places, %d unused", clients, places, unused)
	}
}
