package middleware_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
	"durward/runtime/internal/middleware"
	"durward/runtime/internal/passage"
	"durward/schema"
)

const (
	setHeaders = "set-headers-inbound"
	setKey     = "set-upstream-api-key-inbound"
)

func compile(t testing.TB, name string, in middleware.Input) (*middleware.Policy, []policies.Problem) {
	t.Helper()
	i := slices.IndexFunc(middleware.Types(), func(kind middleware.Type) bool { return kind.Name == name })
	if i < 0 {
		t.Fatalf("there is no type %q", name)
	}
	return middleware.Types()[i].Compile(in)
}

func must(t testing.TB, name, options string) *middleware.Policy {
	t.Helper()
	p, problems := compile(t, name, middleware.Input{Options: json.RawMessage(options)})
	if p == nil {
		t.Fatalf("problems %v", problems)
	}
	return p
}

// outcome is what a middleware makes of a request: its changes, or why it refuses.
func outcome(t testing.TB, p *middleware.Policy, who *policies.Principal) (changes []string, refused string) {
	t.Helper()
	passed := 0
	next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		passed++
		for _, c := range passage.From(r.Context()).Changes() {
			changes = append(changes, fmt.Sprintf("%s %q yields=%v", c.Name, c.Values, c.Yields))
		}
	})
	h := p.Wrap(0, func(_ http.ResponseWriter, _ *http.Request, reason string) { refused = reason })(next)
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	h.ServeHTTP(httptest.NewRecorder(), r.WithContext(passage.With(r.Context(), &passage.Passage{Principal: who})))
	if want := refused == ""; (passed == 1) != want {
		t.Errorf("the next handler was called %d times, refused %q", passed, refused)
	}
	return changes, refused
}

func TestS63_S73_WhatIsSet(t *testing.T) {
	ada := &policies.Principal{Issuer: "https://clerk.example", Subject: "user_1", Email: "ada@größe.example"}
	tests := []struct {
		name, policyType, options string
		who                       *policies.Principal
		want                      []string
	}{
		{"a key", setKey, `{"value":"Bearer k"}`, nil, []string{`Authorization ["Bearer k"] yields=false`}},
		{"a key in another header, unless the client has one", setKey, `{"header":"x-api-KEY","value":"k","overwrite":false}`, nil,
			[]string{`X-Api-Key ["k"] yields=true`}},
		{"fixed values", setHeaders, `{"headers":[{"name":"a","value":"1"},{"name":"b","value":"2","overwrite":false}]}`, nil,
			[]string{`A ["1"] yields=false`, `B ["2"] yields=true`}},
		{"the principal", setHeaders, `{"headers":[{"name":"X-User","value":"${principal.sub}"}]}`, ada,
			[]string{`X-User ["user_1"] yields=false`}},
		{"every part, some twice, between text", setHeaders,
			`{"headers":[{"name":"X-User","value":"a ${principal.sub}${principal.issuer}, <${principal.email}> ${principal.sub} z"}]}`, ada,
			[]string{`X-User ["a user_1https://clerk.example, <ada@größe.example> user_1 z"] yields=false`}},
		{"no e-mail address", setHeaders,
			`{"headers":[{"name":"X-Email","value":"mailto:${principal.email}"},{"name":"X-User","value":"${principal.sub}"}]}`,
			&policies.Principal{Issuer: "i", Subject: "s"},
			[]string{`X-Email [] yields=false`, `X-User ["s"] yields=false`}},
		{"what a principal holds means nothing", setHeaders, `{"headers":[{"name":"X-User","value":"${principal.sub}"}]}`,
			&policies.Principal{Issuer: "i", Subject: "${principal.email}", Email: "e"},
			[]string{`X-User ["${principal.email}"] yields=false`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := must(t, tt.policyType, tt.options)
			if names := strings.Contains(tt.options, "${"); p.NamesPrincipal != names {
				t.Errorf("NamesPrincipal is %v", p.NamesPrincipal)
			}
			for range 2 { // the second request finds what the first one found
				got, refused := outcome(t, p, tt.who)
				if refused != "" {
					t.Fatalf("refused: %s", refused)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("changes (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// A principal that cannot be written as it is stops the request: without the header, or with another one's name in it, it
// would be somebody else's.
func TestS73_PrincipalThatCannotBeWritten(t *testing.T) {
	const (
		canary  = "canary"
		subject = "the principal's sub cannot stand in a header as it is"
		address = "the principal's email cannot stand in a header as it is"
	)
	options := `{"headers":[{"name":"X-User","value":"${principal.sub}"},{"name":"X-Email","value":"${principal.email}"}]}`
	p := must(t, setHeaders, options)
	for name, tt := range map[string]struct {
		who  *policies.Principal
		want string
	}{
		"line end":           {&policies.Principal{Issuer: "i", Subject: canary + "\r\nX-Admin: 1"}, subject},
		"line end at last":   {&policies.Principal{Issuer: "i", Subject: canary + "\n"}, subject},
		"NUL":                {&policies.Principal{Issuer: "i", Subject: canary + "\x00"}, subject},
		"DEL":                {&policies.Principal{Issuer: "i", Subject: canary + "\x7f"}, subject},
		"tab":                {&policies.Principal{Issuer: "i", Subject: canary + "\ta"}, subject},
		"control beyond":     {&policies.Principal{Issuer: "i", Subject: canary + "\u0085a"}, subject},
		"space before":       {&policies.Principal{Issuer: "i", Subject: " " + canary}, subject},
		"space behind":       {&policies.Principal{Issuer: "i", Subject: canary + " "}, subject},
		"no UTF-8":           {&policies.Principal{Issuer: "i", Subject: canary + "\xff"}, subject},
		"empty":              {&policies.Principal{Issuer: "i"}, subject},
		"the e-mail address": {&policies.Principal{Issuer: "i", Subject: "s", Email: canary + "\n@example.com"}, address},
		"nobody":             {nil, "no policy has said who is calling"},
	} {
		t.Run(name, func(t *testing.T) {
			_, refused := outcome(t, p, tt.who)
			if refused != tt.want || strings.Contains(refused, canary) {
				t.Errorf("refused %q, want %q", refused, tt.want)
			}
		})
	}
	if got, refused := outcome(t, p, &policies.Principal{Issuer: "i", Subject: "a b", Email: "ö@x"}); refused != "" || len(got) != 2 {
		t.Errorf("a sound principal: %q, refused %q", got, refused)
	}
}

// What a variable holds is no reference, nor is a part of one.
func TestVariablesHoldNoReferences(t *testing.T) {
	const text = "a ${principal.sub} ${else} ${principal.sub}"
	p, problems := compile(t, setKey, middleware.Input{
		Options: json.RawMessage(`{"value":"` + text + `"}`),
		FromEnv: map[string][]middleware.Span{"/value": {{From: 2, To: 27}}},
	})
	if p == nil {
		t.Fatal(problems)
	}
	got, refused := outcome(t, p, &policies.Principal{Issuer: "i", Subject: "s"})
	if diff := cmp.Diff([]string{`Authorization ["a ${principal.sub} ${else} s"] yields=false`}, got); diff != "" || refused != "" {
		t.Errorf("changes (-want +got), refused %q:\n%s", refused, diff)
	}
	for name, span := range map[string]middleware.Span{"behind the dollar": {From: 1, To: 15}, "before the brace": {From: 2, To: 14}} {
		if p, _ := compile(t, setKey, middleware.Input{
			Options: json.RawMessage(`{"value":"${principal.sub}"}`), FromEnv: map[string][]middleware.Span{"/value": {span}},
		}); p != nil && p.NamesPrincipal {
			t.Errorf("%s: a reference was made of what a variable holds", name)
		}
	}
}

// The cases of each refusal are in the tables of package config. Here is what a table cannot hold.
func TestProblemsHoldNoValue(t *testing.T) {
	in := middleware.Input{Options: json.RawMessage(`{"headers":[{"name":"A","value":"canary ${canary} ${canary}\n"}]}`),
		FromEnv: map[string][]middleware.Span{"/headers/0/value": {{From: 0, To: 0}, {From: 0, To: 0}}}}
	p, problems := compile(t, setHeaders, in)
	want := []policies.Problem{
		{Pointer: "/headers/0/value", Text: "${ can begin only ${principal.sub}, ${principal.email} or ${principal.issuer}, save in what $env(NAME) stands for"},
		{Pointer: "/headers/0/value", Text: "a variable in it is empty"},
	}
	if diff := cmp.Diff(want, problems); diff != "" || p != nil {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	for _, name := range []string{setHeaders, setKey} {
		if _, problems := compile(t, name, middleware.Input{Options: json.RawMessage(`["canary"]`)}); len(problems) != 1 ||
			strings.Contains(problems[0].Text, "canary") {
			t.Errorf("%s: problems %v", name, problems)
		}
	}
}

// What a header's value may be is a secret; what it is called is not.
func TestG10_ValuesAreSecrets(t *testing.T) {
	for name, tt := range map[string]struct {
		options string
		want    []string
	}{
		setHeaders: {`{"headers":[{"name":"A","value":"1"},{"name":"B","value":"2"}]}`, []string{"/headers/0/value", "/headers/1/value"}},
		setKey:     {`{"header":"A","value":"1"}`, []string{"/value"}},
	} {
		i := slices.IndexFunc(middleware.Types(), func(kind middleware.Type) bool { return kind.Name == name })
		s, err := schema.CompileOptions(middleware.Types()[i].Schema)
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal([]byte(tt.options), &value); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, s.Secrets(value)); diff != "" {
			t.Errorf("%s: secrets (-want +got):\n%s", name, diff)
		}
	}
}

// TestAllocations: a fixed value costs the one list that holds a passage's changes, a principal's its text and the slice
// that a header's values are.
func TestAllocations(t *testing.T) {
	who := &policies.Principal{Issuer: "i", Subject: "user_1", Email: "a@example.com"}
	ctx := httptest.NewRequest(http.MethodPost, "/", nil)
	for name, tt := range map[string]struct {
		p    *middleware.Policy
		want float64
	}{
		"a key":     {must(t, setKey, `{"value":"Bearer k"}`), 1},
		"who":       {must(t, setHeaders, `{"headers":[{"name":"A","value":"${principal.sub}"}]}`), 3},
		"two texts": {must(t, setHeaders, `{"headers":[{"name":"A","value":"x ${principal.sub}"},{"name":"B","value":"2"}]}`), 3},
	} {
		var way passage.Passage
		r := ctx.WithContext(passage.With(ctx.Context(), &way))
		h := tt.p.Wrap(0, nil)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		if got := testing.AllocsPerRun(200, func() {
			way = passage.Passage{Principal: who}
			h.ServeHTTP(nil, r)
		}); got > tt.want {
			t.Errorf("%s: %v allocations, want at most %v", name, got, tt.want)
		}
	}
}
