package hostile

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// forHeader says of a request for whom it asks: POLICY/SUBJECT. The upstream sees it if the request gets through.
const forHeader = "X-Asks-For"

// upstream counts who gets through to it.
type upstream struct {
	*httptest.Server
	mu  sync.Mutex
	got map[string]int // by forHeader
}

func startUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{got: make(map[string]int)}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.mu.Lock()
		u.got[asker(r)]++
		u.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"jsonrpc":"2.0","id":1,"result":{}}`)
	}))
	t.Cleanup(u.Close)
	return u
}

// asker answers for whom a request asks: POLICY/SUBJECT. Requests to the root are the neighbour's.
func asker(r *http.Request) string {
	if r.URL.Path == "/" {
		return "clerk/" + neighbourName
	}
	return r.Header.Get(forHeader)
}

// count answers how many requests of the policy's route for the subject got through.
func (u *upstream) count(policy, subject string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.got[policy+"/"+subject]
}

// forget takes what a test has looked at out of the count.
func (u *upstream) forget(who string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.got, who)
}

// wantOnly wants nobody to have got through but the subjects.
func (u *upstream) wantOnly(t *testing.T, subjects ...string) {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	for who, n := range u.got {
		if _, subject, _ := strings.Cut(who, "/"); !slices.Contains(subjects, subject) {
			t.Errorf("G7: %d requests of %q got through without a decision", n, who)
		}
	}
}
