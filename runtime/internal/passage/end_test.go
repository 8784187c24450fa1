package passage_test

import (
	"context"
	"errors"
	"testing"

	"durward/runtime/internal/ending"
	"durward/runtime/internal/passage"
)

func TestWhoHearsOfTheEnd(t *testing.T) {
	var p passage.Passage
	var heard []string
	hears := func(name string) func(error) {
		return func(why error) { heard = append(heard, name+" "+string(why.(ending.Reason))) }
	}
	p.OnEnd(hears("one"))
	p.OnEnd(hears("two"))
	p.End(ending.Revoked)
	p.End(ending.Drained)
	p.OnEnd(nil)
	p.OnEnd(hears("three"))
	want := []string{"two revoked", "three revoked"}
	if len(heard) != len(want) || heard[0] != want[0] || heard[1] != want[1] {
		t.Errorf("heard %q, want %q", heard, want)
	}
}

func TestNobodyHearsAfterTheAnswer(t *testing.T) {
	var p passage.Passage
	p.OnEnd(func(error) { t.Error("called although nobody attends any more") })
	p.OnEnd(nil)
	p.End(ending.Drained)
}

func TestEndOfAContext(t *testing.T) {
	var p passage.Passage
	ctx, cancel := context.WithCancelCause(t.Context())
	p.OnEnd(cancel)
	p.End(ending.Expired)
	if why, ok := errors.AsType[ending.Reason](context.Cause(ctx)); !ok || why != ending.Expired {
		t.Errorf("the context ended with %v", context.Cause(ctx))
	}
	var none *passage.Passage
	none.OnEnd(cancel)
}
