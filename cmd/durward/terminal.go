package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// terminal is the size of a terminal, in characters. 0 is one that is not known.
type terminal struct{ columns, rows int }

// terminalOf answers the terminal on which what is printed is seen, if it is on one.
func terminalOf(out io.Writer) (terminal, bool) {
	file, ok := out.(*os.File)
	if !ok {
		return terminal{}, false
	}
	size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return terminal{}, false
	}
	return terminal{columns: int(size.Col), rows: int(size.Row)}, true
}

// inPlace is a picture in place of the one before it, in one piece so that nothing flickers: from the upper left corner,
// each line cleared behind its end, and what is below the last (ECMA-48, CUP, EL and ED). The terminal must not scroll, or
// each picture would leave its upper lines above the next: so lines are folded here and not by the terminal (DECAWM), which
// knows better how wide a character is, and what is below the last row is left out.
func (t terminal) inPlace(picture string, first bool) string {
	lines := strings.Split(strings.TrimSuffix(picture, "\n"), "\n")
	if t.columns > 0 {
		lines = folded(lines, t.columns)
	}
	if room := t.rows - 1; t.rows > 0 && len(lines) > room { // the cursor rests on the last row
		kept := max(room-1, 0)
		lines = append(lines[:kept:kept], fmt.Sprintf("... and %d more lines", len(lines)-kept))
	}
	var out strings.Builder
	if first {
		out.WriteString("\x1b[2J")
	}
	out.WriteString("\x1b[?7l\x1b[H")
	for _, line := range lines {
		out.WriteString(line + "\x1b[K\n")
	}
	out.WriteString("\x1b[J\x1b[?7h")
	return out.String()
}

// folded are the lines, none of them longer than n characters.
func folded(lines []string, n int) (folded []string) {
	for _, line := range lines {
		runes := []rune(line)
		for len(runes) > n {
			folded = append(folded, string(runes[:n]))
			runes = runes[n:]
		}
		folded = append(folded, string(runes))
	}
	return folded
}
