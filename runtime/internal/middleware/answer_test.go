package middleware_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
	"durward/runtime/internal/middleware"
	"durward/runtime/internal/passage"
)

const setAnswerHeaders = "set-headers-outbound"

func TestWhatIsSetOfAnswers(t *testing.T) {
	var changes passage.Changes
	for place, options := range []string{
		`{"headers":[{"name":"cache-control","value":"no-store"},{"name":"X-A","value":"1"},{"name":"X-B","value":"b","overwrite":false}]}`,
		`{"headers":[{"name":"X-a","value":"2"},{"name":"x-b","value":"c","overwrite":false}]}`,
	} {
		p := must(t, setAnswerHeaders, options)
		if p.Wrap != nil || p.NamesPrincipal {
			t.Error("it is for requests, too")
		}
		p.Answer(place, &changes)
	}
	var got []string
	for _, c := range changes.List() {
		got = append(got, fmt.Sprintf("%s %q yields=%v", c.Name, c.Values, c.Yields))
	}
	want := []string{`Cache-Control ["no-store"] yields=false`, `X-A ["2"] yields=false`, `X-B ["b"] yields=true`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestOnlyAnswersAreOutbound(t *testing.T) {
	for _, kind := range middleware.Types() {
		if got := kind.Direction == middleware.Outbound; got != (kind.Name == setAnswerHeaders) {
			t.Errorf("%s is outbound: %v", kind.Name, got)
		}
	}
}

// What frames an answer, speaks of the gateway's origin, or is MCP's, is not for a policy to set, in no spelling.
func TestS75_WhatCannotBeSetOfAnswers(t *testing.T) {
	for _, name := range []string{
		"Connection", "keep-alive", "Transfer-Encoding", "Trailer", "TE", "Upgrade", "Content-Length", "content_type", "Content-Encoding",
		"Content-Range", "WWW-Authenticate", "Authentication-Info", "Set-Cookie", "Location", "Vary", "X-Accel-Buffering", "X-Request-Id",
		"Mcp-Session-Id", "mcp_protocol_version", "Access-Control-Allow-Origin", "access.control.max.age", "Proxy-Authenticate",
		"Durward-A", "X-Durward-B",
	} {
		options, err := json.Marshal(map[string]any{"headers": []any{map[string]string{"name": name, "value": "a"}}})
		if err != nil {
			t.Fatal(err)
		}
		p, problems := compile(t, setAnswerHeaders, middleware.Input{Options: options})
		if p != nil || len(problems) != 1 || problems[0].Pointer != "/headers/0/name" {
			t.Errorf("%s: problems %v", name, problems)
		}
	}
	for _, name := range []string{"Cache-Control", "Strict-Transport-Security", "X-Frame-Options", "Server", "Retry-After", "Date"} {
		must(t, setAnswerHeaders, `{"headers":[{"name":"`+name+`","value":"a"}]}`)
	}
}

func TestValuesOfAnswersNameNobody(t *testing.T) {
	for _, value := range []string{"${principal.sub}", "a ${b", "${env.A}"} {
		p, problems := compile(t, setAnswerHeaders, middleware.Input{Options: json.RawMessage(`{"headers":[{"name":"A","value":"` + value + `"}]}`)})
		want := []policies.Problem{{Pointer: "/headers/0/value", Text: "${ means nothing in a header of the answer, save in what $env(NAME) stands for"}}
		if diff := cmp.Diff(want, problems); diff != "" || p != nil {
			t.Errorf("%s (-want +got):\n%s", value, diff)
		}
	}
	p, problems := compile(t, setAnswerHeaders, middleware.Input{Options: json.RawMessage(`{"headers":[{"name":"A","value":"${x}"}]}`),
		FromEnv: map[string][]middleware.Span{"/headers/0/value": {{From: 0, To: 4}}}})
	if p == nil {
		t.Fatal(problems)
	}
	var changes passage.Changes
	p.Answer(0, &changes)
	if list := changes.List(); len(list) != 1 || !slices.Equal(list[0].Values, []string{"${x}"}) {
		t.Errorf("a variable's value is %v", list)
	}
}
