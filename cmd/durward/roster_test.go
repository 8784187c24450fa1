package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// operated runs the command against a gateway that answers so to METHOD PATH?QUERY, and 404 to all else.
func operated(t *testing.T, answers map[string]string, args ...string) (status int, out, errOut string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.Method+" "+r.URL.RequestURI()]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if strings.HasPrefix(answer, "503") {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	var stdout, stderr bytes.Buffer
	address := strings.TrimPrefix(server.URL, "http://")
	status = run(append(args, "--admin", address), &stdout, &stderr)
	return status, stdout.String(), strings.ReplaceAll(stderr.String(), address, "ADDRESS")
}

// policiesOf is a gateway's status with these policies in processes, and one that runs inside the host.
func policiesOf(names ...string) string {
	type policy struct {
		Name  string `json:"name"`
		State string `json:"state"`
	}
	all := []policy{{"headers", "in host"}}
	for _, name := range names {
		all = append(all, policy{name, "running"})
	}
	text, _ := json.Marshal(map[string]any{"policies": all}) // texts always encode
	return string(text)
}

const (
	generation = "GET /-/generation"
	clients    = "/-/policies/clerk/clients?"
	grants     = "/-/policies/clerk/grants?"
)

// A list comes in parts. Clients with metadata documents are known by what people have allowed them.
func TestClientsComeInParts(t *testing.T) {
	const none, some = `{"clients":[]}`, `{"clients":[{"id":"dw-1","name":"One","hosts":["one.example"],"auth_method":"client_secret_basic"}]`
	answers := map[string]string{
		generation:                    policiesOf("clerk"),
		"GET " + clients:              some + `,"next":"ab"}`,
		"GET " + clients + "after=ab": `{"clients":[],"next":"c/d"}`,
		"GET " + clients + "after=c%2Fd": `{"clients":[{"id":"dw-2","hosts":["localhost"],"auth_method":"private_key_jwt","unused":true,` +
			`"registered":"2026-11-23T23:59:59-05:00","expires":"2027-02-21T00:00:00Z"}]}`,
		"GET " + grants: `{"grants":[{"client":"dw-1","client_name":"One"},` +
			`{"client":"https://app.example.com/c.json","client_name":"Ev\u009b\u202eil","client_host":"app.example.com"}],"next":"x"}`,
		"GET " + grants + "after=x": `{"grants":[{"client":"https://app.example.com/c.json","client_name":"Ev\u009b\u202eil"}]}`,
	}
	status, out, errOut := operated(t, answers, "clients", "list")
	want := "NAME    HOSTS            KIND      USED   REGISTERED  ENDS        CLIENT\n" +
		"One     one.example      secret    yes    -           -           dw-1\n" +
		"-       localhost        key       never  2026-11-24  2027-02-21  dw-2\n" +
		"Ev\uFFFD\uFFFDil  app.example.com  document  yes    -           -           https://app.example.com/c.json\n"
	if status != 0 || out != want || errOut != "" {
		t.Errorf("status %d, %s\n%swant\n%s", status, errOut, out, want)
	}
	status, out, errOut = operated(t, answers, "clients", "list", "--json")
	lines := strings.Split(out, "\n")
	if status != 0 || errOut != "" || len(lines) != 4 ||
		lines[0] != `{"id":"dw-1","name":"One","hosts":["one.example"],"auth_method":"client_secret_basic"}` ||
		lines[2] != `{"id":"https://app.example.com/c.json","name":"Ev\u009b\u202eil","hosts":["app.example.com"]}` {
		t.Errorf("status %d, %s\n%s", status, errOut, out)
	}
	answers["GET "+clients] = none
	answers["GET "+grants] = `{"grants":[]}`
	if status, out, errOut := operated(t, answers, "clients", "list"); status != 0 || out != "No clients\n" || errOut != "" {
		t.Errorf("none: status %d, %s %s", status, out, errOut)
	}
}

// A revocation goes on until all has been looked at, and says how far it came.
func TestRevocationsComeInParts(t *testing.T) {
	answers := map[string]string{
		generation: policiesOf("clerk"),
		"DELETE " + clients + "client=https%3A%2F%2Fapp.example.com%2Fc.json":         `{"unregistered":false,"revoked":2,"next":"x"}`,
		"DELETE " + clients + "after=x&client=https%3A%2F%2Fapp.example.com%2Fc.json": `{"unregistered":false,"revoked":1}`,
		"DELETE " + clients + "client=dw-1":                                           `{"unregistered":true,"revoked":1,"next":"x"}`,
		"DELETE " + clients + "after=x&client=dw-1":                                   `503 the disk is full`,
		"DELETE " + clients + "client=dw-2":                                           `{"unregistered":false,"revoked":2}`,
		"DELETE " + grants + "client=dw-1&subject=alice":                              `{"revoked":500,"next":"x"}`,
		"DELETE " + grants + "after=x&client=dw-1&subject=alice":                      `{"revoked":1}`,
	}
	for _, tt := range []struct {
		args        string
		status      int
		out, errOut string
	}{
		{"clients revoke https://app.example.com/c.json", 0, "3 grants of https://app.example.com/c.json revoked\n" +
			`It has no registration and can ask anew: to keep it out, set "clients": { "deny": ["app.example.com"] } in the policy's option gateway` + "\n", ""},
		{"clients revoke dw-1", 1, "", "durward: the gateway at ADDRESS answered 503: 503 the disk is full " +
			"(1 grant revoked until then: say it again for the rest)\n"},
		{"clients revoke dw-2", 0, "Client dw-2: 2 grants of it are revoked\n", ""},
		{"grants revoke --subject alice --client dw-1", 0, "501 grants revoked\n", ""},
	} {
		status, out, errOut := operated(t, answers, strings.Fields(tt.args)...)
		if status != tt.status || out != tt.out || errOut != tt.errOut {
			t.Errorf("%s: status %d\n%s%s", tt.args, status, out, errOut)
		}
	}
}

func TestRosterPicksThePolicy(t *testing.T) {
	for _, tt := range []struct {
		policies []string
		args     string
		status   int
		errOut   string
	}{
		{nil, "grants list", 1, "durward: the gateway at ADDRESS has no policy that signs people in\n"},
		{[]string{"clerk"}, "grants list", 0, ""},
		{[]string{"clerk", "other"}, "grants list --policy clerk", 0, ""},
		{[]string{"clerk", "staff"}, "grants list", 1,
			"durward: the gateway at ADDRESS has several policies: name one with --policy: clerk, staff\n"},
		{[]string{"clerk", "staff"}, "grants list --policy headers", 1,
			"durward: the gateway at ADDRESS has no policy headers that signs people in: name one with --policy: clerk, staff\n"},
		{[]string{"staff"}, "grants list", 1,
			"durward: policy staff of the gateway at ADDRESS does not sign people in, or is older than this command\n"},
	} {
		status, _, errOut := operated(t, map[string]string{
			generation: policiesOf(tt.policies...), "GET " + grants: `{"grants":[]}`,
		}, strings.Fields(tt.args)...)
		if status != tt.status || errOut != tt.errOut {
			t.Errorf("%v: %s: status %d, %s", tt.policies, tt.args, status, errOut)
		}
	}
}

// What answers nonsense is believed nothing, and cannot have the command ask for ever.
func TestRosterDoubtsAnswers(t *testing.T) {
	for answer, want := range map[string]string{
		"<html>":                            "durward: what ADDRESS answered is no list: ",
		`{"grants":[{"created":"lately"}]}`: "durward: print list: ",
		`{"grants":[],"next":"x"}`:          "",
	} {
		status, out, errOut := operated(t, map[string]string{
			generation: policiesOf("clerk"), "GET " + grants: answer, "GET " + grants + "after=x": answer,
		}, "grants", "list")
		if (status == 0) != (want == "") || !strings.HasPrefix(errOut, want) {
			t.Errorf("%s: status %d\n%s%s", answer, status, out, errOut)
		}
	}
}

// An answer without an end is not taken for a list that is none.
func TestAnswersAreBounded(t *testing.T) {
	status, _, errOut := operated(t, map[string]string{
		generation: policiesOf("clerk"), "GET " + grants: strings.Repeat(" ", maxAnswer+1),
	}, "grants", "list")
	want := "durward: the answer of ADDRESS is larger than 64 MiB: is it the admin address of a gateway?\n"
	if status != 1 || errOut != want {
		t.Errorf("status %d, %s", status, errOut)
	}
}

// Of clients with metadata documents so many are told apart, and that there are more is said.
func TestDocumentsAreBounded(t *testing.T) {
	var many []string
	for n := range maxDocuments + 5 {
		many = append(many, fmt.Sprintf(`{"client":"https://%d.example/c.json"}`, n))
	}
	status, out, errOut := operated(t, map[string]string{
		generation: policiesOf("clerk"), "GET " + clients: `{}`, "GET " + grants: `{"grants":[` + strings.Join(many, ",") + `]}`,
	}, "clients", "list")
	if status != 0 || strings.Count(out, "\n") != maxDocuments+1 ||
		errOut != "durward: of clients with metadata documents only 10000 are listed\n" {
		t.Errorf("status %d, %d lines, %s", status, strings.Count(out, "\n"), errOut)
	}
}
