package runtime

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"durward/policies"
	"durward/runtime/internal/telemetry"
)

// slowStore answers err, or, without one, only when nobody waits any more.
type slowStore struct {
	policies.Store
	err error
}

func (s slowStore) Get(ctx context.Context, _ string) (policies.Record, error) {
	if s.err != nil {
		return policies.Record{}, s.err
	}
	<-ctx.Done()
	return policies.Record{}, ctx.Err()
}

// A disk that fails is counted, and one that hangs until the time is over, too; a caller who goes is neither.
func TestStoreFaultsAreCounted(t *testing.T) {
	for _, tt := range []struct {
		name    string
		err     error
		leaves  bool // the caller does, before its time is over
		counted string
	}{
		{"failed", errors.New("disk is full"), false, "1"},
		{"hung", nil, false, "1"},
		{"caller gone", nil, true, "0"},
		{"no record", policies.ErrNotFound, false, "0"},
		{"changed meanwhile", policies.ErrConflict, false, "0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := telemetry.NewMetrics()
				s := countedStore{slowStore{err: tt.err}, m.Policy("p")}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if tt.leaves {
					time.AfterFunc(time.Second, cancel)
				}
				if _, err := s.Get(ctx, "a/b"); err == nil {
					t.Error("no error")
				}
				out := httptest.NewRecorder()
				m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(out, httptest.NewRequest(http.MethodGet, "/metrics", nil))
				text, err := io.ReadAll(out.Body)
				if want := `durward_store_faults_total{policy="p"} ` + tt.counted + "\n"; err != nil || !strings.Contains(string(text), want) {
					t.Errorf("the metrics do not hold %q", want)
				}
			})
		})
	}
}
