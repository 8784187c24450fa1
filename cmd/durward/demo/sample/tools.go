package sample

import (
	"context"
	"fmt"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type echoInput struct {
	Text string `json:"text" jsonschema:"what to say back"`
}

type addInput struct {
	A float64 `json:"a" jsonschema:"the first number"`
	B float64 `json:"b" jsonschema:"the second number"`
}

type addOutput struct {
	Sum float64 `json:"sum"`
}

type countInput struct {
	Steps      int `json:"steps" jsonschema:"how far to count, 1 to 86400"`
	IntervalMs int `json:"intervalMs,omitempty" jsonschema:"milliseconds from one step to the next; a second if left out"`
}

const maxSteps = 86400 // a day of seconds

func addTools(s *mcp.Server) {
	plain := &mcp.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true}
	mcp.AddTool(s, &mcp.Tool{Name: "echo", Description: "Says back what it is told.", Annotations: plain}, echo)
	mcp.AddTool(s, &mcp.Tool{Name: "add", Description: "Adds two numbers.", Annotations: plain}, add)
	mcp.AddTool(s, &mcp.Tool{
		Name: "count", Annotations: plain,
		Description: "Counts from one to the given number, a step a second, and reports each step as progress.",
	}, count)
}

func echo(_ context.Context, _ *mcp.CallToolRequest, in echoInput) (*mcp.CallToolResult, any, error) {
	return say(in.Text), nil, nil
}

func add(_ context.Context, _ *mcp.CallToolRequest, in addInput) (*mcp.CallToolResult, addOutput, error) {
	sum := addOutput{Sum: in.A + in.B}
	return say(fmt.Sprint(sum.Sum)), sum, nil
}

// count sends one progress notification a step, if the client gave a token for it, on the stream of its own answer.
func count(ctx context.Context, req *mcp.CallToolRequest, in countInput) (*mcp.CallToolResult, any, error) {
	if in.Steps < 1 || in.Steps > maxSteps || in.IntervalMs < 0 || in.IntervalMs > 60_000 {
		return nil, nil, fmt.Errorf("steps must be 1 to %d, and intervalMs at most 60000", maxSteps)
	}
	interval := time.Second
	if in.IntervalMs > 0 {
		interval = time.Duration(in.IntervalMs) * time.Millisecond
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	token := req.Params.GetProgressToken()
	for step := 1; step <= in.Steps; step++ {
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-ticker.C:
		}
		if token == nil {
			continue
		}
		err := req.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{
			ProgressToken: token, Progress: float64(step), Total: float64(in.Steps),
			Message: fmt.Sprintf("%d of %d", step, in.Steps),
		})
		if err != nil {
			return nil, nil, fmt.Errorf("report progress: %w", err)
		}
	}
	return say(fmt.Sprintf("counted to %d", in.Steps)), nil, nil
}

func say(text string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}
}
