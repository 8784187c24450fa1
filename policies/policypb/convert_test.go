package policypb

import (
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"durward/policies"
)

// wire sends a message through its bytes, as gRPC does.
func wire[M proto.Message](t *testing.T, m, empty M) M {
	t.Helper()
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	if err := proto.Unmarshal(raw, empty); err != nil {
		t.Fatalf("unmarshal: %v", err)
	}
	return empty
}

func same(t *testing.T, got, want any, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("there and back (-want +got):\n%s", diff)
	}
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.UTC)

func TestDescriptionThereAndBack(t *testing.T) {
	want := policies.Description{Type: "test-inbound", Options: json.RawMessage(`{"type":"object"}`)}
	got, err := DecodeDescription(wire(t, EncodeDescription(want), &Description{}))
	same(t, got, want, err)
}

func TestInputThereAndBack(t *testing.T) {
	want := policies.Input{
		Name:    "clerk",
		Options: json.RawMessage(`{"a":"ü"}`),
		Routes: []policies.Route{
			{ID: "demo", Path: "/mcp/demo", Title: "Demo", Scopes: policies.RouteScopes{
				Route:   []string{"crm:read"},
				Methods: map[string][]string{"prompts/get": {"crm:prompts"}},
				Tools:   map[string][]string{"delete_contact": {"crm:write", "crm:delete"}, "": {"x"}},
			}},
			{ID: "tools", Path: "/t", Scopes: policies.RouteScopes{Tools: map[string][]string{"a": {"b"}}}},
			{ID: "b", Path: "/b"},
		},
		Origins: []string{"https://mcp.example.com"},
	}
	got, err := DecodeInput(wire(t, EncodeInput(want), &Input{}))
	same(t, got, want, err)
}

func TestReportThereAndBack(t *testing.T) {
	want := policies.Report{
		Problems:      []policies.Problem{{Pointer: "/scope", Text: "must contain openid"}, {Text: "whole"}, {Route: "demo", Text: "is the root"}},
		Notes:         []policies.Problem{{Pointer: "", Text: "note"}},
		Paths:         []policies.Path{{Path: "/oauth/token", Option: "/at"}, {Path: "/grants", Admin: true}},
		Authenticates: true, Scopes: []string{"crm:read", "crm:write"},
		Facts: []policies.Fact{{Name: "issuer", Value: "https://x.example"}},
		Vary: map[string]policies.Vary{
			"demo":  {Headers: []string{"Authorization"}, Origin: true, Methods: []string{"tools/call"}},
			"other": {ClientAddress: true, Names: []string{"echo"}},
		},
		Files: []string{"/etc/durward/ca.pem"},
	}
	got, err := DecodeReport(wire(t, EncodeReport(want), &Report{}))
	same(t, got, want, err)
}

func TestRequestThereAndBack(t *testing.T) {
	call := policies.Call{Time: noon, RequestID: "r1", Origin: "https://a.example", ClientAddress: "::1"}
	want := policies.Request{
		Route:  "demo",
		Header: http.Header{"Authorization": {"Bearer x"}, "X-Octets": {"\xff\xfe", ""}},
		Origin: "https://a.example", ClientAddress: "::1", Method: "tools/call", Name: "echo",
	}
	gotCall, got, err := DecodeRequest(wire(t, EncodeRequest(call, want), &EvaluateRequest{}))
	same(t, got, want, err)
	same(t, gotCall, call, err)
}

func TestDecisionThereAndBack(t *testing.T) {
	cases := map[string]policies.Decision{
		"allow with everything": {
			Outcome: policies.Allow,
			Principal: &policies.Principal{
				Issuer: "https://i.example", Subject: "u1", Email: "a@b.example", Name: "A", Client: "c", Grant: "g",
				Scopes: []string{"openid", "profile"}, Expires: noon,
			},
			SetHeader: http.Header{"X-User": {"u1"}, "Authorization": {}},
			TTL:       time.Minute,
			Tags:      []string{"grant:g", "person:u1"},
		},
		"allow of a policy that does not authenticate": {Outcome: policies.Allow},
		"respond": {
			Outcome: policies.Respond, RefusedCredential: true, TTL: time.Second,
			Response: &policies.Response{
				Status: 401, Header: http.Header{"Www-Authenticate": {`Bearer error="invalid_token"`}}, Body: []byte("no"),
			},
		},
		"unavailable": {Outcome: policies.Unavailable, Reason: "keys cannot be read"},
	}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			m, err := EncodeDecision(want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := DecodeDecision(wire(t, m, &Decision{}))
			same(t, got, want, err)
		})
	}
}

func TestG7_MalformedDecisionIsAnErrorAndNeverAnAllow(t *testing.T) {
	ok := func() *HTTPResponse { return &HTTPResponse{Status: 403} }
	person := &Principal{Issuer: "i", Subject: "s"}
	cases := map[string]*Decision{
		"nothing":                       nil,
		"no outcome":                    {},
		"no outcome but a principal":    {Principal: person},
		"unknown outcome":               {Outcome: 4, Principal: person},
		"negative outcome":              {Outcome: -1},
		"allow with a response":         {Outcome: Outcome_OUTCOME_ALLOW, Response: ok()},
		"allow with a refusal":          {Outcome: Outcome_OUTCOME_ALLOW, RefusedCredential: true},
		"allow with a long subject":     {Outcome: Outcome_OUTCOME_ALLOW, Principal: &Principal{Issuer: "i", Subject: strings.Repeat("s", MaxText+1)}},
		"allow with a long name":        {Outcome: Outcome_OUTCOME_ALLOW, Principal: &Principal{Issuer: "i", Subject: "s", Name: strings.Repeat("n", MaxText+1)}},
		"allow with many scopes":        {Outcome: Outcome_OUTCOME_ALLOW, Principal: &Principal{Issuer: "i", Subject: "s", Scopes: make([]string, MaxScopes+1)}},
		"allow with long scopes":        {Outcome: Outcome_OUTCOME_ALLOW, Principal: &Principal{Issuer: "i", Subject: "s", Scopes: []string{strings.Repeat("s", MaxText), "t"}}},
		"allow without subject":         {Outcome: Outcome_OUTCOME_ALLOW, Principal: &Principal{Issuer: "i"}},
		"allow without issuer":          {Outcome: Outcome_OUTCOME_ALLOW, Principal: &Principal{Subject: "s"}},
		"allow with a negative ttl":     {Outcome: Outcome_OUTCOME_ALLOW, Ttl: -1},
		"allow with 17 tags":            {Outcome: Outcome_OUTCOME_ALLOW, Tags: strings.Split(strings.Repeat("a,", 16)+"a", ",")},
		"allow with an empty tag":       {Outcome: Outcome_OUTCOME_ALLOW, Tags: []string{""}},
		"allow with a long tag":         {Outcome: Outcome_OUTCOME_ALLOW, Tags: []string{strings.Repeat("a", MaxTag+1)}},
		"allow with a split header":     {Outcome: Outcome_OUTCOME_ALLOW, SetHeader: field("X-A", "a\r\nAuthorization: b")},
		"allow with a bad header name":  {Outcome: Outcome_OUTCOME_ALLOW, SetHeader: field("X A", "a")},
		"allow with a header twice":     {Outcome: Outcome_OUTCOME_ALLOW, SetHeader: append(field("X-A", "a"), field("x-a", "b")...)},
		"allow with too much header":    {Outcome: Outcome_OUTCOME_ALLOW, SetHeader: field("X-A", strings.Repeat("a", MaxHeader))},
		"respond without response":      {Outcome: Outcome_OUTCOME_RESPOND},
		"respond with a principal":      {Outcome: Outcome_OUTCOME_RESPOND, Response: ok(), Principal: person},
		"respond with header changes":   {Outcome: Outcome_OUTCOME_RESPOND, Response: ok(), SetHeader: field("X-A", "a")},
		"respond with status 0":         {Outcome: Outcome_OUTCOME_RESPOND, Response: &HTTPResponse{}},
		"respond with status 101":       {Outcome: Outcome_OUTCOME_RESPOND, Response: &HTTPResponse{Status: 101}},
		"respond with status 600":       {Outcome: Outcome_OUTCOME_RESPOND, Response: &HTTPResponse{Status: 600}},
		"respond with a long body":      {Outcome: Outcome_OUTCOME_RESPOND, Response: &HTTPResponse{Status: 403, Body: make([]byte, MaxBody+1)}},
		"respond with a split header":   {Outcome: Outcome_OUTCOME_RESPOND, Response: &HTTPResponse{Status: 403, Header: field("A", "\n")}},
		"unavailable with a ttl":        {Outcome: Outcome_OUTCOME_UNAVAILABLE, Ttl: 1},
		"unavailable with a principal":  {Outcome: Outcome_OUTCOME_UNAVAILABLE, Principal: person},
		"unavailable with a response":   {Outcome: Outcome_OUTCOME_UNAVAILABLE, Response: ok()},
		"unavailable with a long story": {Outcome: Outcome_OUTCOME_UNAVAILABLE, Reason: strings.Repeat("a", MaxText+1)},
	}
	for name, m := range cases {
		t.Run(name, func(t *testing.T) {
			d, err := DecodeDecision(m)
			if err == nil {
				t.Fatalf("accepted as %+v", d)
			}
			if diff := cmp.Diff(policies.Decision{}, d); diff != "" {
				t.Errorf("an error came with a decision:\n%s", diff)
			}
		})
	}
}

func field(name, value string) []*Header {
	return []*Header{{Name: name, Values: [][]byte{[]byte(value)}}}
}

func TestMalformedDecisionIsNotSent(t *testing.T) {
	if _, err := EncodeDecision(policies.Decision{}); err == nil {
		t.Error("the zero decision was encoded")
	}
	wide := policies.Decision{Outcome: policies.Outcome(math.MaxUint32 + 1 + int(policies.Allow))}
	if _, err := EncodeDecision(wide); err == nil {
		t.Error("an outcome that would be cut to an allow was encoded")
	}
}

func TestMalformedReportsAndInputs(t *testing.T) {
	reports := map[string]*Report{
		"nothing":           nil,
		"relative path":     {Paths: []*Path{{Path: "oauth/token"}}},
		"path with a query": {Paths: []*Path{{Path: "/a?b"}}},
		"path with a space": {Paths: []*Path{{Path: "/a b"}}},
		"bad option":        {Paths: []*Path{{Path: "/a", Option: "at"}}},
		"endless option":    {Paths: []*Path{{Path: "/a", Option: "/" + strings.Repeat("a", MaxText)}}},
		"bad pointer":       {Problems: []*Problem{{Pointer: "scope"}}},
		"endless route":     {Problems: []*Problem{{Route: strings.Repeat("a", MaxText+1)}}},
		"endless text":      {Notes: []*Problem{{Text: strings.Repeat("a", MaxText+1)}}},
		"relative file":     {Files: []string{"ca.pem"}},
		"endless fact":      {Facts: []*Fact{{Value: strings.Repeat("a", MaxText+1)}}},
		"bad header":        {Vary: map[string]*Vary{"a": {Headers: []string{"X A"}}}},
	}
	for name, m := range reports {
		if r, err := DecodeReport(m); err == nil {
			t.Errorf("%s: accepted as %+v", name, r)
		}
	}
	inputs := map[string]*Input{
		"nothing":        nil,
		"no name":        {Options: []byte("{}")},
		"no options":     {Name: "a"},
		"bad options":    {Name: "a", Options: []byte("{")},
		"route w/o id":   {Name: "a", Options: []byte("{}"), Routes: []*Route{{Path: "/a"}}},
		"route w/o path": {Name: "a", Options: []byte("{}"), Routes: []*Route{{Id: "a"}}},
	}
	for name, m := range inputs {
		if in, err := DecodeInput(m); err == nil {
			t.Errorf("%s: accepted as %+v", name, in)
		}
	}
}

func TestCallWithoutTimeIsMalformed(t *testing.T) {
	if _, err := DecodeCall(&Call{RequestId: "r"}); err == nil {
		t.Error("a call without a time was accepted")
	}
}

func TestStoreThereAndBack(t *testing.T) {
	record := policies.Record{Key: "code/ab", Value: []byte{0, 1}, Version: 7, Expires: noon}
	gotRecord, err := DecodeRecord(wire(t, EncodeRecord(record), &Record{}))
	same(t, gotRecord, record, err)

	change := policies.Change{
		Puts:    []policies.Put{{Key: "a/1", Value: []byte("v"), Expires: noon}, {Key: "a/2", Expect: 3, Expires: noon}},
		Deletes: []policies.Delete{{Key: "b/1", Expect: 9}},
		Purge:   []string{"grant:1"},
	}
	m, err := EncodeChange(change)
	if err != nil {
		t.Fatal(err)
	}
	gotChange, err := DecodeChange(wire(t, m, &Change{}))
	same(t, gotChange, change, err)
}

func TestMalformedChanges(t *testing.T) {
	put := func(edit func(*policies.Put)) policies.Change {
		p := policies.Put{Key: "a/1", Value: []byte("v"), Expires: noon}
		edit(&p)
		return policies.Change{Puts: []policies.Put{p}}
	}
	cases := map[string]policies.Change{
		"no key":          put(func(p *policies.Put) { p.Key = "" }),
		"long key":        put(func(p *policies.Put) { p.Key = strings.Repeat("a", policies.MaxKey+1) }),
		"key not ASCII":   put(func(p *policies.Put) { p.Key = "a/ü" }),
		"long value":      put(func(p *policies.Put) { p.Value = make([]byte, policies.MaxValue+1) }),
		"no expiry":       put(func(p *policies.Put) { p.Expires = time.Time{} }),
		"negative expect": put(func(p *policies.Put) { p.Expect = -1 }),
		"blind delete":    {Deletes: []policies.Delete{{Key: "a/1"}}},
		"too many":        {Deletes: make([]policies.Delete, policies.MaxChanges+1)},
		"empty tag":       {Purge: []string{""}},
	}
	for name, c := range cases {
		if _, err := EncodeChange(c); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
	if _, err := DecodeChange(&Change{Puts: []*Put{{Key: "a/1"}}}); err == nil {
		t.Error("a put without expiry was decoded")
	}
}

func TestEventThereAndBack(t *testing.T) {
	want := policies.Event{
		Name: "grant.created", Outcome: "success", Issuer: "i", Subject: "s", Client: "c", Grant: "g", Resource: "r", Reason: "",
	}
	got, id, err := DecodeEvent(wire(t, EncodeEvent(want, "req-1"), &Event{}))
	same(t, got, want, err)
	if id != "req-1" {
		t.Errorf("request id = %q", id)
	}
	if _, _, err := DecodeEvent(&Event{Name: "a", Outcome: "perhaps"}); err == nil {
		t.Error("an unknown outcome was decoded")
	}
}

func TestEventTextsFromRequestsCannotStopTheEvent(t *testing.T) {
	e := policies.Event{Name: "client.refused", Outcome: "refused", Client: "\xff" + strings.Repeat("ü", MaxText)}
	got, _, err := DecodeEvent(wire(t, EncodeEvent(e, ""), &Event{}))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Client) > MaxText || !utf8.ValidString(got.Client) {
		t.Errorf("client has %d bytes, valid %v", len(got.Client), utf8.ValidString(got.Client))
	}
}

func TestTimesThereAndBack(t *testing.T) {
	farOff := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	cases := map[string]struct{ in, want time.Time }{
		"none":         {time.Time{}, time.Time{}},
		"now":          {noon, noon},
		"another zone": {noon.In(time.FixedZone("x", 3600)), noon},
		"epoch":        {time.Unix(0, 0), time.Unix(0, 1).UTC()},
		"far off":      {farOff, time.Unix(0, math.MaxInt64).UTC()},
		"long ago":     {time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC), time.Unix(0, math.MinInt64).UTC()},
	}
	for name, c := range cases {
		if got := decodeTime(encodeTime(c.in)); got != c.want {
			t.Errorf("%s: %v became %v, want %v", name, c.in, got, c.want)
		}
	}
}

func FuzzDecodeDecision(f *testing.F) {
	m, _ := EncodeDecision(policies.Decision{Outcome: policies.Allow, Principal: &policies.Principal{Issuer: "i", Subject: "s"}})
	raw, _ := proto.Marshal(m)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m Decision
		if proto.Unmarshal(raw, &m) != nil {
			return
		}
		d, err := DecodeDecision(&m)
		if err != nil {
			return
		}
		if _, err := EncodeDecision(d); err != nil {
			t.Errorf("what was decoded cannot be encoded: %v", err)
		}
	})
}
