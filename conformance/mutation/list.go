package mutation

import (
	"fmt"
	"os"
	"path"
	"strings"
	"sync"
)

// list is testdata/legal.txt: which mutants need not be reported at their own line, and why. Each line has five fields
// between bars:
//
//	accepted | KIND, KIND | EXAMPLE/FILE | POINTER | REASON
//	elsewhere | ...         reported, but at another line than its own
//
// In the example's file and in the pointer * stands for anything within a name, and at the end of a pointer /** for all
// within. Lines that begin with # are headings.
type list struct {
	mu    sync.Mutex
	lines []*entry
}

type entry struct {
	verdict, place, pointer, reason string
	kinds                           []string
	used                            map[string]bool // by kind
}

// readList reads a list.
func readList(file string) (*list, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	l := &list{}
	for i, text := range strings.Split(string(raw), "\n") {
		if text = strings.TrimSpace(text); text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		fields := strings.Split(text, "|")
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		if len(fields) != 5 || fields[4] == "" || fields[0] != "accepted" && fields[0] != "elsewhere" {
			return nil, fmt.Errorf("%s:%d: want VERDICT | KINDS | EXAMPLE/FILE | POINTER | REASON", file, i+1)
		}
		e := &entry{verdict: fields[0], place: fields[2], pointer: fields[3], reason: fields[4], used: map[string]bool{}}
		for kind := range strings.SplitSeq(fields[1], ",") {
			e.kinds = append(e.kinds, strings.TrimSpace(kind))
		}
		l.lines = append(l.lines, e)
	}
	return l, nil
}

// has says whether a mutant is listed, and notes every line that it is listed in.
func (l *list) has(verdict, kind, place, pointer string) (listed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.lines {
		if e.verdict != verdict || !matches(e.place, place) || !matches(e.pointer, pointer) {
			continue
		}
		for _, k := range e.kinds {
			if k == kind {
				e.used[k], listed = true, true
			}
		}
	}
	return listed
}

// unused answers what is listed and true of no mutant.
func (l *list) unused() (said []string) {
	for _, e := range l.lines {
		for _, k := range e.kinds {
			if !e.used[k] {
				said = append(said, fmt.Sprintf("%s | %s | %s | %s", e.verdict, k, e.place, e.pointer))
			}
		}
	}
	return said
}

// matches says whether a text is of a pattern. A pattern that ends with /** is of all that is within, too.
func matches(pattern, text string) bool {
	if around, ok := strings.CutSuffix(pattern, "/**"); ok {
		n := strings.Count(around, "/")
		parts := strings.SplitAfterN(text, "/", n+2)
		if len(parts) < n+2 {
			return false
		}
		text, pattern = strings.TrimSuffix(strings.Join(parts[:n+1], ""), "/"), around
	}
	ok, err := path.Match(pattern, text)
	return err == nil && ok
}
