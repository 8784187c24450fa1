package gateway

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"sync"
)

// Log holds what a process printed, line by line, and lets a test wait for a line.
type Log struct {
	mu    sync.Mutex
	raw   bytes.Buffer
	lines []Line
	more  chan struct{} // closed and replaced at each line
	ended bool
}

// Line is one line of the log. Fields is nil if it is no JSON object.
type Line struct {
	Text   string
	Fields map[string]any
}

// Msg is the line's msg field.
func (l Line) Msg() string {
	s, _ := l.Fields["msg"].(string)
	return s
}

// Field is a text field of the line, or empty.
func (l Line) Field(name string) string {
	s, _ := l.Fields[name].(string)
	return s
}

func newLog() *Log { return &Log{more: make(chan struct{})} }

// restart says that another process prints here now.
func (l *Log) restart() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		l.ended = false
		l.more = make(chan struct{})
	}
}

func (l *Log) read(from io.Reader) {
	scanner := bufio.NewScanner(from)
	scanner.Buffer(make([]byte, 64<<10), 4<<20)
	for scanner.Scan() {
		l.add(scanner.Text())
	}
	l.mu.Lock()
	l.ended = true
	close(l.more)
	l.mu.Unlock()
}

func (l *Log) add(text string) {
	line := Line{Text: text}
	if json.Unmarshal([]byte(text), &line.Fields) != nil {
		line.Fields = nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.raw.WriteString(text + "\n")
	l.lines = append(l.lines, line)
	close(l.more)
	l.more = make(chan struct{})
}

// Lines answers the lines so far for which match is true.
func (l *Log) Lines(match func(Line) bool) []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []Line
	for _, line := range l.lines {
		if match(line) {
			found = append(found, line)
		}
	}
	return found
}

// Text answers everything so far.
func (l *Log) Text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.raw.String()
}

// next answers the first line from index on for which match is true, waiting for it until stop is closed or the
// process has closed its output.
func (l *Log) next(index int, match func(Line) bool, stop <-chan struct{}) (Line, bool) {
	for {
		l.mu.Lock()
		for ; index < len(l.lines); index++ {
			if match(l.lines[index]) {
				line := l.lines[index]
				l.mu.Unlock()
				return line, true
			}
		}
		more, ended := l.more, l.ended
		l.mu.Unlock()
		if ended {
			return Line{}, false
		}
		select {
		case <-more:
		case <-stop:
			return Line{}, false
		}
	}
}
