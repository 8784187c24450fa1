package main

import (
	"fmt"
	"strings"
	"testing"
)

// Columns are as wide as the first rows want them. What comes later has to fit, or stands as it is.
func TestListing(t *testing.T) {
	var out strings.Builder
	l := newListing(&out, "NAME", "DAY", "ID")
	rows := [][]string{{"絵", "", "1"}, {"four", "\x1b[2J", "a long one"}, {"e\u0301", "x", "2"}}
	for n := range listingRows {
		rows = append(rows, []string{fmt.Sprint(n), "day", "id"})
	}
	rows = append(rows, []string{"much wider", "d", "id"}, []string{"1", "d", "id"})
	for _, row := range rows {
		if err := l.row(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.end("nothing"); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	want := []string{
		"NAME  DAY   ID", "絵    -     1", "four  \uFFFD[2J  a long one", "e\u0301     x     2", "0     day   id",
	}
	for i, line := range want {
		if lines[i] != line {
			t.Errorf("line %d is %q, want %q", i+1, lines[i], line)
		}
	}
	last := lines[len(lines)-3:]
	if last[0] != "much wider  d     id" || last[1] != "1     d     id" || last[2] != "" || len(lines) != len(rows)+2 {
		t.Errorf("%d lines, the last are %q", len(lines), last)
	}
}

func TestListingOfNothing(t *testing.T) {
	var out strings.Builder
	if err := newListing(&out, "NAME").end("Nobody"); err != nil || out.String() != "Nobody\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}
