package pluginhost

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
)

func TestLogLinesCarryWhoWroteThem(t *testing.T) {
	h, j := newHost(t, nil)
	p := start(t, h, testSpec("first", self(t, "good"), `{}`))
	if _, err := p.Do(t.Context(), testCall(), HTTPRequest{Method: "GET", Target: "/test/log"}); err != nil {
		t.Fatal(err)
	}
	got := j.await(t, "from the policy")
	delete(got, "time")
	want := map[string]any{
		"level": "INFO", "msg": "from the policy", "policy": "first", "pid": float64(p.Status().PID),
		"log": map[string]any{"answer": "42", "policy": "somebody else", "request_id": "req-1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestG7_StandardErrorCannotHurtTheHost(t *testing.T) {
	h, j := newHost(t, nil)
	p := start(t, h, testSpec("first", self(t, "floods-stderr"), `{}`))
	line := j.await(t, "after the flood")
	if line["policy"] != "first" {
		t.Errorf("line = %v", line)
	}
	if _, err := p.Evaluate(t.Context(), testCall(), policies.Request{Route: "demo"}); err != nil {
		t.Error(err)
	}
	for _, line := range strings.SplitAfter(j.all(), "\n") {
		if len(line) > 2*maxLine {
			t.Errorf("a log line has %d bytes", len(line))
		}
	}
}

func TestLogLinesAreTakenAsText(t *testing.T) {
	cases := []struct{ name, line, want string }{
		{"slog", `{"time":"x","level":"DEBUG","msg":"m","a":1000000,"b":{"c":[1]},"d":null}`,
			`{"level":"DEBUG","msg":"m","log":{"a":"1000000","b":"{\"c\":[1]}","d":"<nil>"}}`},
		{"hclog", `{"@level":"error","@message":"m","@timestamp":"x"}`, `{"level":"ERROR","msg":"m"}`},
		{"message is no text", `{"@message":1}`,
			`{"level":"WARN","msg":"policy wrote a line without a message","log":{"@message":"1"}}`},
		{"level beyond", `{"level":"ERROR+90","msg":"m"}`, `{"level":"ERROR","msg":"m"}`},
		{"plain", "panic: boom", `{"level":"WARN","msg":"policy wrote to standard error","text":"panic: boom"}`},
		{"null", "null", `{"level":"WARN","msg":"policy wrote to standard error","text":"null"}`},
		{"not UTF-8", "a\xffb", `{"level":"WARN","msg":"policy wrote to standard error","text":"a�b"}`},
		{"empty", "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			logger := newTestLogger(&out)
			logLines(strings.NewReader(c.line+"\n"), logger, Spec{}.redacted, time.Now)
			if got := strings.TrimSpace(out.String()); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestLogLinesBeyondTheRateAreCountedAndDropped(t *testing.T) {
	var out bytes.Buffer
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	logLines(strings.NewReader(strings.Repeat("x\n", lineBurst+5)), newTestLogger(&out), Spec{}.redacted, func() time.Time { return noon })
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != lineBurst+1 || !strings.Contains(lines[lineBurst], `"dropped":5`) {
		t.Errorf("%d lines, the last %s", len(lines), lines[len(lines)-1])
	}
}
