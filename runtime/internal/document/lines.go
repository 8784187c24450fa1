package document

import (
	"bytes"
	"unicode/utf8"
)

// Lines finds lines and columns. It counts ahead for each block of the file and not for each line, since a file may well
// be all line ends.
type Lines struct {
	data   []byte
	blocks []block
}

// block is what precedes a block of the file.
type block struct {
	lines, runes uint32
	lineAt       uint32 // where the line began that goes on in the block
	lineRunes    uint32 // how many runes precede that
}

const blockSize = 4 << 10

// NewLines counts the lines of data, which nobody may change from then on.
func NewLines(data []byte) *Lines {
	l := &Lines{data: data, blocks: make([]block, 0, len(data)/blockSize+1)}
	var now block
	for at := 0; ; at += blockSize {
		l.blocks = append(l.blocks, now)
		if at+blockSize > len(data) {
			return l
		}
		now = now.after(data, at, at+blockSize)
	}
}

// after answers the counts at an offset, given those at an earlier one.
func (b block) after(data []byte, from, to int) block {
	part := data[from:to]
	if last := bytes.LastIndexByte(part, '\n'); last >= 0 {
		b.lineAt = uint32(from + last + 1)
		b.lineRunes = b.runes + runesBegun(part[:last+1])
		b.lines += uint32(bytes.Count(part, []byte("\n")))
	}
	b.runes += runesBegun(part)
	return b
}

// runesBegun counts the code points that begin in part, which may be cut within one. A byte that is no UTF-8 may count
// for none.
func runesBegun(part []byte) (n uint32) {
	for _, b := range part {
		if utf8.RuneStart(b) {
			n++
		}
	}
	return n
}

func (l *Lines) counts(offset int) block {
	offset = max(0, min(offset, len(l.data)))
	from := offset / blockSize
	return l.blocks[from].after(l.data, from*blockSize, offset)
}

// Place answers the line and the column, in code points, of an offset. Both count from 1.
func (l *Lines) Place(offset int) (line, column int) {
	c := l.counts(offset)
	return int(c.lines) + 1, int(c.runes-c.lineRunes) + 1
}

// Start is the offset at which the line of an offset begins.
func (l *Lines) Start(offset int) int { return int(l.counts(offset).lineAt) }
