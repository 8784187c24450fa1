package proxy

// position is where in an event stream its last byte stands (HTML standard, section 9.2.6): lines end with CR, LF or
// both, and an event with an empty line. The zero value is within a line.
type position struct {
	between bool // nothing of an event has been sent since the last one
	empty   bool // nothing of a line has been sent since the last one
	cr      bool // the last byte was CR: LF after it ends no other line
}

// beginning is the position in a stream of which nothing was sent.
func beginning() position { return position{between: true, empty: true} }

// pass notes the bytes that follow. What the last of them mean is known from three.
func (p *position) pass(b []byte) {
	if len(b) > 3 {
		*p, b = position{}, b[len(b)-3:]
	}
	for _, c := range b {
		p.step(c)
	}
}

func (p *position) step(c byte) {
	switch {
	case c == '\n' && p.cr:
		p.cr = false
	case c == '\n', c == '\r':
		p.between, p.empty, p.cr = p.empty, true, c == '\r'
	default:
		*p = position{}
	}
}

// rest answers how many of the bytes that follow belong to the event begun: all, if they do not end it. If none is begun,
// that is the other half of a CRLF at the most.
func (p *position) rest(b []byte) (n int) {
	for ; n < len(b) && (!p.between || p.cr && b[n] == '\n'); n++ {
		p.step(b[n])
	}
	return n
}
