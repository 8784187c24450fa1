package mcp

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// scanner walks over JSON (RFC 8259). Each method begins at the first byte of what it reads and ends behind its last.
type scanner struct {
	data []byte
	at   int
}

// peek answers the next byte, 0 at the end. No JSON token begins with 0.
func (s *scanner) peek() byte {
	if s.at < len(s.data) {
		return s.data[s.at]
	}
	return 0
}

func (s *scanner) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) expect(c byte) error {
	if s.peek() != c {
		return s.unexpected()
	}
	s.at++
	return nil
}

func (s *scanner) unexpected() error {
	if s.at >= len(s.data) {
		return syntax("the message ends too early")
	}
	return syntax("the body is not valid JSON")
}

// object walks over an object whose keys have meaning: no key may come twice. member is called at each value, which it
// must read. depth counts this object.
func (s *scanner) object(depth int, member func(key []byte) error) error {
	seen := make([][]byte, 0, 16)
	return s.members(depth, func(raw []byte) error {
		key, err := decode(raw)
		if err != nil {
			return err
		}
		for _, other := range seen {
			if bytes.Equal(key, other) {
				return invalid("a key comes twice")
			}
		}
		if len(seen) == MaxMembers {
			return invalid("an object has too many members")
		}
		seen = append(seen, key)
		return member(key)
	})
}

// members walks over an object; member is called at each value with the key as it was written, without quotes.
func (s *scanner) members(depth int, member func(key []byte) error) error {
	return s.list(depth, '}', func() error {
		key, err := s.str()
		if err != nil {
			return err
		}
		s.space()
		if err := s.expect(':'); err != nil {
			return err
		}
		s.space()
		return member(key)
	})
}

// list walks over what stands between brackets, separated by commas.
func (s *scanner) list(depth int, end byte, item func() error) error {
	if depth > MaxDepth {
		return invalid("the message is nested too deeply")
	}
	s.at++
	s.space()
	if s.peek() == end {
		s.at++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		s.space()
		if s.peek() == end {
			s.at++
			return nil
		}
		if err := s.expect(','); err != nil {
			return err
		}
		s.space()
	}
}

// value walks over any value. depth counts it, should it be an object or an array.
func (s *scanner) value(depth int) error {
	switch s.peek() {
	case '"':
		_, err := s.str()
		return err
	case '{':
		return s.members(depth, func([]byte) error { return s.value(depth + 1) })
	case '[':
		return s.list(depth, ']', func() error { return s.value(depth + 1) })
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		_, err := s.number()
		return err
	}
}

func (s *scanner) word(w string) error {
	if string(s.data[s.at:min(s.at+len(w), len(s.data))]) != w {
		return s.unexpected()
	}
	s.at += len(w)
	return nil
}

// str answers what stands between the quotes, as it was written.
func (s *scanner) str() ([]byte, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	start := s.at
	for s.at < len(s.data) {
		switch c := s.data[s.at]; {
		case c == '"':
			s.at++
			return s.data[start : s.at-1], nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return nil, err
			}
		case c < ' ':
			return nil, s.unexpected()
		default:
			s.at++
		}
	}
	return nil, s.unexpected()
}

func (s *scanner) escape() error {
	s.at++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at++
		return nil
	case 'u':
		s.at++
	default:
		return s.unexpected()
	}
	for range 4 {
		switch c := s.peek(); {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
			s.at++
		default:
			return s.unexpected()
		}
	}
	return nil
}

// number walks over a number and says whether it is written as an integer.
func (s *scanner) number() (integer bool, err error) {
	if s.peek() == '-' {
		s.at++
	}
	if s.peek() == '0' {
		s.at++
	} else if err := s.digits(); err != nil {
		return false, err
	}
	integer = true
	if s.peek() == '.' {
		integer = false
		s.at++
		if err := s.digits(); err != nil {
			return false, err
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		integer = false
		s.at++
		if c := s.peek(); c == '+' || c == '-' {
			s.at++
		}
		if err := s.digits(); err != nil {
			return false, err
		}
	}
	return integer, nil
}

// digits walks over one digit or more.
func (s *scanner) digits() error {
	start := s.at
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.at++
	}
	if s.at == start {
		return s.unexpected()
	}
	return nil
}

// text reads a string into to.
func (s *scanner) text(to *string) error {
	if s.peek() != '"' {
		return invalid("a value of the message must be a string")
	}
	raw, err := s.str()
	if err != nil {
		return err
	}
	decoded, err := decode(raw)
	*to = string(decoded)
	return err
}

// id reads a string, an integer or null, which leaves to as it is.
func (s *scanner) id(to *json.RawMessage) error {
	start := s.at
	switch s.peek() {
	case 'n':
		return s.word("null")
	case '"':
		if _, err := s.str(); err != nil {
			return err
		}
	default:
		integer, err := s.number()
		if err != nil || !integer {
			return invalid("id must be a string or an integer")
		}
	}
	*to = json.RawMessage(s.data[start:s.at])
	return nil
}

// decode answers the text that a string without its quotes stands for: the same bytes, unless it has escapes. Half a
// surrogate pair is refused: it stands for no character, and every reader makes something else of it. So is U+0000, where
// a text ends for software written in C: a key that goes on behind it is another key to us.
func decode(raw []byte) ([]byte, error) {
	if !slices.Contains(raw, '\\') {
		return raw, nil
	}
	var text string
	if err := json.Unmarshal(slices.Concat([]byte{'"'}, raw, []byte{'"'}), &text); err != nil {
		return nil, syntax("the body is not valid JSON")
	}
	if strings.ContainsAny(text, "\x00"+string(utf8.RuneError)) {
		return nil, invalid("a name in the message is not text")
	}
	return []byte(text), nil
}
