package sample

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func TestCountTakesASecondAStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		request := &mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{}}
		if _, _, err := count(t.Context(), request, countInput{Steps: 5}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestD13_CountEndsWithWhoeverAskedForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		began := time.Now()
		request := &mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{}}
		if _, _, err := count(ctx, request, countInput{Steps: maxSteps}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ended with %v", err)
		}
		if took := time.Since(began); took != 2500*time.Millisecond {
			t.Errorf("took %s", took)
		}
	})
}
