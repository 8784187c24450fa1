package policytest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
)

// Case is a policy type and an input that is valid for it.
type Case struct {
	Type policies.Type
	// Input answers the input. origin is an http address on the loopback on which something listens: input that names a
	// server somewhere should name this one, so that a Configure which calls it is found out.
	Input func(origin string) policies.Input
	// Requests are those that the suite asks about. They may use what Prepare left in the store.
	Requests []policies.Request
	// Prepare may bring a policy to know something, such as a token. It may be nil.
	Prepare func(t *testing.T, gateway *Gateway)
}

// Test runs what every policy must hold to.
func Test(t *testing.T, c Case) {
	t.Run("describe answers an object schema, always the same", c.describes)
	t.Run("validate is pure", c.validates)
	t.Run("configure does not touch the network", c.configures)
	t.Run("a secret changes no decision", c.keepsSecretsOut)
	t.Run("every declared path answers", c.answers)
	t.Run("what moves a path is an option", c.namesOptions)
}

func (c Case) describes(t *testing.T) {
	described := c.Type.Describe()
	var schema struct {
		Type       string                     `json:"type"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(described.Options, &schema); err != nil || schema.Type != "object" {
		t.Errorf("options schema: type %q, error %v; want an object schema", schema.Type, err)
	}
	if described.Type == "" {
		t.Error("the type has no name")
	}
	if diff := cmp.Diff(described, c.Type.Describe()); diff != "" {
		t.Errorf("describe answers differently the second time:\n%s", diff)
	}
}

func (c Case) validates(t *testing.T) {
	input, untouched := c.Input("http://127.0.0.1:1"), c.Input("http://127.0.0.1:1")
	want := c.Type.Validate(input)
	if len(want.Problems) > 0 {
		t.Fatalf("the input has problems: %v", want.Problems)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if diff := cmp.Diff(want, c.Type.Validate(input)); diff != "" {
				t.Errorf("validate answers differently for the same input:\n%s", diff)
			}
		})
	}
	wg.Wait()
	if diff := cmp.Diff(untouched, input); diff != "" {
		t.Errorf("validate changed its input:\n%s", diff)
	}
	for _, route := range input.Routes {
		if _, ok := want.Vary[route.ID]; !ok {
			t.Errorf("the report says nothing of what decisions on route %q depend on", route.ID)
		}
	}
}

func (c Case) configures(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a call to %s", r.URL.Path)
	}))
	defer server.Close() // waits for calls that are under way
	if _, err := c.Type.Configure(context.Background(), c.Input(server.URL), NewHost().Services()); err != nil {
		t.Errorf("configure: %v", err)
	}
}

func (c Case) keepsSecretsOut(t *testing.T) {
	input := c.Input("http://127.0.0.1:1")
	rotated := input
	rotated.Options = rotate(t, c.Type.Describe().Options, input.Options)
	host := NewHost()
	before, err := NewGateway(host, c.Type, input)
	if err != nil {
		t.Fatal(err)
	}
	after, err := NewGateway(host, c.Type, rotated)
	if err != nil {
		t.Fatalf("with other secrets: %v", err)
	}
	if diff := cmp.Diff(before.Report, after.Report); diff != "" {
		t.Errorf("the report depends on a secret:\n%s", diff)
	}
	if c.Prepare != nil {
		c.Prepare(t, before)
	}
	ctx := policies.WithCall(context.Background(), policies.Call{Time: host.Clock.Now(), RequestID: "suite"})
	for _, request := range c.Requests {
		one, err := before.Policy.Evaluate(ctx, request)
		if err != nil {
			t.Errorf("evaluate on route %q: %v", request.Route, err)
		}
		two, err := after.Policy.Evaluate(ctx, request)
		if err != nil {
			t.Errorf("evaluate on route %q with other secrets: %v", request.Route, err)
		}
		if diff := cmp.Diff(one, two); diff != "" {
			t.Errorf("the decision on route %q depends on a secret:\n%s", request.Route, diff)
		}
	}
}

// rotate gives every text that the schema marks writeOnly another value.
func rotate(t *testing.T, schema, options json.RawMessage) json.RawMessage {
	t.Helper()
	var shape struct {
		WriteOnly  bool                       `json:"writeOnly"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(schema, &shape); err != nil {
		t.Fatalf("options schema: %v", err)
	}
	var text string
	if shape.WriteOnly && json.Unmarshal(options, &text) == nil {
		return encoded(t, text+"-rotated")
	}
	var members map[string]json.RawMessage
	if len(shape.Properties) == 0 || json.Unmarshal(options, &members) != nil {
		return options
	}
	for name, property := range shape.Properties {
		if given, ok := members[name]; ok {
			members[name] = rotate(t, property, given)
		}
	}
	return encoded(t, members)
}

func encoded(t *testing.T, value any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatalf("encode options: %v", err)
	}
	return text
}

func (c Case) answers(t *testing.T) {
	gateway, err := NewGateway(NewHost(), c.Type, c.Input("http://127.0.0.1:1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range gateway.Report.Paths {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			out := httptest.NewRecorder()
			gateway.ServeHTTP(out, httptest.NewRequest(method, "https://gateway.example"+path.Path, strings.NewReader("")))
			switch {
			case out.Code == http.StatusNotFound || out.Code >= http.StatusInternalServerError:
				t.Errorf("%s %s: status %d", method, path.Path, out.Code)
			case out.Body.Len() > 0 && out.Header().Get("Content-Type") == "":
				t.Errorf("%s %s: a body without a content type", method, path.Path)
			case strings.HasPrefix(out.Header().Get("Content-Type"), "application/json") && !json.Valid(out.Body.Bytes()):
				t.Errorf("%s %s: malformed JSON: %s", method, path.Path, bytes.TrimSpace(out.Body.Bytes()))
			}
		}
	}
}

// namesOptions follows what paths say of the option that moves them: people are told to set it.
func (c Case) namesOptions(t *testing.T) {
	type node struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	options := c.Type.Describe().Options
	for _, path := range c.Type.Validate(c.Input("http://127.0.0.1:1")).Paths {
		if path.Option == "" {
			continue
		}
		at := options
		for name := range strings.SplitSeq(strings.TrimPrefix(path.Option, "/"), "/") {
			var object node
			if json.Unmarshal(at, &object) != nil || object.Properties[name] == nil {
				t.Errorf("path %s names the option %s, which the schema does not have", path.Path, path.Option)
				break
			}
			at = object.Properties[name]
		}
	}
}
