package decision

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
)

func metadata(control string) policies.Response {
	return policies.Response{
		Status: http.StatusOK,
		Header: http.Header{"Cache-Control": {control}, "Content-Type": {"application/json"}},
		Body:   []byte("{}"),
	}
}

// server counts what it answers.
type server struct {
	calls    atomic.Int64
	response policies.Response
	err      error
	delay    time.Duration
}

func (s *server) load(context.Context) (policies.Response, error) {
	s.calls.Add(1)
	time.Sleep(s.delay)
	response := s.response
	response.Header = response.Header.Clone()
	return response, s.err
}

func TestAnswersAreRememberedForTheirAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, s := NewAnswers(AnswersOptions{}), &server{response: metadata("public, max-age=300")}
		q := AnswerQuery{"instance", "https://a.example", "/.well-known/x", ""}
		get := func(wantAge string, wantCalls int64) {
			t.Helper()
			got, err := a.Get(t.Context(), q, s.load)
			want := s.response
			want.Header = want.Header.Clone()
			if wantAge != "" {
				want.Header.Set("Age", wantAge)
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("error %v, answer (-want +got):\n%s", err, diff)
			}
			if n := s.calls.Load(); n != wantCalls {
				t.Errorf("%d calls, want %d", n, wantCalls)
			}
			got.Header.Set("X-Changed", "by the caller")
		}
		get("", 1)
		get("", 1)
		time.Sleep(299 * time.Second)
		get("299", 1)
		time.Sleep(time.Second)
		get("", 2)
		for _, other := range []AnswerQuery{
			{"another", q.Origin, q.Path, ""}, {q.Instance, "https://b.example", q.Path, ""}, {q.Instance, q.Origin, q.Path + "/y", ""},
		} {
			before := s.calls.Load()
			if _, err := a.Get(t.Context(), other, s.load); err != nil || s.calls.Load() != before+1 {
				t.Errorf("%v: not loaded (%v)", other, err)
			}
		}
		// Any query: what is public holds for the path.
		if _, err := a.Get(t.Context(), AnswerQuery{q.Instance, q.Origin, q.Path, "q=1"}, s.load); err != nil || s.calls.Load() != 5 {
			t.Errorf("with a query: %v, %d calls", err, s.calls.Load())
		}
		a.Forget("another")
		get("", 5)
		if _, err := a.Get(t.Context(), AnswerQuery{"another", q.Origin, q.Path, ""}, s.load); err != nil || s.calls.Load() != 6 {
			t.Errorf("forgotten: %v, %d calls", err, s.calls.Load())
		}
	})
}

func TestAnswersOnlyPublic(t *testing.T) {
	with := func(name, value string) policies.Response {
		r := metadata("public, max-age=60")
		r.Header[name] = []string{value}
		return r
	}
	status := func(n int) policies.Response {
		r := metadata("public, max-age=60")
		r.Status = n
		return r
	}
	split := metadata("")
	split.Header["cache-control"] = []string{"max-age=60", "public"}
	delete(split.Header, "Cache-Control")
	for name, tc := range map[string]struct {
		response policies.Response
		want     time.Duration
	}{
		"public":            {metadata("public, max-age=60"), time.Minute},
		"other spelling":    {metadata("Max-Age=60,PUBLIC"), time.Minute},
		"two lines":         {split, time.Minute},
		"a year":            {metadata("public, max-age=31536000"), time.Hour},
		"nothing":           {metadata(""), 0},
		"no public":         {metadata("max-age=60"), 0},
		"private":           {metadata("private, max-age=60"), 0},
		"public and more":   {metadata("public, max-age=60, no-cache"), 0},
		"public for others": {metadata("public, s-maxage=60"), 0},
		"no age":            {metadata("public"), 0},
		"age 0":             {metadata("public, max-age=0"), 0},
		"age below 0":       {metadata("public, max-age=-1"), 0},
		"age no number":     {metadata("public, max-age=\"60\""), 0},
		"age twice":         {metadata("public, max-age=60, max-age=1"), 0},
		"no-store":          {metadata("no-store"), 0},
		"404":               {status(404), 0},
		"302":               {status(302), 0},
		"cookie":            {with("Set-Cookie", "a=b"), 0},
		"cookie lower case": {with("set-cookie", "a=b"), 0},
		"vary":              {with("Vary", "Cookie"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, s := NewAnswers(AnswersOptions{}), &server{response: tc.response}
				get := func(wantCalls int64) {
					t.Helper()
					if _, err := a.Get(t.Context(), AnswerQuery{}, s.load); err != nil || s.calls.Load() != wantCalls {
						t.Errorf("%d calls, want %d (%v)", s.calls.Load(), wantCalls, err)
					}
				}
				get(1)
				if tc.want == 0 {
					get(2)
					return
				}
				time.Sleep(tc.want - 1)
				get(1)
				time.Sleep(time.Nanosecond)
				get(2)
			})
		})
	}
}

func TestAnswersAtOnce(t *testing.T) {
	for _, tc := range []struct {
		name   string
		server *server
		calls  int64
		took   time.Duration
	}{
		{"public is one call", &server{response: metadata("public, max-age=60")}, 1, time.Second},
		{"others each have their own", &server{response: metadata("no-store")}, 32, 2 * time.Second},
		{"a failure is nobody else's", &server{err: errors.New("down")}, 32, 2 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, start := NewAnswers(AnswersOptions{}), time.Now()
				tc.server.delay = time.Second
				var wg sync.WaitGroup
				for range 32 {
					wg.Go(func() {
						r, err := a.Get(t.Context(), AnswerQuery{}, tc.server.load)
						if !errors.Is(err, tc.server.err) || (err == nil && r.Status != http.StatusOK) {
							t.Errorf("%d, %v", r.Status, err)
						}
						if err == nil {
							r.Header.Set("X-Changed", "by one of them")
						}
					})
				}
				wg.Wait()
				if n := tc.server.calls.Load(); n != tc.calls {
					t.Errorf("%d calls, want %d", n, tc.calls)
				}
				if took := time.Since(start); took != tc.took {
					t.Errorf("took %v, want %v", took, tc.took)
				}
			})
		})
	}
}

func TestAnswersOfOneWhoLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAnswers(AnswersOptions{})
		ctx, cancel := context.WithCancel(t.Context())
		untilGone := func(ctx context.Context) (policies.Response, error) {
			<-ctx.Done()
			return policies.Response{}, ctx.Err()
		}
		s := &server{response: metadata("public, max-age=60")}
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := a.Get(ctx, AnswerQuery{}, untilGone); !errors.Is(err, context.Canceled) {
				t.Errorf("first: %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if _, err := a.Get(t.Context(), AnswerQuery{}, s.load); err != nil {
				t.Errorf("second: %v", err)
			}
		})
		gone, leave := context.WithCancel(t.Context())
		wg.Go(func() {
			if _, err := a.Get(gone, AnswerQuery{}, s.load); !errors.Is(err, context.Canceled) {
				t.Errorf("third: %v", err)
			}
		})
		synctest.Wait()
		leave()
		synctest.Wait()
		cancel()
		wg.Wait()
	})
}

func TestAnswersSurviveAPanic(t *testing.T) {
	a := NewAnswers(AnswersOptions{})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed: the server must see it")
			}
		}()
		_, _ = a.Get(t.Context(), AnswerQuery{}, func(context.Context) (policies.Response, error) { panic(http.ErrAbortHandler) })
	}()
	s := &server{response: metadata("public, max-age=60")}
	if _, err := a.Get(t.Context(), AnswerQuery{}, s.load); err != nil || s.calls.Load() != 1 {
		t.Errorf("after a panic: %v, %d calls", err, s.calls.Load())
	}
}

func TestAnswersForgottenWhileLoading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAnswers(AnswersOptions{})
		s := &server{response: metadata("public, max-age=60"), delay: time.Second}
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = a.Get(t.Context(), AnswerQuery{Instance: "old"}, s.load) })
		synctest.Wait()
		a.Forget("old")
		wg.Wait()
		if n := len(a.known.entries) + len(a.flights); n != 0 {
			t.Errorf("%d answers of a forgotten instance", n)
		}
	})
}

func TestAnswersAreBounded(t *testing.T) {
	const most = 100_000
	a, s := NewAnswers(AnswersOptions{MaxBytes: most}), &server{response: metadata("public, max-age=60")}
	s.response.Body = make([]byte, 1000)
	for i := range 1000 {
		if _, err := a.Get(t.Context(), AnswerQuery{Path: fmt.Sprint(i)}, s.load); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(a.known.entries); a.known.bytes > most || n < 20 {
		t.Errorf("%d answers, %d bytes", n, a.known.bytes)
	}
}
