package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// listingRows is how many rows of a listing decide how wide its columns are.
const listingRows = 200

// listing prints rows in columns as they come, however many there are: the first rows decide how wide the columns are. A
// cell that is wider stands as it is, since it may be an id that somebody is about to copy. The last column is as wide as
// it likes to be.
type listing struct {
	out    io.Writer
	widths []int
	rows   [][]string // those that decide; nil once they have
	begun  bool
}

func newListing(out io.Writer, heads ...string) *listing {
	return &listing{out: out, rows: [][]string{heads}}
}

// row adds a row.
func (l *listing) row(cells ...string) error {
	for i, cell := range cells {
		if cells[i] = printable(cell); cell == "" {
			cells[i] = "-"
		}
	}
	if l.begun {
		return l.print(cells)
	}
	if l.rows = append(l.rows, cells); len(l.rows) <= listingRows {
		return nil
	}
	return l.begin()
}

// end prints what has been kept back, or none if there was not a row.
func (l *listing) end(none string) error {
	switch {
	case l.begun:
		return nil
	case len(l.rows) == 1:
		_, err := fmt.Fprintln(l.out, none)
		return err
	}
	return l.begin()
}

func (l *listing) begin() error {
	l.begun = true
	l.widths = make([]int, len(l.rows[0]))
	for _, row := range l.rows {
		for i, cell := range row {
			l.widths[i] = max(l.widths[i], columnsOf(cell))
		}
	}
	rows := l.rows
	l.rows = nil
	for _, row := range rows {
		if err := l.print(row); err != nil {
			return err
		}
	}
	return nil
}

func (l *listing) print(cells []string) error {
	var line strings.Builder
	for i, cell := range cells {
		line.WriteString(cell)
		if i < len(cells)-1 {
			line.WriteString(strings.Repeat(" ", max(l.widths[i]-columnsOf(cell), 0)+2))
		}
	}
	_, err := fmt.Fprintln(l.out, line.String())
	return err
}

// columnsOf is how many columns of a terminal a text takes.
func columnsOf(text string) (n int) {
	for _, r := range text {
		n += widthOf(r)
	}
	return n
}

// day is a time as a listing shows it, in UTC.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// printRaw prints what a gateway has answered on a line, as it wrote it.
func printRaw(out io.Writer, raw json.RawMessage) error {
	_, err := fmt.Fprintln(out, string(raw))
	return err
}

// printLine prints a value as JSON on one line.
func printLine(out io.Writer, value any) error {
	if err := json.NewEncoder(out).Encode(value); err != nil {
		return fmt.Errorf("print json: %w", err)
	}
	return nil
}
