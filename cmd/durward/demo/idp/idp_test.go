package idp_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"durward/cmd/durward/demo/idp"
)

const (
	callback = "http://127.0.0.1:9000/oauth/callback"
	nonce    = "nonce-1"
)

var verifier = strings.Repeat("verifier-", 5)

// world is a running provider and a browser.
type world struct {
	*testing.T
	provider *idp.Provider
	config   oauth2.Config
	mu       sync.Mutex
	time     time.Time
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

func start(t *testing.T, change func(*idp.Options)) *world {
	t.Helper()
	w := &world{T: t, time: time.Now()}
	server := httptest.NewUnstartedServer(nil)
	options := idp.Options{
		Issuer: "http://" + server.Listener.Addr().String(), ClientID: "id:1", ClientSecret: "a secret%", Now: w.now,
	}
	if change != nil {
		change(&options)
	}
	provider, err := idp.New(options)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = provider
	server.Start()
	t.Cleanup(server.Close)
	w.provider = provider
	w.config = oauth2.Config{
		ClientID: provider.ClientID(), ClientSecret: provider.ClientSecret(), RedirectURL: callback,
		Scopes: []string{"openid", "profile", "email"},
		Endpoint: oauth2.Endpoint{
			AuthURL: provider.Issuer() + "/oauth/authorize", TokenURL: provider.Issuer() + "/oauth/token",
			AuthStyle: oauth2.AuthStyleInHeader,
		},
	}
	return w
}

func (w *world) authorizeURL(change func(url.Values)) string {
	u, _ := url.Parse(w.config.AuthCodeURL("state-123", oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)))
	q := u.Query()
	if change != nil {
		change(q)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// do sends a request without following redirects.
func (w *world) do(method, address string, form url.Values, header http.Header) (*http.Response, string) {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		w.Fatal(err)
	}
	r.Header = header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		w.Fatal(err)
	}
	return answer, string(body)
}

// choose signs in as person and answers what the callback got.
func (w *world) choose(person string, change func(url.Values)) url.Values {
	w.Helper()
	address := w.authorizeURL(change)
	page, body := w.do(http.MethodGet, address, nil, nil)
	if page.StatusCode != http.StatusOK {
		w.Fatalf("page: %s %s", page.Status, body)
	}
	form, _ := url.Parse(address)
	values := form.Query()
	values.Set("person", person)
	answer, body := w.do(http.MethodPost, w.config.Endpoint.AuthURL, values, http.Header{
		"Origin": {w.provider.Issuer()}, "Sec-Fetch-Site": {"same-origin"},
	})
	if answer.StatusCode != http.StatusSeeOther {
		w.Fatalf("sign-in: %s %s", answer.Status, body)
	}
	to, found := strings.CutPrefix(answer.Header.Get("Location"), callback+"?")
	if !found {
		w.Fatalf("answered at %s", answer.Header.Get("Location"))
	}
	got, err := url.ParseQuery(to)
	if err != nil {
		w.Fatal(err)
	}
	return got
}

func (w *world) exchange(code string, options ...oauth2.AuthCodeOption) (*oauth2.Token, error) {
	return w.config.Exchange(w.Context(), code, options...)
}

func TestAWholeLoginByDiscovery(t *testing.T) {
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams} {
		w := start(t, nil)
		w.config.Endpoint.AuthStyle = style
		found, err := oidc.NewProvider(t.Context(), w.provider.Issuer())
		if err != nil {
			t.Fatal(err)
		}
		got := w.choose("grace", nil)
		want := url.Values{"code": got["code"], "state": {"state-123"}, "scope": {"openid profile email"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("callback (-want +got):\n%s", diff)
		}
		tokens, err := w.exchange(got.Get("code"), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := tokens.Extra("id_token").(string)
		id, err := found.Verifier(&oidc.Config{ClientID: w.config.ClientID}).Verify(t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		var claims struct {
			Nonce, Email, Name, JTI string
			EmailVerified           bool `json:"email_verified"`
		}
		if err := id.Claims(&claims); err != nil {
			t.Fatal(err)
		}
		if id.Subject != "user_dev_grace" || claims.Nonce != nonce || claims.Email != "grace@example.com" ||
			!claims.EmailVerified || claims.Name != "Grace Hopper" || claims.JTI == "" {
			t.Errorf("%s %+v", id.Subject, claims)
		}
		for text, want := range map[string]string{raw: "JWT", tokens.AccessToken: "at+jwt"} {
			parsed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.RS256})
			if err != nil || parsed.Signatures[0].Header.ExtraHeaders["typ"] != want {
				t.Errorf("typ %v, %v, want %s", parsed.Signatures[0].Header.ExtraHeaders["typ"], err, want)
			}
		}
	}
}

func TestScopesOpenClaims(t *testing.T) {
	w := start(t, nil)
	got := w.choose("ada", func(q url.Values) { q.Del("scope") })
	tokens, err := w.exchange(got.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if tokens.Extra("id_token") != nil {
		t.Error("an ID token without the scope openid")
	}
}

func TestAuthorizationRequestsAnsweredAtTheClient(t *testing.T) {
	w := start(t, nil)
	tests := map[string]struct {
		change func(url.Values)
		want   string
	}{
		"response type":        {func(q url.Values) { q.Set("response_type", "token") }, "unsupported_response_type"},
		"short state":          {func(q url.Values) { q.Set("state", "1234567") }, "invalid_state"},
		"plain challenge":      {func(q url.Values) { q.Set("code_challenge_method", "plain") }, "invalid_request"},
		"challenge of no kind": {func(q url.Values) { q.Del("code_challenge_method") }, "invalid_request"},
		"kind of no challenge": {func(q url.Values) { q.Del("code_challenge") }, "invalid_request"},
		"unknown scope":        {func(q url.Values) { q.Set("scope", "openid admin") }, "invalid_scope"},
		"no page wanted":       {func(q url.Values) { q.Set("prompt", "none") }, "login_required"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			answer, _ := w.do(http.MethodGet, w.authorizeURL(test.change), nil, nil)
			to, _ := url.Parse(answer.Header.Get("Location"))
			if answer.StatusCode != http.StatusSeeOther || to.Query().Get("error") != test.want || to.Query().Has("code") {
				t.Errorf("%s %s, want error %s", answer.Status, to, test.want)
			}
		})
	}
	if got := w.choose("", nil); got.Get("error") != "access_denied" || got.Get("state") != "state-123" {
		t.Errorf("refusal answered %v", got)
	}
}

func TestAuthorizationRequestsNeverAnsweredElsewhere(t *testing.T) {
	w := start(t, nil)
	tests := map[string]func(url.Values){
		"unknown client":        func(q url.Values) { q.Set("client_id", "another") },
		"redirect elsewhere":    func(q url.Values) { q.Set("redirect_uri", "http://evil.example/oauth/callback") },
		"redirect neither http": func(q url.Values) { q.Set("redirect_uri", "cursor://127.0.0.1/oauth/callback") },
		"redirect https, away":  func(q url.Values) { q.Set("redirect_uri", "https://evil.example/oauth/callback") },
		"redirect other path":   func(q url.Values) { q.Set("redirect_uri", "http://127.0.0.1/oauth/callback2") },
		"redirect with query":   func(q url.Values) { q.Set("redirect_uri", callback+"?a=b") },
		"redirect with user":    func(q url.Values) { q.Set("redirect_uri", "http://127.0.0.1@evil.example/oauth/callback") },
		"redirect missing":      func(q url.Values) { q.Del("redirect_uri") },
		"two redirects":         func(q url.Values) { q.Add("redirect_uri", callback) },
		"markup in a parameter": func(q url.Values) { q.Set("client_id", "<script>") },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			answer, body := w.do(http.MethodGet, w.authorizeURL(change), nil, nil)
			if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
				t.Errorf("%s, to %q", answer.Status, answer.Header.Get("Location"))
			}
			if strings.Contains(body, "<script") {
				t.Error("the page holds a script")
			}
		})
	}
}

func TestExactRedirectURIs(t *testing.T) {
	w := start(t, func(o *idp.Options) { o.RedirectURIs = []string{callback} })
	w.choose("ada", nil)
	answer, _ := w.do(http.MethodGet, w.authorizeURL(func(q url.Values) {
		q.Set("redirect_uri", "http://127.0.0.1:9001/oauth/callback")
	}), nil, nil)
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("another port: %s", answer.Status)
	}
}

// A gateway with several policies has a callback below each one's base path.
func TestCallbackBelowABasePath(t *testing.T) {
	w := start(t, nil)
	w.choose("ada", nil)
	for uri, want := range map[string]bool{
		"http://127.0.0.1:9000/team-a/oauth/callback": true,
		"https://localhost:9000/oauth/callback":       true,
		"http://localhost:9000/a/b/oauth/callback":    true,
		"http://127.0.0.1:9000/team-oauth/callback":   false,
		"http://evil.example/team-a/oauth/callback":   false,
		"http://127.0.0.1:9000/a%2Fb/oauth/callback":  false,
	} {
		answer, _ := w.do(http.MethodGet, w.authorizeURL(func(q url.Values) { q.Set("redirect_uri", uri) }), nil, nil)
		if known := answer.StatusCode != http.StatusBadRequest; known != want {
			t.Errorf("%s: %s", uri, answer.Status)
		}
	}
}

func TestCodes(t *testing.T) {
	w := start(t, nil)
	code := func(change func(url.Values)) string { return w.choose("ada", change).Get("code") }
	plain := func(q url.Values) { q.Del("code_challenge"); q.Del("code_challenge_method") }
	tests := map[string]func() error{
		"right verifier": func() error { _, err := w.exchange(code(nil), oauth2.VerifierOption(verifier)); return err },
		"no challenge":   func() error { _, err := w.exchange(code(plain)); return err },
		"almost 10 minutes": func() error {
			c := code(nil)
			w.wait(10*time.Minute - time.Second)
			_, err := w.exchange(c, oauth2.VerifierOption(verifier))
			return err
		},
		"refused: 10 minutes": func() error {
			c := code(nil)
			w.wait(10 * time.Minute)
			_, err := w.exchange(c, oauth2.VerifierOption(verifier))
			return err
		},
		"refused: wrong verifier": func() error {
			_, err := w.exchange(code(nil), oauth2.VerifierOption(verifier+"x"))
			return err
		},
		"refused: no verifier": func() error { _, err := w.exchange(code(nil)); return err },
		"refused: verifier unasked": func() error {
			_, err := w.exchange(code(plain), oauth2.VerifierOption(verifier))
			return err
		},
		"refused: no code of ours": func() error {
			_, err := w.exchange("guess", oauth2.VerifierOption(verifier))
			return err
		},
		"refused: other redirect URI": func() error {
			_, err := w.exchange(code(nil), oauth2.VerifierOption(verifier),
				oauth2.SetAuthURLParam("redirect_uri", callback+"x"))
			return err
		},
		"refused: second use": func() error {
			c := code(nil)
			if _, err := w.exchange(c, oauth2.VerifierOption(verifier)); err != nil {
				t.Error(err)
			}
			_, err := w.exchange(c, oauth2.VerifierOption(verifier))
			return err
		},
		"refused: use after a wrong one": func() error {
			c := code(nil)
			_, _ = w.exchange(c, oauth2.VerifierOption(verifier+"x"))
			_, err := w.exchange(c, oauth2.VerifierOption(verifier))
			return err
		},
	}
	for name, try := range tests {
		t.Run(name, func(t *testing.T) {
			err := try()
			refused, _ := err.(*oauth2.RetrieveError)
			if strings.HasPrefix(name, "refused") {
				if refused == nil || refused.ErrorCode != "invalid_grant" || refused.Response.StatusCode != 400 {
					t.Errorf("error %v, want invalid_grant", err)
				}
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestS52_OneOfManyRedemptionsSucceeds(t *testing.T) {
	w := start(t, nil)
	code := w.choose("ada", nil).Get("code")
	results := make(chan error, 8)
	for range cap(results) {
		go func() { _, err := w.exchange(code, oauth2.VerifierOption(verifier)); results <- err }()
	}
	good := 0
	for range cap(results) {
		if <-results == nil {
			good++
		}
	}
	if good != 1 {
		t.Errorf("%d redemptions succeeded, want 1", good)
	}
}

func TestTokenRequestsRefused(t *testing.T) {
	w := start(t, nil)
	tests := map[string]struct {
		form   url.Values
		basic  string
		status int
		code   string
	}{
		"nobody":        {url.Values{"grant_type": {"authorization_code"}}, "", 401, "invalid_client"},
		"wrong secret":  {url.Values{"client_id": {"id:1"}, "client_secret": {"x"}}, "", 401, "invalid_client"},
		"wrong id":      {url.Values{"client_id": {"id"}, "client_secret": {"a secret%"}}, "", 401, "invalid_client"},
		"unescaped":     {nil, "id%3A1:a secret%", 401, "invalid_client"},
		"another grant": {url.Values{"grant_type": {"password"}}, "id%3A1:a+secret%25", 400, "unsupported_grant_type"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			header := http.Header{}
			if test.basic != "" {
				header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(test.basic)))
			}
			answer, body := w.do(http.MethodPost, w.config.Endpoint.TokenURL, test.form, header)
			var got struct{ Error string }
			err := json.Unmarshal([]byte(body), &got)
			if err != nil || got.Error != test.code || answer.StatusCode != test.status {
				t.Errorf("%s %s, want %d %s", answer.Status, body, test.status, test.code)
			}
		})
	}
}

func TestThePage(t *testing.T) {
	w := start(t, nil)
	evil := func(q url.Values) { q.Set("state", `"><script>alert(1)`) }
	answer, body := w.do(http.MethodGet, w.authorizeURL(evil), nil, nil)
	both := strings.Contains(body, "Ada Lovelace") && strings.Contains(body, "Grace Hopper")
	if strings.Contains(body, "<script") || !both {
		t.Errorf("page:\n%s", body)
	}
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(body)[1]
	sum := sha256.Sum256([]byte(style))
	want := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy, want) {
		t.Errorf("the style's hash is %s, the policy %s", want, policy)
	}
}

func TestForeignPagesAndHosts(t *testing.T) {
	w := start(t, nil)
	address, _ := url.Parse(w.authorizeURL(nil))
	form := address.Query()
	form.Set("person", "ada")
	tests := map[string]struct {
		method string
		header http.Header
		status int
	}{
		"form of a foreign page": {http.MethodPost, http.Header{"Origin": {"https://evil.example"}}, 403},
		"fetched cross-site":     {http.MethodPost, http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403},
		"foreign host":           {http.MethodGet, http.Header{"Host": {"evil.example"}}, 421},
		"another name for it":    {http.MethodGet, http.Header{"Host": {"localhost"}}, 421},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			answer, _ := w.do(test.method, w.config.Endpoint.AuthURL, form, test.header)
			if answer.StatusCode != test.status {
				t.Errorf("%s, want %d", answer.Status, test.status)
			}
		})
	}
}

func TestLoopbackOnly(t *testing.T) {
	for _, issuer := range []string{
		"http://192.0.2.1:4100", "http://0.0.0.0:4100", "http://[::]:4100", "http://evil.example:4100",
		"http://127.0.0.1.evil.example", "https://127.0.0.1:4100", "http://127.0.0.1:4100/", "http://127.0.0.1:4100/p", "",
	} {
		if _, err := idp.New(idp.Options{Issuer: issuer}); err == nil {
			t.Errorf("made for %q", issuer)
		}
	}
	w := start(t, nil)
	r := httptest.NewRequest(http.MethodGet, w.provider.Issuer()+"/.well-known/jwks.json", nil)
	for address, want := range map[string]int{"192.0.2.1:80": 403, "127.0.0.1:80": 200, "[::1]:80": 200} {
		local, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		got := httptest.NewRecorder()
		w.provider.ServeHTTP(got, r.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, local)))
		if got.Code != want {
			t.Errorf("reached at %s: %d, want %d", address, got.Code, want)
		}
	}
}
