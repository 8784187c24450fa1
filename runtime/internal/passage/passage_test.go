package passage_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"durward/runtime/internal/passage"
)

// The later policy in the list wins, whenever it speaks; an offer is taken where nobody sends the header.
func TestWhoWins(t *testing.T) {
	one, two := []string{"one"}, []string{"two"}
	type steps = func(*passage.Passage)
	tests := map[string]struct {
		do   steps
		want []passage.Change
	}{
		"nothing": {func(*passage.Passage) {}, nil},
		"set, in any spelling": {func(p *passage.Passage) { p.Set(0, "x-a", one); p.Set(1, "X_A", two) },
			[]passage.Change{{Name: "X_a", Values: two}}},
		"the later speaks first": {func(p *passage.Passage) { p.Set(1, "X-A", two); p.Set(0, "X-A", one) },
			[]passage.Change{{Name: "X-A", Values: two}}},
		"one policy speaks twice": {func(p *passage.Passage) { p.Set(1, "X-A", one); p.Set(1, "X-A", two) },
			[]passage.Change{{Name: "X-A", Values: two}}},
		"removed": {func(p *passage.Passage) { p.Set(0, "X-A", one); p.Set(1, "X-A", nil) },
			[]passage.Change{{Name: "X-A"}}},
		"removed by a later one": {func(p *passage.Passage) { p.Set(1, "X-A", nil); p.Set(0, "X-A", one); p.Offer(0, "X-A", one) },
			[]passage.Change{{Name: "X-A"}}},
		"offered": {func(p *passage.Passage) { p.Offer(0, "X-A", one) },
			[]passage.Change{{Name: "X-A", Values: one, Yields: true}}},
		"offered twice": {func(p *passage.Passage) { p.Offer(0, "X-A", one); p.Offer(1, "X-A", two) },
			[]passage.Change{{Name: "X-A", Values: one, Yields: true}}},
		"offered, then set": {func(p *passage.Passage) { p.Offer(0, "X-A", one); p.Set(1, "X-A", two) },
			[]passage.Change{{Name: "X-A", Values: two}}},
		"set, then offered": {func(p *passage.Passage) { p.Set(0, "X-A", one); p.Offer(1, "X-A", two) },
			[]passage.Change{{Name: "X-A", Values: one}}},
		"removed, then offered": {func(p *passage.Passage) { p.Set(0, "X-A", nil); p.Offer(1, "X-A", two) },
			[]passage.Change{{Name: "X-A", Values: two}}},
		"several": {func(p *passage.Passage) { p.Set(0, "X-A", one); p.Set(0, "X-B", two) },
			[]passage.Change{{Name: "X-A", Values: one}, {Name: "X-B", Values: two}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var p passage.Passage
			tt.do(&p)
			if diff := cmp.Diff(tt.want, p.Changes(), cmpopts.IgnoreUnexported(passage.Change{})); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOutsideOfAPassage(t *testing.T) {
	p := passage.From(context.Background())
	if p != nil || p.Changes() != nil {
		t.Errorf("got %v", p)
	}
	if p := new(passage.Passage); passage.From(passage.With(t.Context(), p)) != p {
		t.Error("the context answers another passage")
	}
}

func TestFold(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"X-User-Id", "X-User-Id"}, {"x-user-id", "X-User-Id"}, {"X_User_ID", "X-User-Id"}, {"X.User!Id", "X-User-Id"},
		{"X-Größe", "X-Gr--E"}, {"", ""},
	} {
		if got := passage.Fold(tt.name); got != tt.want {
			t.Errorf("%q folds to %q, want %q", tt.name, got, tt.want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { passage.Fold("X-User-Id") }); n > 0 {
		t.Errorf("a canonical name costs %v allocations", n)
	}
}
