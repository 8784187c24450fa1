package oauth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"durward/policies"
)

// A gateway that is slow has callers at work who came at different times. Those who share a token that is not rotated do
// not stand in each other's way, and nobody who came early shortens what one who came late has prolonged.
func TestSlowCallersShareATokenThatIsKept(t *testing.T) {
	const callers = 100
	w := newWorldWith(t, rotating("none"))
	held := w.signIn("alice")
	now := w.host.Clock.Now()
	w.host.Store.Intercept(together("refresh/", callers))
	status := make([]int, callers)
	var work sync.WaitGroup
	for i := range callers {
		work.Go(func() {
			ctx := policies.WithCall(t.Context(), policies.Call{
				Time: now.Add(time.Duration(i) * time.Second), Origin: origin, RequestID: "slow", ClientAddress: "192.0.2.1",
			})
			body := strings.NewReader(renewal(held.client, held.refresh).Encode())
			r := httptest.NewRequest(http.MethodPost, origin+"/oauth/token", body).WithContext(ctx)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			out := httptest.NewRecorder()
			w.gateway.Policy.ServeHTTP(out, r)
			status[i] = out.Code
		})
	}
	work.Wait()
	w.host.Store.Intercept(nil)
	for i, got := range status {
		if got != http.StatusOK {
			t.Errorf("caller %d: %d", i, got)
		}
	}
	w.host.Clock.Advance((1000 + callers - 2) * time.Second)
	w.tokensOf(held.client, w.refresh(held))
}
