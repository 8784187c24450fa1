package signin

import (
	"slices"
	"strings"
	"testing"
)

// row is one line of the table.
type row struct {
	// id is the requirement's. Where several rows share one, what of it the row is about follows a colon.
	id string
	// holds says what is held.
	holds string
	in    setting
	// play plays it. w is the setting's gateway, which other rows use at the same time; nil if the row is alone.
	play func(t *testing.T, w *world)
	// breaks is an edit of the product's source that takes away what the row holds, and nothing that an ordinary sign-in
	// needs.
	breaks []edit
}

// edit replaces a text that occurs exactly once in a file of the product's.
type edit struct{ file, old, new string }

func rows() []row {
	return slices.Concat(pageRows(), requestRows(), consentRows(), formRows(), callbackRows(), sessionRows(), grantRows(),
		providerRows(), accessRows(), proxyRows(), severalRows())
}

// control is no row: it is what every edit must leave as it is.
const control = "control"

func TestSignIn(table *testing.T) {
	worlds := map[setting]*world{}
	for _, r := range append(rows(), row{id: control, holds: "an ordinary sign-in succeeds", play: ordinary}) {
		table.Run(r.id, func(t *testing.T) {
			// Its gateway belongs to the table: it starts before any row runs beside another, and ends with the last.
			w := worlds[r.in]
			if w == nil && r.in != alone {
				w = startIn(table, r.in)
				worlds[r.in] = w
			}
			t.Parallel()
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
	a := w.register(t, "Ordinary")
	got := w.browser(t).tokensOf(t, a, ada())
	w.wantCall(t, "the first token", got.Access, 200)
	w.wantCall(t, "the second token", a.refresh(t, got.Refresh).Access, 200)
}

// TestTableIsWhole wants a row for each requirement that the table is about, each row a sentence and an edit, and no
// name twice.
func TestTableIsWhole(t *testing.T) {
	named := map[string]bool{}
	for _, r := range rows() {
		if named[r.id] {
			t.Errorf("two rows are named %s", r.id)
		}
		named[r.id] = true
		id, _, _ := strings.Cut(r.id, ":")
		named[id] = true
		if r.holds == "" || r.play == nil || len(r.breaks) == 0 {
			t.Errorf("%s: a row needs a sentence, a play and an edit", r.id)
		}
	}
	for _, id := range []string{
		"A38", "A39", "A40", "A42", "A43", "A44", "A45", "A46", "B12", "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C9",
		"S15", "S16", "S17", "S18", "S19", "S20", "S21", "S22", "S23", "S24", "S25", "S26", "S27", "S28", "S29", "S30", "S31", "S32",
	} {
		if !named[id] {
			t.Errorf("no row for %s", id)
		}
	}
}

// startIn starts the gateway of a setting that rows share.
func startIn(t *testing.T, in setting) *world {
	t.Helper()
	access := ""
	if in == guarded {
		access = guardedBy
	}
	return start(t, in, access)
}
