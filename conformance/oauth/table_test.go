package oauth

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// row is one line of the table.
type row struct {
	// id is the requirement's.
	id string
	// holds says what is held or, if the requirement does not apply here, why.
	holds string
	in    setting
	// play plays it; nil if the requirement does not apply. w is the setting's gateway, which other rows use at the same
	// time.
	play func(t *testing.T, w *world)
	// breaks is an edit of the product's source that takes away what the row holds, and nothing that an ordinary sign-in
	// needs. Rows that cannot but notice have none.
	breaks []edit
}

// control is no row: it is what every edit must leave as it is.
const control = "control"

func TestOAuth(table *testing.T) {
	var moving sync.Mutex
	worlds := map[setting]*world{}
	for i, r := range append(rows(), row{id: control, holds: "an ordinary sign-in succeeds", play: ordinary}) {
		if r.play == nil {
			continue
		}
		table.Run(r.id, func(t *testing.T) {
			// Its gateway belongs to the table: it starts before any row runs beside another, and ends with the last.
			if worlds[r.in] == nil {
				worlds[r.in] = startIn(table, r.in)
			}
			w := worlds[r.in].seenFrom(i)
			t.Parallel()
			if r.in == moved {
				moving.Lock()
				defer moving.Unlock()
			}
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("%s is not held: %s", r.id, r.holds)
				}
			})
			r.play(t, w)
		})
	}
}

// ordinary is a client that a person lets in, calls a tool and goes on doing so with fresh tokens.
func ordinary(t *testing.T, w *world) {
	a := w.app(t)
	got := w.browser(t).tokens(t, a)
	w.alive(t, "the first token", got.Access)
	w.alive(t, "the second token", a.refresh(t, got.Refresh).tokens(t).Access)
}

// demanded are the ids that the table is about, and elsewhere those that do not apply to what Durward is.
const (
	demanded = "A1-A37 A41 A47-A63 B1-B15 Q2-Q14 Q16 Q18-Q34 Q36-Q50 Q52-Q54 S1-S14 S33-S60 S62-S65 S71 S72 S83-S85"
	absent   = "A55 A64-A66 Q1 Q15 Q17 Q35 Q51 S61"
)

// ids reads a list of ids and of ranges of ids.
func ids(t *testing.T, list string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for one := range strings.FieldsSeq(list) {
		first, last, isRange := strings.Cut(one, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.Atoi(first[1:])
		if err != nil {
			t.Fatal(err)
		}
		to, err := strconv.Atoi(last[1:])
		if err != nil || last[0] != first[0] {
			t.Fatalf("%s: %v", one, err)
		}
		for n := from; n <= to; n++ {
			all[fmt.Sprintf("%c%d", first[0], n)] = true
		}
	}
	return all
}
