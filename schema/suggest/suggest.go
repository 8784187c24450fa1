// Package suggest finds the name that somebody probably meant who wrote one that is not known.
//
// It owns the measure of how near two names are. It promises the same answer whatever the order of the known names, to
// answer nothing rather than something far-fetched, and a cost that long names cannot drive up. It is not for the words
// around a suggestion, nor for deciding what a name may be: what it answers is only ever shown to a person.
package suggest

import "unicode"

// maxLength is the length in runes, folded, beyond which a name is compared with nothing: it is no slip of a finger.
const maxLength = 128

// Nearest answers which of the known names is nearest to name, and whether any is near enough to be suggested. Names that
// differ only in case, or in - and _ between their words, are always near; else a slip or two must make the difference:
// a letter left out, added, replaced, or swapped with its neighbour (the distance of Damerau and Levenshtein, in its form
// of optimal string alignment), up to one in names of three letters, two from six, three from nine. Of several that are
// equally near the first in byte order is answered. The name itself is no suggestion.
func Nearest(name string, known []string) (string, bool) {
	var table table
	written, ok := fold(table.written[:0], name)
	if !ok {
		return "", false
	}
	limit := slips(len(written))
	best, found := "", false
	for _, k := range known {
		candidate, ok := fold(table.candidate[:0], k)
		if k == name || !ok || len(candidate) == 0 {
			continue
		}
		d, near := table.distance(written, candidate, min(limit, slips(len(candidate))))
		// limit is the least distance so far: what is near within it is nearer, or as near.
		if near && (!found || d < limit || k < best) {
			best, found, limit = k, true, d
		}
	}
	return best, found
}

// table is what comparing needs in memory: there may be thousands of known names.
type table struct {
	written, candidate [maxLength]rune
	rows               [3][maxLength + 1]int
}

// slips is how many slips a name of that many letters may differ in.
func slips(length int) int {
	switch {
	case length < 3:
		return 0
	case length < 6:
		return 1
	case length < 9:
		return 2
	}
	return 3
}

// fold appends a name's letters to into, without what people mistake without knowing: case, and how words are joined. Not ok
// is one that is too long.
func fold(into []rune, name string) (letters []rune, ok bool) {
	for _, r := range name {
		if r == '-' || r == '_' || r == ' ' {
			continue
		}
		if len(into) == maxLength {
			return nil, false
		}
		into = append(into, unicode.ToLower(r))
	}
	return into, true
}

// distance answers how many slips lie between two names, if they are at most limit. Only the cells within limit of the
// diagonal are looked at, so that the cost is of the order of limit times the length.
func (t *table) distance(a, b []rune, limit int) (int, bool) {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return 0, false
	}
	far := limit + 1
	// before, above and row are three rows of the table: distances of the first i letters of a from the first j of b.
	before, above, row := t.rows[0][:len(b)+1], t.rows[1][:len(b)+1], t.rows[2][:len(b)+1]
	for j := range above {
		above[j] = min(j, far)
	}
	for i := 1; i <= len(a); i++ {
		from, to := max(1, i-limit), min(len(b), i+limit)
		row[from-1] = far
		if from == 1 {
			row[0] = min(i, far)
		}
		least := row[from-1]
		for j := from; j <= to; j++ {
			replaced := above[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			added, left := row[j-1]+1, far
			if j < i+limit { // else the cell above lies outside of what was looked at
				left = above[j] + 1
			}
			row[j] = min(replaced, added, left, far)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least == far {
			return 0, false
		}
		before, above, row = above, row, before
	}
	return above[len(b)], above[len(b)] <= limit
}
