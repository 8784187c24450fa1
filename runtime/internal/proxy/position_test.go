package proxy

import "testing"

// FuzzPosition compares the position with what a reader of the whole stream knows, however it is cut into pieces.
func FuzzPosition(f *testing.F) {
	for _, seed := range []string{"", "data: x\n\n", "data: x\r\n\r\n", "a\rb\r\r", "\n", "a\n\r\n", "a\r\r\n", "a\r\n\r", ": ping\n\n", "\r\n\r\n\n"} {
		f.Add([]byte(seed), uint8(1))
		f.Add([]byte(seed), uint8(3))
		f.Add([]byte(seed), uint8(5))
	}
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		at := beginning()
		for from := 0; from < len(stream); {
			to := min(len(stream), from+1+int(size))
			at.pass(stream[from:to])
			from = to
			if want := between(stream[:from]); at.between != want {
				t.Fatalf("after %q: between two events %v, want %v", stream[:from], at.between, want)
			}
		}
	})
}

// between tells by the specification, line by line, whether a stream ends between two events.
func between(stream []byte) bool {
	lines, line := []string{}, []byte{}
	for i := 0; i < len(stream); i++ {
		switch c := stream[i]; c {
		case '\r', '\n':
			if c == '\r' && i+1 < len(stream) && stream[i+1] == '\n' {
				i++
			}
			lines, line = append(lines, string(line)), nil
		default:
			line = append(line, c)
		}
	}
	return len(line) == 0 && (len(lines) == 0 || lines[len(lines)-1] == "")
}

func TestRestOfAnEvent(t *testing.T) {
	for _, tt := range []struct {
		sent, next string
		want       int
		between    bool
	}{
		{"data: o", "ne\n\ndata: two\n\n", 4, true},
		{"data: one\n", "\n\n", 1, true},
		{"data: one\r\n\r", "\n", 1, true},
		{"data: one\r\n", "\r\ndata", 2, true},
		{"data: one\n\n", "\ndata", 0, true},
		{"data: one\r", "\n", 1, false},
		{"data: ", "one\nid: 2\n", 10, false},
		{"data: ", "", 0, false},
	} {
		at := beginning()
		at.pass([]byte(tt.sent))
		if n := at.rest([]byte(tt.next)); n != tt.want || at.between != tt.between {
			t.Errorf("%q, %q: %d bytes, between %v; want %d, %v", tt.sent, tt.next, n, at.between, tt.want, tt.between)
		}
	}
}
