package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parse(name, data string) (*Document, []Fault) {
	return Parse([]byte(data), Options{Name: name, MaxBytes: 16 << 20})
}

// told is a fault as a person sees it.
func told(data []byte, f Fault) string {
	line, column := NewLines(data).Place(f.Offset)
	return fmt.Sprintf("%d:%d: %s: %s", line, column, f.Pointer, f.Text)
}

// Every value and every name has its position, in lines and code points.
func TestPositions(t *testing.T) {
	data := []byte("{\r\n  \"a\" : [ 1,\ttrue , {\"é😀\":null,\"x\":\"y\"} ],\n\"b/~c\":{ }\n}")
	d, faults := parse("x.json", string(data))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	lines := NewLines(data)
	place := func(offset int) string {
		line, column := lines.Place(offset)
		return fmt.Sprintf("%d:%d", line, column)
	}
	tests := []struct{ pointer, value, name, text string }{
		{"", "1:1", "1:1", string(data)},
		{"/a", "2:9", "2:3", "[ 1,\ttrue , {\"é😀\":null,\"x\":\"y\"} ]"},
		{"/a/0", "2:11", "2:11", "1"},
		{"/a/1", "2:14", "2:14", "true"},
		{"/a/2", "2:21", "2:21", `{"é😀":null,"x":"y"}`},
		{"/a/2/é😀", "2:27", "2:22", "null"},
		{"/a/2/x", "2:36", "2:32", `"y"`},
		{"/b~1~0c", "3:8", "3:1", "{ }"},
	}
	for _, tt := range tests {
		v, exact := d.Find(tt.pointer)
		got := []string{place(v.Start()), place(v.NameStart()), string(data[v.Start():v.End()])}
		if diff := cmp.Diff([]string{tt.value, tt.name, tt.text}, got); diff != "" || !exact {
			t.Errorf("%q, exact %v (-want +got):\n%s", tt.pointer, exact, diff)
		}
	}
	for pointer, around := range map[string]string{"/a/3": "2:9", "/a/x/y": "2:9", "/zz/1": "1:1", "/b~1~0c/q": "3:8",
		"/a/0/deep": "2:11", "/a/-1": "2:9", "/": "1:1", "/a/": "2:9"} {
		v, exact := d.Find(pointer)
		if got := place(v.Start()); got != around || exact {
			t.Errorf("%q: around it is %s, exact %v; want %s", pointer, got, exact, around)
		}
	}
}

// In an object with many members each is found, and no other; the same as in one with few.
func TestMembersOfALargeObject(t *testing.T) {
	for _, n := range []int{1, indexed - 1, indexed, 1000} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"\u006e%d":%d,"é%d":0`, i, i, i)
		}
		d, faults := parse("x.json", "{"+b.String()[1:]+"}")
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		for i := range n {
			if v := d.Root().Member("n" + strconv.Itoa(i)); v.Scalar() != json.Number(strconv.Itoa(i)) {
				t.Errorf("of %d, member %d is %v", n, i, v.Scalar())
			}
		}
		for _, other := range []string{"", "n", "N0", "n-1", "é"} {
			if d.Root().Member(other).Kind() != None {
				t.Errorf("of %d, there is a member %q", n, other)
			}
		}
		if size := d.Root().Size(); size != 2*n {
			t.Errorf("%d members, want %d", size, 2*n)
		}
	}
}

func TestNoDocumentHasNoValue(t *testing.T) {
	var none *Document
	v, exact := none.Find("/a")
	if exact || v.Kind() != None || v.Member("a").Kind() != None || v.Start() != 0 || v.Scalar() != nil || v.String() != "" {
		t.Errorf("found %v, %v", v, exact)
	}
}

// Lines and columns are those that counting gives, also where blocks meet and characters lie across them.
func TestLinesAcrossBlocks(t *testing.T) {
	for name, unit := range map[string]string{"line ends": "\n", "one line": "x", "wide": "😀", "mixed": "aé\n😀\r\n  \t"} {
		data := []byte(strings.Repeat(unit, 3*blockSize/len(unit)+7))
		lines := NewLines(data)
		line, column, start := 1, 1, 0
		for offset, r := range string(data) {
			gotLine, gotColumn := lines.Place(offset)
			if gotLine != line || gotColumn != column || lines.Start(offset) != start {
				t.Fatalf("%s: offset %d is %d:%d from %d, want %d:%d from %d", name, offset, gotLine, gotColumn, lines.Start(offset),
					line, column, start)
			}
			column++
			if r == '\n' {
				line, column, start = line+1, 1, offset+1
			}
		}
		if gotLine, gotColumn := lines.Place(len(data) + 5); gotLine != line || gotColumn != column {
			t.Errorf("%s: the end is %d:%d, want %d:%d", name, gotLine, gotColumn, line, column)
		}
	}
}

// value is the document as encoding/json gives it.
func value(v Value) any {
	switch v.Kind() {
	case Array:
		out := []any{}
		for _, item := range v.Items() {
			out = append(out, value(item))
		}
		return out
	case Object:
		out := map[string]any{}
		for name, member := range v.Members() {
			out[name] = value(member)
		}
		return out
	}
	return v.Scalar()
}

// decode reads one value and nothing after it, as encoding/json has it.
func decode(data []byte) (value any, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return value, nil
}

// seeds are documents that are good and others that are not.
func seeds() []string {
	all := []string{
		`{"a":[1,-0.5e+3,true,false,null,"x\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t"],"b":{"c":{}}}`, ` [ ] `, `"é"`, `0`, `-0`, `1E9`,
		`[[[`, "\ufeff{}", `{"a":1,"a":2}`, `{"a":1,"A":2}`, `[1,]`, `{"a":1,}`, "// x\n{}", "/* x */ {} // y", `{"a":"\ud800"}`,
		`{"a" 1}`, `{a:1}`, `{'a':1}`, `[01]`, `[1.]`, `[.5]`, `[+1]`, `[NaN]`, `{"a":}`, `{"":{"":[{"":1}]}}`, "[\"\x7f\"]",
		"[\"\x00\"]", "{} {}", "", " ", "\xff", `["\u0000"]`, `{"K":1,"k":2}`, `{"ſ":1,"s":2,"S":3}`,
	}
	for _, tt := range syntaxFaults() {
		all = append(all, tt.data)
	}
	return all
}

// FuzzDocument: what is read is what encoding/json reads; what is refused it refuses, too, or it is refused for one of the
// reasons of ours. In a .jsonc file the same holds when the comments are blanked out. No fault lies outside of the file,
// and memory is bounded by the size. Run it with -fuzzminimizetime=5x.
func FuzzDocument(f *testing.F) {
	for _, seed := range seeds() {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, comments bool) {
		o := Options{Name: "x.json", MaxBytes: 1 << 20}
		if comments {
			o.Name = "x.jsonc"
		}
		d, faults := Parse(data, o)
		if (d == nil) && len(faults) == 0 {
			t.Fatal("no document and no fault")
		}
		lines := NewLines(data)
		for _, fault := range faults {
			if fault.Offset < 0 || fault.Offset > len(data) || fault.Text == "" {
				t.Fatalf("fault outside of the file: %+v", fault)
			}
			if line, column := lines.Place(fault.Offset); line < 1 || column < 1 {
				t.Fatalf("fault without a place: %+v", fault)
			}
		}
		if cost := allocated(func() { Parse(data, o) }); cost > perByte*uint64(len(data))+fixed {
			t.Fatalf("%d bytes cost %d", len(data), cost)
		}
		if comments {
			return
		}
		want, err := decode(data)
		switch {
		case len(faults) == 0 && err != nil:
			t.Fatalf("read, and encoding/json refuses it: %v", err)
		case len(faults) == 0 && !reflect.DeepEqual(value(d.Root()), want):
			t.Fatalf("read as %v, by encoding/json as %v", value(d.Root()), want)
		case len(faults) > 0 && err == nil && !ours(faults):
			t.Fatalf("refused, and encoding/json reads it: %v", faults)
		}
	})
}

// ours says whether a reason is one that encoding/json does not have.
func ours(faults []Fault) bool {
	for _, f := range faults {
		for _, text := range []string{"duplicate property", "only in case", "is nested more than", "is half of a character",
			"is not valid UTF-8", "are longer than", "is larger than"} {
			if strings.Contains(f.Text, text) {
				return true
			}
		}
	}
	return false
}

// What a document may cost in memory, as the package comment has it: bytes for each of its own, and 8 KiB for each fault.
const perByte, fixed = 24, 4 << 20

// allocated answers how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// What lies within a name that does not count does not count either, and its neighbours do.
func TestDropped(t *testing.T) {
	const text = `{"z": 1, "a": 2, "Z": {"b": 3, "b": 4, "c": 5}, "d": 6, "a": 7, "e": {"f": 8, "F": 9}}`
	dropped := map[string]bool{`"Z"`: true, `"b"`: true, `"c"`: true, "3": true, "4": true, "5": true, "7": true, `"F"`: true, "9": true}
	doc, _ := parse("a.json", text)
	for at := range text {
		token, ok := doc.Token(at)
		if written := text[at:max(at, token.End)]; ok && (token.Name || token.Kind == Number) && token.Dropped != dropped[written] && written != `"a"` {
			t.Errorf("%s at %d: dropped is %v", written, at, token.Dropped)
		}
	}
}
