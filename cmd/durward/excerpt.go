package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"durward/runtime"
)

// tabStop is how far apart tabs are drawn: they are drawn as spaces, since the gutter would move them otherwise.
const tabStop = 4

// more stands at either end of a line of which there is more.
const more = "..."

// printer prints problems: each on one line, for scripts; on a terminal with the line of the file below it. There is no
// colour, so that nothing depends on one.
type printer struct {
	out      io.Writer
	screen   terminal
	terminal bool
}

func newPrinter(out io.Writer) printer {
	screen, on := terminalOf(out)
	return printer{out: out, screen: screen, terminal: on}
}

// problems prints problems of a kind: "" or a word that goes before the text, such as "note: ".
func (p printer) problems(kind string, problems []runtime.Problem) {
	for _, problem := range problems {
		problem.Text = kind + problem.Text
		fmt.Fprintln(p.out, problem)
		p.excerpt(problem.Line, problem.Excerpt)
	}
}

// total says how much there was to read, on a terminal: there the first line may have left it.
func (p printer) total(text string) {
	if p.terminal {
		fmt.Fprintln(p.out, text)
	}
}

func (p printer) excerpt(line int, e runtime.Excerpt) {
	if !p.terminal || strings.TrimSpace(e.Line) == "" {
		return
	}
	for _, text := range drawn(e, line, p.screen.columns) {
		fmt.Fprintln(p.out, text)
	}
	fmt.Fprintln(p.out)
}

// cell is a character as it is drawn, and how many columns it takes.
type cell struct {
	text  string
	width int
}

// drawn is an excerpt as two lines of at most so many columns: the line of the file after its number, and a caret below
// where it begins, with waves for the rest of its width. 0 columns are any number.
func drawn(e runtime.Excerpt, line, columns int) []string {
	number := "  " + strconv.Itoa(line)
	cells := cellsOf(e.Line)
	begin := min(max(e.Column-1, 0), len(cells))
	end := min(begin+max(e.Width, 1), len(cells))
	for end < len(cells) && cells[end].width == 0 {
		end++ // a mark belongs to the character before it
	}
	from, marked := width(cells[:begin]), max(width(cells[begin:end]), 1)
	text, from, marked := clipped(cells, from, marked, columns-len(number)-len(" | "))
	return []string{
		number + " | " + text,
		strings.Repeat(" ", len(number)) + " | " + strings.Repeat(" ", from) + "^" + strings.Repeat("~", marked-1),
	}
}

// cellsOf are the characters of a line, as many as it has.
func cellsOf(line string) (cells []cell) {
	at := 0
	for _, r := range line {
		c := cell{string(r), 1}
		switch {
		case r == '\t':
			c.width = tabStop - at%tabStop
			c.text = strings.Repeat(" ", c.width)
		case unicode.IsPrint(r):
			c.width = widthOf(r)
		default:
			c.text = string(unicode.ReplacementChar)
		}
		at += c.width
		cells = append(cells, c)
	}
	return cells
}

func width(cells []cell) (n int) {
	for _, c := range cells {
		n += c.width
	}
	return n
}

// clipped is the part of a line that has room and shows where the marked columns begin, and where they are then.
func clipped(cells []cell, from, marked, room int) (text string, at, left int) {
	if room < 4*len(more) || width(cells) <= room { // a terminal so narrow folds the line itself
		return joined(cells), from, marked
	}
	before := ""
	if keep := room / 4; from+marked > room-len(more) && from > keep { // the line is moved to the left
		before = more
		for ; from > keep; cells = cells[1:] {
			from -= cells[0].width
		}
		for len(cells) > 0 && cells[0].width == 0 { // its character is gone
			cells = cells[1:]
		}
		from += len(more)
	}
	after := ""
	if len(before)+width(cells) > room {
		after = more
		for len(before)+width(cells)+len(more) > room {
			cells = cells[:len(cells)-1]
		}
	}
	visible := len(before) + width(cells) + len(after)
	return before + joined(cells) + after, from, max(min(marked, visible-from), 1)
}

func joined(cells []cell) string {
	var text strings.Builder
	for _, c := range cells {
		text.WriteString(c.text)
	}
	return text.String()
}
