package secrets

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/oauth2"

	"durward/conformance/clienthost"
	"durward/conformance/gateway"
	"durward/runtime"
)

const policy = "clerk"

// TestG10_EverythingThatIsUsed keeps a secret in every option that may hold one, in each of the ways to write it, uses
// them all, and provokes whatever can go wrong beside them. Then it looks at everything that can be seen.
func TestG10_EverythingThatIsUsed(t *testing.T) {
	record := &recorder{next: http.DefaultTransport, learned: newHunt()}
	h := newHunt()
	g := gateway.Start(t, func(g *gateway.Gateway) {
		issuer := strings.TrimPrefix(g.Parts.Issuer(), "http://")
		record.gateway = func(host string) bool { return host != issuer }
		g.Transport = record
		short(t, g)
		// The client's secret is one that the provider knows: literal text with a variable in it.
		g.Save(policies, strings.Replace(g.Read(policies), "$env(CLERK_CLIENT_SECRET)", gateway.Canary+"-$env(CANARY_REST)", 1))
		g.Setenv("CANARY_REST", "client-secret")
		g.Save(settings, `{"adminToken": "$env(CANARY_ADMIN)"}`)
		g.AdminToken = canary("admin-token")
		g.Setenv("CANARY_ADMIN", g.AdminToken)
		g.Setenv("CANARY_UNUSED", canary("environment"))
	})
	u := user{t: t, g: g}
	c := u.signInAndCall()
	u.refuseClients(c)
	u.refuseServices()
	u.refuseOperators()
	u.breakReloads()
	u.killPolicy()
	lookAtProcess(t, h, record.learned, g.Policy(policy).PID)
	u.loseUpstream(c)
	u.status(http.StatusOK, u.send(http.MethodGet, g.Admin+"/metrics", nil, http.Header{"Authorization": {"Bearer " + g.AdminToken}}))

	look := func(when string) {
		log := []byte(g.Log.Text())
		h.look(t, "the log "+when, log)
		record.learned.look(t, "the log "+when, log)
		record.learned.lookIn(t, g.Data)
		if size := h.lookIn(t, g.Data); size < 4<<10 {
			t.Errorf("%s there are only %d bytes of files to look through", when, size)
		}
	}
	look("while it runs")
	g.Stop()
	look("after the end")
	answers, refusals := record.look(t, h)
	if answers < 30 || refusals < 12 {
		t.Errorf("of %d answers %d refused: the gateway was hardly asked", answers, refusals)
	}
}

// user does what people, clients and operators do.
type user struct {
	t *testing.T
	g *gateway.Gateway
}

func (u user) signInAndCall() *gateway.Client {
	u.t.Helper()
	c := u.g.MustLogin(u.t)
	u.status(http.StatusOK, u.call(c, c.Tokens.AccessToken))
	if err := c.Refresh(u.t.Context()); err != nil {
		u.t.Fatal(err)
	}
	u.status(http.StatusOK, u.call(c, c.Tokens.AccessToken))
	return c
}

// refuseClients presents real secrets in the wrong place, and wrong ones in the right place.
func (u user) refuseClients(c *gateway.Client) {
	t := u.t
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	answer, err := u.g.Person(t, "Grace Hopper").Allow(t.Context(), c.AuthorizeURL(verifier))
	if err != nil {
		t.Fatal(err)
	}
	code, kept := answer.Get("code"), *c.Tokens
	for _, form := range []url.Values{
		{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {oauth2.GenerateVerifier()}},
		{"grant_type": {"authorization_code"}, "code": {code + "x"}, "code_verifier": {verifier}},
		{"grant_type": {"authorization_code"}, "code": {code, code}, "code_verifier": {verifier}},
		{"grant_type": {"refresh_token"}, "refresh_token": {kept.AccessToken}},
		{"grant_type": {"refresh_token"}, "refresh_token": {kept.RefreshToken}, "scope": {"mcp:tools " + canary("scope")}},
		{"grant_type": {"refresh_token"}, "refresh_token": {kept.RefreshToken}, "client_secret": {canary("client-sends-a-secret")}},
		{"grant_type": {kept.RefreshToken}},
	} {
		form.Set("client_id", c.ID)
		u.status(0, u.send(http.MethodPost, u.g.URL+"/oauth/token", form, nil))
	}
	if err := c.Redeem(t.Context(), code, verifier); err != nil {
		t.Fatal(err)
	}
	if err := c.Redeem(t.Context(), code, verifier); err == nil { // a replay: its grant ends
		t.Error("a code was redeemed twice")
	}
	u.status(http.StatusUnauthorized, u.call(c, c.Tokens.AccessToken))
	u.status(http.StatusUnauthorized, u.call(c, kept.RefreshToken))
	u.status(http.StatusUnauthorized, u.call(c, canary("bearer-token")))
	u.status(http.StatusBadRequest, u.call(c, "two words "+canary("bearer-words")))
	c.Tokens = &kept
	for _, target := range []string{
		"/mcp/demo?access_token=" + kept.AccessToken, "/oauth/callback?state=" + canary("state") + "&code=" + canary("code"),
		"/oauth/callback?code=" + code, "/oauth/authorize?client_id=" + canary("client"), "/nowhere?token=" + kept.RefreshToken,
	} {
		u.status(0, u.send(http.MethodGet, u.g.URL+target, nil, nil))
	}
}

// refuseServices has clients that prove who they are do it, with what is right, in the wrong way, and with what is wrong.
func (u user) refuseServices() {
	t := u.t
	t.Helper()
	key := clienthost.NewEdKey(t, "k1")
	set, err := json.Marshal(clienthost.Set(key))
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	secrets := map[string]string{}
	for _, method := range []string{"client_secret_basic", "client_secret_post", "private_key_jwt"} {
		body := `{"redirect_uris":["` + gateway.RedirectURI + `"],"token_endpoint_auth_method":"` + method + `","jwks":` + string(set) + `}`
		ids[method], secrets[method] = u.register(body)
	}
	basic := func(id, secret string) http.Header {
		return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))}}
	}
	byHeader, byForm, byKey := ids["client_secret_basic"], ids["client_secret_post"], ids["private_key_jwt"]
	assertion := func(changes map[string]any) string {
		return key.Assert(t, clienthost.Claims(byKey, u.g.URL, changes))
	}
	once := assertion(nil)
	for _, path := range []string{"/oauth/token", "/oauth/introspect"} {
		post := func(form url.Values, header http.Header) {
			t.Helper()
			form.Set("grant_type", "refresh_token")
			u.status(0, u.send(http.MethodPost, u.g.URL+path, form, header))
		}
		// The first of each are right, and bring a token that is none.
		post(url.Values{}, basic(byHeader, secrets["client_secret_basic"]))
		post(url.Values{"client_id": {byForm}, "client_secret": {secrets["client_secret_post"]}}, http.Header{})
		for range 2 {
			post(url.Values{"client_assertion_type": {clienthost.AssertionType}, "client_assertion": {once}}, http.Header{})
		}
		post(url.Values{}, basic(byHeader, canary("guessed-secret")))
		post(url.Values{}, basic(canary("id-in-basic"), secrets["client_secret_basic"]))
		post(url.Values{}, basic(secrets["client_secret_basic"], byHeader)) // the one in the other's place
		post(url.Values{}, http.Header{"Authorization": {"Basic " + canary("not-base64")}})
		post(url.Values{}, http.Header{"Authorization": {"Bearer " + secrets["client_secret_basic"]}})
		post(url.Values{"client_id": {byHeader}, "client_secret": {secrets["client_secret_basic"]}}, http.Header{})
		post(url.Values{"client_id": {secrets["client_secret_post"]}}, http.Header{})
		for _, changes := range []map[string]any{
			{"aud": canary("audience")}, {"jti": canary("jti"), "exp": 1}, {"iss": canary("iss")}, {"sub": canary("sub")},
		} {
			post(url.Values{"client_assertion_type": {clienthost.AssertionType}, "client_assertion": {assertion(changes)}}, http.Header{})
		}
		post(url.Values{"client_assertion_type": {canary("type")}, "client_assertion": {canary("assertion")}}, http.Header{})
	}
}

// register registers a client, and answers its id and, if it has one, its secret.
func (u user) register(body string) (id, secret string) {
	u.t.Helper()
	r, err := http.NewRequestWithContext(u.t.Context(), http.MethodPost, u.g.URL+"/oauth/register", strings.NewReader(body))
	if err != nil {
		u.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := u.g.Transport.RoundTrip(r)
	if err != nil {
		u.t.Fatal(err)
	}
	defer resp.Body.Close()
	var client struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&client); err != nil || resp.StatusCode != http.StatusCreated {
		u.t.Fatalf("register: %s, %v", resp.Status, err)
	}
	return client.ID, client.Secret
}

// refuseOperators asks the admin listener as one who must not.
func (u user) refuseOperators() {
	u.t.Helper()
	for status, header := range map[int]http.Header{
		http.StatusUnauthorized: {"Authorization": {"Bearer " + canary("admin-guess")}},
		http.StatusForbidden:    {"Authorization": {"Bearer " + u.g.AdminToken}, "Origin": {"https://" + canary("origin")}},
	} {
		for _, path := range []string{"/-/generation", "/metrics"} {
			u.status(status, u.send(http.MethodGet, u.g.Admin+path, nil, header))
		}
	}
}

// breakReloads saves faults right beside the secrets that are in use, and takes them back.
func (u user) breakReloads() {
	u.t.Helper()
	good := map[string]string{policies: u.g.Read(policies), settings: u.g.Read(settings)}
	for _, fault := range []struct{ file, old, replacement string }{
		{policies, `$env(CANARY_REST)"`, `$env(CANARY_REST)`},
		{policies, `$env(CANARY_REST)"`, `$env(CANARY_REST) "`},
		{policies, `$env(CANARY_REST)"`, `$env(CANARY_REST)-$env(DURWARD_NOT_SET)"`},
		{policies, `"clientSecret"`, `"clientSecrets"`},
		{settings, `$env(CANARY_ADMIN)`, `$env(CANARY_ADMIN) `},
	} {
		u.g.SaveAndWait(fault.file, strings.Replace(good[fault.file], fault.old, fault.replacement, 1), runtime.Refused)
		if r := u.g.Reload(); r.Result != runtime.Refused || len(r.Problems) == 0 {
			u.t.Errorf("reload: %+v", r)
		}
		u.g.SaveAndWait(fault.file, good[fault.file], runtime.Unchanged)
	}
}

// killPolicy ends the policy's process, once so that it says what it was doing: the Go runtime writes every stack.
func (u user) killPolicy() {
	u.t.Helper()
	for round, signal := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGKILL} {
		if err := syscall.Kill(u.g.Policy(policy).PID, signal); err != nil {
			u.t.Fatal(err)
		}
		if !gateway.Within(waiting, func() bool { p := u.g.Policy(policy); return p.Restarts > round && p.State == "running" }) {
			u.t.Fatal("the policy does not come back")
		}
		u.signInAndCall()
	}
	stack := func(l gateway.Line) bool { return strings.Contains(l.Text, "goroutine ") }
	if len(u.g.Log.Lines(stack)) == 0 {
		u.t.Error("the log does not show how the policy ended")
	}
}

// loseUpstream calls a tool when the MCP server is gone.
func (u user) loseUpstream(c *gateway.Client) {
	u.t.Helper()
	if err := u.g.Parts.Close(); err != nil {
		u.t.Fatal(err)
	}
	u.status(http.StatusBadGateway, u.call(c, c.Tokens.AccessToken))
}

func (u user) call(c *gateway.Client, token string) *http.Response {
	u.t.Helper()
	resp, err := c.Send(u.t.Context(), token, "echo", `{"text":"hello"}`)
	if err != nil {
		u.t.Fatal(err)
	}
	return resp
}

func (u user) send(method, target string, form url.Values, header http.Header) *http.Response {
	u.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, target, strings.NewReader(form.Encode()))
	if err != nil {
		u.t.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := u.g.Transport.RoundTrip(r)
	if err != nil {
		u.t.Fatal(err)
	}
	return resp
}

// status wants an answer's status; 0 is any that refuses.
func (u user) status(want int, resp *http.Response) {
	u.t.Helper()
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body) // for the error alone
	if resp.StatusCode != want && (want != 0 || resp.StatusCode < 400) {
		u.t.Errorf("%s %s: %s, want %d: %s", resp.Request.Method, resp.Request.URL.Path, resp.Status, want, body)
	}
}

// short has the gateway keep its data, and so its sockets, in a folder with a short name: below the test's own the
// names of sockets would be too long.
func short(t *testing.T, g *gateway.Gateway) {
	t.Helper()
	folder, err := os.MkdirTemp("", "dw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	g.Data = folder
}

// lookAtProcess looks at what the operating system shows of the policy's process to anybody of the same user.
func lookAtProcess(t *testing.T, canaries, learned *hunt, pid int) {
	t.Helper()
	for _, name := range []string{"environ", "cmdline"} {
		path := fmt.Sprintf("/proc/%d/%s", pid, name)
		content, err := os.ReadFile(path)
		if err != nil || len(content) == 0 {
			t.Errorf("read %s: %d bytes, %v", path, len(content), err)
		}
		canaries.look(t, path, content)
		learned.look(t, path, content)
	}
}
