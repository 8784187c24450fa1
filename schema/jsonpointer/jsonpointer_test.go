package jsonpointer

import (
	"slices"
	"testing"
)

func TestSplitUndoesJoin(t *testing.T) {
	names := []string{"a", "", "~", "/", "~1", "~0/", "m~n", "x y"}
	if got := Split(Join("", names...)); !slices.Equal(got, names) {
		t.Errorf("%q became %q", names, got)
	}
	if Split("") != nil {
		t.Error("the whole document has names")
	}
}

func TestFind(t *testing.T) {
	document := map[string]any{"a": []any{"x", map[string]any{"b/c": "y"}}}
	for _, c := range []struct {
		pointer string
		want    any
		ok      bool
	}{
		{"/a/0", "x", true}, {"/a/1/b~1c", "y", true}, {"/a/2", nil, false}, {"/a/-1", nil, false}, {"/a/x", nil, false},
		{"/b", nil, false}, {"/a/0/0", nil, false},
	} {
		if got, ok := Find(document, Split(c.pointer)); got != c.want || ok != c.ok {
			t.Errorf("%s = %v, %v; want %v, %v", c.pointer, got, ok, c.want, c.ok)
		}
	}
}
