package runtime

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Who asks for a plan while another cannot be finished is told so soon, or leaves at once when nobody waits any more; and
// there is a plan again when that one is done.
func TestPlanWaitsForAnotherAndNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := New(Options{Config: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		h.planning <- struct{}{} // the other
		began := time.Now()
		if _, err := h.Plan(t.Context(), nil); !errors.Is(err, errPlanning) || time.Since(began) != planWait {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		began = time.Now()
		if _, err := h.Plan(gone, nil); !errors.Is(err, context.Canceled) || time.Since(began) != 0 {
			t.Errorf("to one who has gone, after %v: %v", time.Since(began), err)
		}
		<-h.planning
		for range 2 {
			if _, err := h.Plan(t.Context(), nil); !errors.Is(err, errNotRunning) { // so it was its turn
				t.Errorf("when the other is done: %v", err)
			}
		}
	})
}
