package cors

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// asked is a request of a page, or of none.
func asked(method string, origins ...string) *http.Request {
	r := httptest.NewRequest(method, "/mcp/demo", nil)
	for _, o := range origins {
		r.Header.Add("Origin", o)
	}
	return r
}

func named(t testing.TB, s Settings) *Policy {
	t.Helper()
	p, faults := New(s)
	if p == nil {
		t.Fatal(faults)
	}
	return p
}

var methods = []string{"DELETE", "GET", "POST"}

func TestD7_PreflightAndAnswerWithoutAPolicy(t *testing.T) {
	for _, from := range []string{"https://app.example", "null"} {
		r := asked("OPTIONS", from)
		r.Header.Set("Access-Control-Request-Headers", "authorization,mcp-param-x")
		w := httptest.NewRecorder()
		if !Open().Admit(w.Header(), r, "") {
			t.Fatalf("%s is not admitted", from)
		}
		Open().Preflight(w, r, methods, methods)
		want := http.Header{
			"Access-Control-Allow-Origin":  {"*"},
			"Access-Control-Allow-Methods": {"DELETE, GET, POST"},
			"Access-Control-Allow-Headers": {"authorization,mcp-param-x"},
			"Access-Control-Max-Age":       {"600"},
			"Vary":                         {"Access-Control-Request-Headers"},
		}
		if diff := cmp.Diff(want, w.Header()); diff != "" || w.Code != http.StatusNoContent {
			t.Errorf("%s: %d, header (-want +got):\n%s", from, w.Code, diff)
		}
		h := http.Header{}
		want = http.Header{"Access-Control-Allow-Origin": {"*"}, "Access-Control-Expose-Headers": {exposed}}
		if !Open().Admit(h, asked("POST", from), "") || !cmp.Equal(want, h) {
			t.Errorf("%s: POST has %v", from, h)
		}
	}
	h := http.Header{}
	if !Open().Admit(h, asked("POST"), "") || len(h) != 0 {
		t.Errorf("a caller that is no page: %v", h)
	}
}

// D1, S70: who may call. The answer to a page that may not carries nothing by which it could be read.
func TestD1_S70_WhoIsAdmitted(t *testing.T) {
	list := Settings{AllowedOrigins: []string{"https://App.example", "https://*.example.org", "http://localhost:3000",
		"https://*.example.net:8443", "https://default.example:443", "vscode-webview://abc", "http://[::1]:5173"}}
	for _, c := range []struct {
		settings Settings
		own      string
		origins  []string
		admitted bool
		allowed  string
	}{
		{list, "", nil, true, ""},
		{list, "", []string{"https://app.example"}, true, "https://app.example"},
		{list, "", []string{"HTTPS://APP.EXAMPLE"}, true, "HTTPS://APP.EXAMPLE"},
		{list, "", []string{"https://app.example:443"}, true, "https://app.example:443"},
		{list, "", []string{"https://default.example"}, true, "https://default.example"},
		{list, "", []string{"https://a.example.org"}, true, "https://a.example.org"},
		{list, "", []string{"https://a.example.net:8443"}, true, "https://a.example.net:8443"},
		{list, "", []string{"http://localhost:3000"}, true, "http://localhost:3000"},
		{list, "", []string{"vscode-webview://abc"}, true, "vscode-webview://abc"},
		{list, "", []string{"http://[::1]:5173"}, true, "http://[::1]:5173"},
		{list, "https://mcp.example", []string{"https://mcp.example"}, true, ""},

		{list, "", []string{"null"}, false, ""},
		{list, "", []string{""}, false, ""},
		{list, "", []string{"https://evil.example"}, false, ""},
		{list, "", []string{"http://app.example"}, false, ""},
		{list, "", []string{"https://app.example:8443"}, false, ""},
		{list, "", []string{"https://app.example/"}, false, ""},
		{list, "", []string{"https://app.example.evil.example"}, false, ""},
		{list, "", []string{"https://evilapp.example"}, false, ""},
		{list, "", []string{"https://example.org"}, false, ""},
		{list, "", []string{"https://.example.org"}, false, ""},
		{list, "", []string{"https://a.b.example.org"}, false, ""},
		{list, "", []string{"https://evilexample.org"}, false, ""},
		{list, "", []string{"https://a.example.org.evil.example"}, false, ""},
		{list, "", []string{"https://*.example.org"}, false, ""},
		{list, "", []string{"https://a.example.net"}, false, ""},
		{list, "", []string{"http://localhost.evil:3000"}, false, ""},
		{list, "", []string{"http://localhost:30000"}, false, ""},
		{list, "", []string{"https://app.example, https://evil.example"}, false, ""},
		{list, "", []string{"https://app.example", "https://evil.example"}, false, ""},
		{list, "", []string{"https://app.example@evil.example"}, false, ""},
		{list, "", []string{"https://app.example\\@evil.example"}, false, ""},
		{list, "https://mcp.example", []string{"http://mcp.example"}, false, ""},
		{list, "https://mcp.example", []string{"null"}, false, ""},
		{Settings{AllowedOrigins: []string{"*"}}, "", []string{"https://any.example"}, true, "*"},
		{Settings{AllowedOrigins: []string{"*"}}, "", []string{"null"}, false, ""},
		{Settings{AllowedOrigins: []string{"*"}}, "", nil, true, ""},
	} {
		for _, method := range []string{"POST", "GET", "DELETE", "OPTIONS", "PUT"} {
			h := http.Header{}
			p := named(t, c.settings)
			if got := p.Admit(h, asked(method, c.origins...), c.own); got != c.admitted || h.Get("Access-Control-Allow-Origin") != c.allowed {
				t.Errorf("%s from %q: admitted %v, header %v; want %v, %q", method, c.origins, got, h, c.admitted, c.allowed)
			}
			wide := slices.Contains(c.settings.AllowedOrigins, "*")
			if varies := h.Get("Vary") == "Origin"; varies == wide {
				t.Errorf("%s from %q: Vary is %q", method, c.origins, h["Vary"])
			}
			if !c.admitted && len(h) != len(h["Vary"]) {
				t.Errorf("%s from %q is refused with %v", method, c.origins, h)
			}
		}
	}
}

func TestD7_WhatANamedPolicyAllows(t *testing.T) {
	hour := 3600
	p := named(t, Settings{AllowedOrigins: []string{"https://app.example"}, AllowedMethods: []string{"POST", "PUT"},
		AllowedHeaders: []string{"Authorization", "X-Mine"}, ExposeHeaders: []string{"X-Rate"}, MaxAge: &hour, AllowCredentials: true})
	r := asked("OPTIONS", "https://app.example")
	r.Header.Set("Access-Control-Request-Headers", "x-other")
	w := httptest.NewRecorder()
	p.Admit(w.Header(), r, "")
	p.Preflight(w, r, methods, methods)
	if diff := cmp.Diff(http.Header{
		"Access-Control-Allow-Origin":      {"https://app.example"},
		"Access-Control-Allow-Credentials": {"true"},
		"Access-Control-Allow-Methods":     {"POST"},
		"Access-Control-Allow-Headers":     {"Authorization, X-Mine"},
		"Access-Control-Max-Age":           {"3600"},
		"Vary":                             {"Origin"},
	}, w.Header()); diff != "" {
		t.Errorf("preflight (-want +got):\n%s", diff)
	}
	h := http.Header{}
	p.Admit(h, asked("POST", "https://app.example"), "")
	if diff := cmp.Diff(http.Header{
		"Access-Control-Allow-Origin":      {"https://app.example"},
		"Access-Control-Allow-Credentials": {"true"},
		"Access-Control-Expose-Headers":    {exposed + ", X-Rate"},
		"Vary":                             {"Origin"},
	}, h); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Content-Type", "MCP-Protocol-Version", "Mcp-Session-Id", "Last-Event-ID", "Mcp-Method", "Mcp-Name"},
		p.Lacks()); diff != "" {
		t.Errorf("lacks (-want +got):\n%s", diff)
	}
	if lacks := named(t, Settings{AllowedOrigins: []string{"*"}, AllowedHeaders: []string{"X", "*"}}).Lacks(); lacks != nil {
		t.Errorf("* lacks %v", lacks)
	}
}

func TestPreflightReflectsOnlyHeaderNames(t *testing.T) {
	for _, ask := range []string{"a;b", "a\r\nb", strings.Repeat("a", maxHeaders+1)} {
		r := asked("OPTIONS", "https://app.example")
		r.Header.Set("Access-Control-Request-Headers", ask)
		w := httptest.NewRecorder()
		Open().Admit(w.Header(), r, "")
		Open().Preflight(w, r, nil, nil)
		if got := w.Header().Get("Access-Control-Allow-Headers"); got != "" {
			t.Errorf("reflected %q", got)
		}
	}
}

func TestOptionsWithoutAPage(t *testing.T) {
	w := httptest.NewRecorder()
	p := named(t, Settings{AllowedOrigins: []string{"https://app.example"}})
	r := asked("OPTIONS")
	if !p.Admit(w.Header(), r, "") {
		t.Fatal("not admitted")
	}
	p.Preflight(w, r, []string{"POST"}, methods)
	if w.Code != http.StatusNoContent || w.Header().Get("Allow") != "DELETE, GET, POST, OPTIONS" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		settings Settings
		want     []Fault
	}{
		"no origins":           {Settings{}, []Fault{{"allowedOrigins", -1, "must list at least one origin"}}},
		"credentials for all":  {Settings{AllowedOrigins: []string{"*"}, AllowCredentials: true}, []Fault{{"allowCredentials", -1, "must not be true where allowedOrigins has *: every page there is could act for a person"}}},
		"null":                 {Settings{AllowedOrigins: []string{"null"}}, []Fault{{"allowedOrigins", 0, "must not be null: every page can make that its origin"}}},
		"a slash":              {Settings{AllowedOrigins: []string{"https://a.example/"}}, []Fault{{"allowedOrigins", 0, "must not end in a slash: an origin has no path"}}},
		"a path":               {Settings{AllowedOrigins: []string{"*", "https://a.example/x"}}, []Fault{{"allowedOrigins", 1, "must be an origin, such as https://app.example.com, https://*.example.com or *"}}},
		"no scheme":            {Settings{AllowedOrigins: []string{"a.example"}}, []Fault{{"allowedOrigins", 0, "must be an origin, such as https://app.example.com, https://*.example.com or *"}}},
		"empty":                {Settings{AllowedOrigins: []string{""}}, []Fault{{"allowedOrigins", 0, "must be an origin, such as https://app.example.com, https://*.example.com or *"}}},
		"port 0":               {Settings{AllowedOrigins: []string{"https://a.example:0"}}, []Fault{{"allowedOrigins", 0, "must be an origin, such as https://app.example.com, https://*.example.com or *"}}},
		"letters of others":    {Settings{AllowedOrigins: []string{"https://größe.example"}}, []Fault{{"allowedOrigins", 0, "must be an origin, such as https://app.example.com, https://*.example.com or *"}}},
		"* within a label":     {Settings{AllowedOrigins: []string{"https://a*.example.com"}}, []Fault{{"allowedOrigins", 0, "may have * only as the whole first label, as in https://*.example.com"}}},
		"two levels":           {Settings{AllowedOrigins: []string{"https://*.*.example.com"}}, []Fault{{"allowedOrigins", 0, "may have * only as the whole first label, as in https://*.example.com"}}},
		"any host":             {Settings{AllowedOrigins: []string{"https://*"}}, []Fault{{"allowedOrigins", 0, "may have * only as the whole first label, as in https://*.example.com"}}},
		"any port":             {Settings{AllowedOrigins: []string{"http://localhost:*"}}, []Fault{{"allowedOrigins", 0, "may have * only as the whole first label, as in https://*.example.com"}}},
		"below a public label": {Settings{AllowedOrigins: []string{"https://*.com"}}, []Fault{{"allowedOrigins", 0, "must have at least two labels after *: everybody can have a name below one"}}},
		"methods": {Settings{AllowedOrigins: []string{"*"}, AllowedMethods: []string{"post", "A B", "PSOT", "*", "7", "PUT"}}, []Fault{
			{"allowedMethods", 0, "must be in capitals, as methods are"}, {"allowedMethods", 1, "must be a method, such as POST"},
			{"allowedMethods", 2, `is no method of HTTP: did you mean "POST"?`}, {"allowedMethods", 4, "is no method of HTTP"},
		}},
		"headers":    {Settings{AllowedOrigins: []string{"*"}, AllowedHeaders: []string{"a:b"}, ExposeHeaders: []string{""}}, []Fault{{"allowedHeaders", 0, "must be the name of a header, such as Mcp-Session-Id"}, {"exposeHeaders", 0, "must be the name of a header, such as Mcp-Session-Id"}}},
		"expose all": {Settings{AllowedOrigins: []string{"https://a.example"}, ExposeHeaders: []string{"*"}, AllowCredentials: true}, []Fault{{"exposeHeaders", -1, "must name each header where allowCredentials is true: * is a header's name then"}}},
	} {
		p, faults := New(c.settings)
		if diff := cmp.Diff(c.want, faults); diff != "" || p != nil {
			t.Errorf("%s: faults (-want +got):\n%s", name, diff)
		}
	}
	for _, good := range []string{"http://*.localhost:3000", "https://*.example.com", "capacitor://localhost", "HTTPS://A.example:8443"} {
		if _, faults := New(Settings{AllowedOrigins: []string{good}}); len(faults) > 0 {
			t.Errorf("%s: %v", good, faults)
		}
	}
}
