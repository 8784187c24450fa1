package watch

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDebounce(t *testing.T) {
	const ms = time.Millisecond
	every := func(step, until time.Duration) (at []time.Duration) {
		for d := time.Duration(0); d < until; d += step {
			at = append(at, d)
		}
		return at
	}
	for _, tt := range []struct {
		name  string
		stirs []time.Duration
		want  []time.Duration
	}{
		{"nothing", nil, nil},
		{"one", []time.Duration{0}, []time.Duration{150 * ms}},
		{"a burst", []time.Duration{0, 10 * ms, 149 * ms, 290 * ms}, []time.Duration{440 * ms}},
		{"two bursts", []time.Duration{0, 151 * ms}, []time.Duration{150 * ms, 301 * ms}},
		{"restless", every(90*ms, 4500*ms), []time.Duration{2000 * ms, 4070 * ms, 4560 * ms}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDebounce(150*ms, 2*time.Second)
				start := time.Now()
				stir := make(chan struct{})
				go func() {
					for _, at := range tt.stirs {
						time.Sleep(at - time.Since(start))
						stir <- struct{}{}
					}
				}()
				var got []time.Duration
				for end := time.After(time.Minute); ; {
					select {
					case <-stir:
						d.stir()
						continue
					case <-d.over():
						d.settle()
						got = append(got, time.Since(start))
						continue
					case <-end:
					}
					break
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
