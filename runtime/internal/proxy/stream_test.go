package proxy

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"durward/runtime/internal/ending"
	"durward/runtime/internal/passage"
)

// What a stream lets pass once it has been ended, whatever the upstream still sends: here it is not told in time.
func TestPassAfterTheEnd(t *testing.T) {
	big := strings.Repeat("x", eventBytes)
	for _, tt := range []struct {
		name           string
		encoded        bool
		before         string
		after          []string
		want           string
		cancels        bool // the upstream at once
		ended, between bool
	}{
		{name: "between two events", before: "data: one\n\n", after: []string{"data: two\n\n"},
			cancels: true, ended: true, between: true},
		{name: "before the first", after: []string{"data: one\n\n"}, cancels: true, ended: true, between: true},
		{name: "within an event", before: "data: o", after: []string{"ne\n", "\ndata: two\n\n"}, want: "ne\n\n",
			ended: true, between: true},
		{name: "its end comes alone, and more behind it", before: "data: o", after: []string{"ne\n\n", "data: two\n\n"},
			want: "ne\n\n", ended: true, between: true},
		{name: "its end comes alone", before: "data: o", after: []string{"ne\n\n"}, want: "ne\n\n", between: true},
		{name: "its end comes alone, and the stream's behind it", before: "data: o", after: []string{"ne\n\n", ""},
			want: "ne\n\n", between: true},
		{name: "with CRLF", before: "data: o", after: []string{"ne\r\n\r\n", ""}, want: "ne\r\n\r\n", between: true},
		{name: "with CRLF in two pieces", before: "data: o", after: []string{"ne\r\n\r", "\n", ""}, want: "ne\r\n\r\n",
			between: true},
		{name: "its end does not come", before: "data: o", after: []string{"ne\n", "id: 1\n"}, want: "ne\nid: 1\n"},
		{name: "more than there is room for", before: "data: ", after: []string{big[:eventBytes-10], "0123456789\n\n"},
			want: big[:eventBytes-10] + "0123456789", ended: true},
		{name: "encoded", encoded: true, before: "\x1f\x8b\n\n", after: []string{"\n\n"}, cancels: true, ended: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := http.Header{}
			if tt.encoded {
				header.Set("Content-Encoding", "gzip")
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			s := newStream(header, cancel)
			if part, last := s.pass([]byte(tt.before)); string(part) != tt.before || last {
				t.Fatalf("before its end it passes %q, %v", part, last)
			}
			s.end(ending.Drained)
			if cancels := endedBy(ctx) == ending.Drained; cancels != tt.cancels {
				t.Errorf("the upstream is left at once: %v, want %v", cancels, tt.cancels)
			}
			var got strings.Builder
			ended := false
			for _, next := range tt.after {
				if ended {
					t.Fatal("it has ended, and there was to be more")
				}
				var part []byte
				part, ended = s.pass([]byte(next))
				got.Write(part)
			}
			if got.String() != tt.want || ended != tt.ended {
				t.Errorf("passes %d bytes %.40q, at its end: %v; want %d bytes %.40q, %v",
					got.Len(), got.String(), ended, len(tt.want), tt.want, tt.ended)
			}
			if why, between := s.close(); why != ending.Drained || between != tt.between {
				t.Errorf("ended by %q, between two events: %v, want %v", why, between, tt.between)
			}
		})
	}
}

// An event that has begun has a second for its end; then the upstream is left.
func TestGraceOfAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, closed := range []bool{false, true} {
			ctx, cancel := context.WithCancelCause(t.Context())
			s := newStream(http.Header{}, cancel)
			s.pass([]byte("data: o"))
			s.end(ending.Revoked)
			time.Sleep(eventGrace - 1)
			synctest.Wait()
			if endedBy(ctx) != "" {
				t.Error("the upstream is left before the time is over")
			}
			if closed { // the answer has ended meanwhile
				s.close()
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if left := endedBy(ctx) == ending.Revoked; left == closed {
				t.Errorf("the upstream was left: %v; the answer had ended: %v", left, closed)
			}
		}
	})
}

// G4: the end of a credential is a time of day, whatever becomes of the clock meanwhile.
func TestG4_ExpiryByTheClock(t *testing.T) {
	const life, at = time.Hour, 10*clockTrust + time.Second // when the clock is set
	for _, tt := range []struct {
		name  string
		set   time.Duration // by which the clock is set
		after time.Duration // how long the stream lives then
	}{
		{"it is left alone", 0, life - at},
		{"it is put forward", 30 * time.Minute, life - at - 30*time.Minute},
		{"it is put forward beyond the end", 2 * time.Hour, clockTrust - time.Second},
		{"it is put back", -30 * time.Minute, life - at + 30*time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var set atomic.Int64
				h := New(Options{Now: func() time.Time { return time.Now().Add(time.Duration(set.Load())) }}).(*handler)
				x := &exchange{method: http.MethodGet, way: &passage.Passage{Expires: time.Now().Add(life)}}
				x.ctx, x.cancel = context.WithCancelCause(t.Context())
				x.way.OnEnd(x.cancel)
				stop := h.expire(x)
				defer stop()
				time.Sleep(at)
				set.Store(int64(tt.set))
				time.Sleep(tt.after - 1)
				synctest.Wait()
				if why := endedBy(x.ctx); why != "" {
					t.Error("it ends before its time")
				}
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if why := endedBy(x.ctx); why != ending.Expired {
					t.Error("it does not end")
				}
			})
		})
	}
}

func TestG4_ExpiredWhenItBegins(t *testing.T) {
	x := &exchange{method: http.MethodGet, way: &passage.Passage{Expires: time.Now()}}
	x.ctx, x.cancel = context.WithCancelCause(t.Context())
	x.way.OnEnd(x.cancel)
	stop := New(Options{}).(*handler).expire(x)
	defer stop()
	if endedBy(x.ctx) != ending.Expired {
		t.Error("something could be sent before it ends")
	}
}
