package demo

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// record keeps every token and code that passed.
type record struct {
	mu      sync.Mutex
	secrets []string
}

func (s *record) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, err := answer.Location(); err == nil && at.Query().Has("code") {
		s.secrets = append(s.secrets, at.Query().Get("code"))
	}
	if strings.HasSuffix(r.URL.Path, "/oauth/token") {
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			return nil, err
		}
		for _, found := range regexp.MustCompile(`_token":"([^"]+)"`).FindAllSubmatch(body, -1) {
			s.secrets = append(s.secrets, string(found[1]))
		}
		answer.Body = io.NopCloser(bytes.NewReader(body))
	}
	return answer, nil
}

func TestCheckDoesEachStep(t *testing.T) {
	for _, person := range []string{"", "Grace Hopper"} {
		url := startGateway(t, startParts(t), nil)
		var out bytes.Buffer
		seen := &record{}
		if err := Check(t.Context(), CheckOptions{MCPURL: url, Person: person, Out: &out, Transport: seen}); err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
		var names []string
		for line := range strings.Lines(out.String()) {
			found := regexp.MustCompile(`^ok {6}(.{26}) +\d+ ms\n$`).FindStringSubmatch(line)
			if found == nil {
				t.Fatalf("line %q", line)
			}
			names = append(names, strings.TrimSpace(found[1]))
		}
		want := []string{
			"challenge", "resource metadata", "server metadata", "registration", "authorize", "consent", "sign-in", "token",
			"connect 2026-07-28", "connect 2025-11-25", "tools/list", "tools/call echo", "tools/call add",
			"tools/call count, streamed", "refresh", "tools/call after refresh", "all of it",
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
		if len(seen.secrets) != 6 { // the provider's code, ours, and two pairs of tokens
			t.Errorf("%d codes and tokens passed, want 6", len(seen.secrets))
		}
		for _, secret := range seen.secrets {
			if strings.Contains(out.String(), secret) {
				t.Error("the output holds a code or a token")
			}
		}
	}
}

// instead answers requests to a path by itself.
func instead(path string, answer http.HandlerFunc) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, path) {
				answer(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// replaced changes the answers to requests to a path that match a body.
func replaced(path, sent, old, new string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			if !strings.HasPrefix(r.URL.Path, path) || !bytes.Contains(body, []byte(sent)) {
				next.ServeHTTP(w, r)
				return
			}
			answer := httptest.NewRecorder() // it also holds streams back until they have ended
			next.ServeHTTP(answer, r)
			maps.Copy(w.Header(), answer.Header())
			w.WriteHeader(answer.Code)
			io.WriteString(w, strings.ReplaceAll(answer.Body.String(), old, new))
		})
	}
}

func say(status int, kind, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		io.WriteString(w, text)
	}
}

func TestCheckNamesTheStepThatFails(t *testing.T) {
	const json, html = "application/json", "text/html"
	tests := map[string]struct {
		around func(http.Handler) http.Handler
		person string
		want   string
	}{
		"open door": {around: instead(route, say(200, json, `{}`)), want: "challenge: without a token the answer is 200"},
		"no challenge": {around: instead(route, say(401, json, `{}`)),
			want: "challenge: the 401 has no Bearer challenge"},
		"metadata of another resource": {
			around: replaced("/.well-known/oauth-protected-resource", "", route, "/mcp/other"), want: "resource metadata: ",
		},
		"no server metadata": {
			around: instead("/.well-known/o", func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/.well-known/oauth-protected-resource") {
					w.Header().Set("Content-Type", json)
					io.WriteString(w, `{"resource":"http://`+r.Host+route+`","authorization_servers":["http://`+r.Host+`"]}`)
					return
				}
				http.NotFound(w, r)
			}),
			want: "server metadata: there is none",
		},
		"no S256": {
			around: replaced("/.well-known/", "", `"S256"`, `"plain"`), want: "server metadata: it does not offer S256",
		},
		"registration refused": {
			around: instead("/oauth/register", say(400, json, `{"error":"invalid_redirect_uri"}`)),
			want:   "registration: registration failed: invalid_redirect_uri",
		},
		"no page": {
			around: instead("/oauth/authorize", say(400, html, `<main><h1>No</h1><p>not here</p></main>`)),
			want:   "authorize: http://127.0.0.1:PORT answers 400 Bad Request: No not here",
		},
		"consent left out": {
			around: instead("/oauth/authorize", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, callbackURL+"?code=canary", http.StatusFound)
			}),
			want: "authorize: the client was answered without asking the person",
		},
		"consent without a button": {
			around: instead("/oauth/authorize", say(200, html, `<h1>Yes?</h1><form><input type="hidden" name="a"></form>`)),
			want:   `consent: the page "Yes?" has no such button`,
		},
		"form sent on": {
			around: instead("/oauth/consent", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			}),
			want: "consent: http://127.0.0.1:PORT would have the browser send the form on",
		},
		"nobody of that name": {person: "Charles Babbage", want: `sign-in: the page "Who are you today?" has no such button`},
		"callback fails": {
			around: instead("/oauth/callback", say(503, html, `<main>try again</main>`)),
			want:   "sign-in: http://127.0.0.1:PORT answers 503 Service Unavailable: try again",
		},
		"another's answer": {
			around: instead("/oauth/callback", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, callbackURL+"?code=canary&state=another", http.StatusFound)
			}),
			want: "token: the answer has another state",
		},
		"token refused": {
			around: instead("/oauth/token", say(400, json, `{"error":"invalid_grant","canary":"canary"}`)),
			want:   `token: status 400, error "invalid_grant"`,
		},
		"a token that is not taken": {
			around: replaced("/oauth/token", "", `"access_token":"`, `"access_token":"canary`), want: "connect 2026-07-28: ",
		},
		"another tool's answer": {
			around: replaced(route, `"add"`, `42`, `43`), want: `tools/call add: add does not answer "42"`,
		},
		"stream held back": {
			around: replaced(route, `"count"`, "", ""),
			want:   "tools/call count, streamed: the progress came all at once",
		},
		"refresh refused": {
			around: replaced("/oauth/token", "grant_type=refresh_token", `"access_token"`, `"error":"invalid_grant","x"`),
			want:   `refresh: status 200, error "invalid_grant"`,
		},
		"refresh token kept": {
			around: replaced("/oauth/token", "grant_type=refresh_token", `"refresh_token"`, `"x"`),
			want:   "refresh: the refresh token was not rotated",
		},
	}
	parts := startParts(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			address := startGateway(t, parts, test.around)
			var out bytes.Buffer
			err := Check(t.Context(), CheckOptions{MCPURL: address, Person: test.person, Out: &out})
			if err == nil {
				t.Fatalf("nothing failed\n%s", &out)
			}
			at, _ := url.Parse(address)
			want := strings.ReplaceAll(test.want, "PORT", at.Port())
			if !strings.HasPrefix(err.Error(), want) {
				t.Errorf("error %v\nwant  %s", err, want)
			}
			step, why, _ := strings.Cut(want, ": ")
			last := out.String()[strings.LastIndex(strings.TrimSpace(out.String()), "\n")+1:]
			if !strings.HasPrefix(last, "failed  "+step+" ") || !strings.Contains(last, why) {
				t.Errorf("last line %q", last)
			}
			if strings.Contains(err.Error()+out.String(), "canary") {
				t.Errorf("a code or token is shown: %v\n%s", err, &out)
			}
		})
	}
}

func TestCheckOfNothing(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Check(ended, CheckOptions{MCPURL: "http://127.0.0.1:9/mcp"}); err == nil {
		t.Error("a check that was called off passed")
	}
	if err := Check(t.Context(), CheckOptions{MCPURL: "/mcp"}); err == nil {
		t.Error("a relative URL was taken")
	}
}
