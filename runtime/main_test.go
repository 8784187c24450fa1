package runtime_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"testing"
	"time"

	"durward/policies"
	"durward/policies/sdk"
)

// TestMain makes the test's executable a policy's process when it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "as-policy" {
		sdk.Serve(guardType{})
		// On the race detector a process sleeps for a second before it exits. This one has nothing left to do.
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	os.Exit(m.Run())
}

// guardType is the policy type of these tests. It decides by the credential, tells the upstream what it was asked, and
// waits at the test's gate where it is told to.
type guardType struct{}

// guardOptions are its options.
type guardOptions struct {
	// Mark distinguishes one configuration from another and is told to everybody.
	Mark string `json:"mark,omitempty"`
	// Secret is one, and does nothing.
	Secret string `json:"secret,omitempty"`
	// Gate is the URL of the test's gate.
	Gate string `json:"gate,omitempty"`
	// File is read when the process is configured, and told to the upstream. One that says "bad" is refused.
	File string `json:"file,omitempty"`
	// Start is what happens when the process is configured: "die", or "error" after the gate was told.
	Start string `json:"start,omitempty"`
	// Deny is an MCP method that is refused.
	Deny string `json:"deny,omitempty"`
	// Subject and Email are the principal's; without Subject it is "somebody".
	Subject string `json:"subject,omitempty"`
	Email   string `json:"email,omitempty"`
	// Nobody: it authenticates, and names nobody all the same.
	Nobody bool `json:"nobody,omitempty"`
	// Open: it does not authenticate, and names nobody.
	Open bool `json:"open,omitempty"`
	// Life is how long the principal's credential lives from each decision on, in milliseconds; 0: it is not known.
	Life int `json:"life,omitempty"`
	// TTL is how long decisions hold, in seconds.
	TTL int `json:"ttl,omitempty"`
	// Vary is the report's, by route. Routes that are not in it vary by Authorization.
	Vary map[string]policies.Vary `json:"vary,omitempty"`
}

const guardSchema = `{"type":"object","additionalProperties":false,"properties":{
	"mark":{"type":"string"},"secret":{"type":"string","writeOnly":true},"gate":{"type":"string"},"file":{"type":"string"},
	"start":{"type":"string"},"subject":{"type":"string"},"email":{"type":"string"},"nobody":{"type":"boolean"},"open":{"type":"boolean"},
	"deny":{"type":"string"},"ttl":{"type":"integer"},"life":{"type":"integer"},"vary":{"type":"object"}}}`

func (guardType) Describe() policies.Description {
	return policies.Description{Type: "test-guard-inbound", Options: json.RawMessage(guardSchema)}
}

func (guardType) Validate(in policies.Input) policies.Report {
	var o guardOptions
	if err := json.Unmarshal(in.Options, &o); err != nil {
		return policies.Report{Problems: []policies.Problem{{Text: "options cannot be read"}}}
	}
	report := policies.Report{Authenticates: !o.Open, Vary: make(map[string]policies.Vary)}
	for _, r := range in.Routes {
		vary, ok := o.Vary[r.ID]
		if !ok {
			vary.Headers = []string{"Authorization"}
		}
		report.Vary[r.ID] = vary
	}
	for _, path := range []string{"echo", "hold", "fail", "revoke"} {
		report.Paths = append(report.Paths, policies.Path{Path: "/" + in.Name + "/" + path})
	}
	report.Paths = append(report.Paths, policies.Path{Path: "/" + in.Name + "/operator", Admin: true})
	if o.File != "" {
		report.Files = []string{o.File}
	}
	return report
}

func (guardType) Configure(ctx context.Context, in policies.Input, host policies.Host) (policies.Policy, error) {
	g := guard{name: in.Name, store: host.Store}
	if err := json.Unmarshal(in.Options, &g.guardOptions); err != nil {
		return nil, err
	}
	if g.File != "" {
		content, err := os.ReadFile(g.File)
		if err != nil {
			return nil, err
		}
		if string(content) == "bad" {
			return nil, errors.New("the file is bad")
		}
		g.content = string(content)
	}
	if g.Start == "die" {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	if g.Start != "" {
		if err := g.visit(ctx, "start"); err != nil {
			return nil, err
		}
		return nil, errors.New("told not to start")
	}
	return &g, nil
}

// guard is a configured policy.
type guard struct {
	guardOptions
	name    string
	content string // of File
	store   policies.Store
}

// visit tells the gate who comes, and waits until it opens.
func (g *guard) visit(ctx context.Context, why string) error {
	query := url.Values{"why": {why}, "mark": {g.Mark}, "pid": {fmt.Sprint(os.Getpid())}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.Gate+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// Evaluate does what the credential says.
func (g *guard) Evaluate(ctx context.Context, r policies.Request) (policies.Decision, error) {
	seen, err := json.Marshal(r)
	if err != nil {
		return policies.Decision{}, err
	}
	allow := policies.Decision{
		Outcome:   policies.Allow,
		Principal: &policies.Principal{Issuer: "test", Subject: cmp.Or(g.Subject, "somebody"), Email: g.Email},
		TTL:       time.Duration(g.TTL) * time.Second,
		Tags:      []string{tagOf(r.Header.Get("Authorization"))},
		SetHeader: http.Header{"X-Policy": {g.name}, "X-Mark": {g.Mark}, "X-Seen": {string(seen)}, "X-File": {g.content}},
	}
	if g.Life > 0 {
		allow.Principal.Expires = policies.CallFrom(ctx).Time.Add(time.Duration(g.Life) * time.Millisecond)
	}
	if g.Nobody || g.Open {
		allow.Principal = nil
	}
	if g.Deny != "" && r.Method == g.Deny {
		return refusal(http.StatusForbidden, "not this method"), nil
	}
	if _, err := g.store.Get(ctx, revokedKey(r.Header.Get("Authorization"))); err == nil {
		return refusal(http.StatusUnauthorized, "taken back"), nil
	} else if !errors.Is(err, policies.ErrNotFound) {
		return policies.Decision{}, err
	}
	switch r.Header.Get("Authorization") {
	case "Bearer refused":
		return refusal(http.StatusUnauthorized, "not you"), nil
	case "Bearer error":
		return policies.Decision{}, errors.New("cannot decide: secret detail")
	case "Bearer unavailable":
		return policies.Decision{Outcome: policies.Unavailable, Reason: "the keys cannot be had"}, nil
	case "Bearer nothing":
		return policies.Decision{}, nil
	case "Bearer held":
		return allow, g.visit(ctx, "evaluate")
	case "Bearer exchanged":
		allow.SetHeader.Set("Authorization", "Bearer of the upstream")
	}
	return allow, nil
}

// tagOf is the tag of decisions on a credential.
func tagOf(credential string) string { return "of " + credential }

// revokedKey is where it stands that a credential was taken back.
func revokedKey(credential string) string { return "revoked/of-" + url.QueryEscape(credential) }

// revoke takes back what the query's credential is worth; or with "again", which says that nothing of it has changed, only
// the decisions on it.
func (g *guard) revoke(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	credential := query.Get("credential")
	c := policies.Change{Purge: []string{tagOf(credential)}}
	if !query.Has("again") {
		c.Puts = []policies.Put{{
			Key: revokedKey(credential), Value: []byte("{}"), Expires: policies.CallFrom(r.Context()).Time.Add(time.Hour),
		}}
	}
	if err := g.store.Commit(r.Context(), c); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func refusal(status int, text string) policies.Decision {
	return policies.Decision{Outcome: policies.Respond, Response: &policies.Response{
		Status: status, Header: http.Header{"X-Refused-By": {"guard"}}, Body: []byte(text),
	}}
}

// ServeHTTP serves the paths. Each answer says by which process it was made.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Mark", g.Mark)
	w.Header().Set("X-Pid", fmt.Sprint(os.Getpid()))
	switch r.URL.Path {
	case "/" + g.name + "/echo":
		prefix := policies.CookiePrefix(g.name, policies.CallFrom(r.Context()).Origin)
		w.Header().Add("Set-Cookie", prefix+"mine=1; Path=/")
		w.Header().Add("Set-Cookie", "session=stolen; Path=/")
		w.Header().Add("Set-Cookie", "dw-other-theirs=1; Path=/")
		_ = json.NewEncoder(w).Encode(r.Header)
	case "/" + g.name + "/hold":
		if err := g.visit(r.Context(), "hold"); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, "held")
	case "/" + g.name + "/revoke":
		g.revoke(w, r)
	case "/" + g.name + "/fail":
		panic("told to fail")
	case "/" + g.name + "/operator":
		_, _ = io.WriteString(w, "for operators")
	}
}
