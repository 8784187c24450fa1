package limit_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"durward/policies/oauth/internal/limit"
)

// Each key has so many places. Who waits for one gets the next that is free, or leaves when their time is over, and takes
// none from other keys.
func TestAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doors := limit.NewAtOnce(2)
		enter := func(key string) func() {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			leave, err := doors.Enter(ctx, key)
			if err != nil {
				t.Fatalf("%s: %v", key, err)
			}
			return leave
		}
		first, second := enter("a"), enter("a")
		enter("b")()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := doors.Enter(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a third: %v", err)
		}
		entered := make(chan func())
		go func() {
			leave, err := doors.Enter(t.Context(), "a")
			if err != nil {
				t.Error(err)
			}
			entered <- leave
		}()
		synctest.Wait()
		select {
		case <-entered:
			t.Fatal("three are inside")
		default:
		}
		first()
		third := <-entered
		second()
		third()
		first, second = enter("a"), enter("a")
		first()
		second()
	})
}
