package oidclogin

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"durward/policies"
)

// Every code that the package gives has a meaning, every meaning is used, and whoever can mend something is told how.
func TestEveryCodeHasOneMeaning(t *testing.T) {
	ours, theirs := map[string]meaning{}, map[string]meaning{}
	for _, of := range []struct {
		all  []meaning
		into map[string]meaning
	}{{ownMeanings(), ours}, {providerMeanings(), theirs}} {
		for _, m := range of.all {
			if _, twice := of.into[m.code]; twice || m.fault == 0 {
				t.Errorf("%s stands there twice, or without a fault", m.code)
			}
			if m.hint == "" && (m.fault == isMisconfigured || m.fault == isUnreachable) {
				t.Errorf("%s does not say what the operator can do", m.code)
			}
			of.into[m.code] = m
		}
	}
	used := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	given := regexp.MustCompile(`(\w*)(?:\.|\b)failed\("(\w+)"`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, found := range given.FindAllStringSubmatch(string(text), -1) {
			switch found[1] {
			case "":
				used[found[2]] = true
			case "keySet":
				used["keys_"+found[2]] = true
			default:
				used["keys_"+found[2]], used["token_endpoint_"+found[2]] = true, true
			}
		}
	}
	for code := range used {
		if _, ok := ours[code]; !ok {
			t.Errorf("%s is given and has no meaning", code)
		}
	}
	for code := range ours {
		if !used[code] {
			t.Errorf("%s has a meaning and is never given", code)
		}
	}
}

// The operator who finds a code in the log finds it in the guide too, alone or as one of a family.
func TestEveryCodeIsInTheGuide(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "clerk.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range append(ownMeanings(), providerMeanings()...) {
		name := m.code
		if strings.HasPrefix(name, "unsupported_") {
			name = "unsupported_…"
		} else if strings.HasSuffix(name, "_not_supported") {
			name = "…_not_supported"
		}
		if !strings.Contains(string(guide), "`"+name+"`") {
			t.Errorf("docs/clerk.md does not say what %s means", m.code)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	const date = "Sun, 22 Nov 2026 12:00:00 GMT"
	tests := map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"none":                     {http.Header{}, 0},
		"seconds":                  {http.Header{"Retry-After": {"7"}}, 7 * time.Second},
		"zero":                     {http.Header{"Retry-After": {"0"}}, 0},
		"more than an hour":        {http.Header{"Retry-After": {"86400"}}, time.Hour},
		"a date":                   {http.Header{"Retry-After": {"Sun, 22 Nov 2026 12:01:30 GMT"}, "Date": {date}}, 90 * time.Second},
		"a date days away":         {http.Header{"Retry-After": {"Tue, 24 Nov 2026 12:00:00 GMT"}, "Date": {date}}, time.Hour},
		"a date gone by":           {http.Header{"Retry-After": {"Sun, 22 Nov 2026 11:00:00 GMT"}, "Date": {date}}, 0},
		"a date, none to count":    {http.Header{"Retry-After": {"Sun, 22 Nov 2099 12:00:00 GMT"}}, time.Hour},
		"negative":                 {http.Header{"Retry-After": {"-7"}}, 0},
		"a fraction":               {http.Header{"Retry-After": {"1.5"}}, 0},
		"words":                    {http.Header{"Retry-After": {"soon"}}, 0},
		"more than a number holds": {http.Header{"Retry-After": {strings.Repeat("9", 30)}}, time.Hour},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := retryAfter(test.header); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// Clerk answers the same error under 400 and 401, and faults of its own in a shape of its own.
func TestAnswersAsClerkGivesThem(t *testing.T) {
	const own = `{"errors":[{"code":"x","message":"canary","long_message":"canary"}],"meta":{},"clerk_trace_id":"trace_2"}`
	tests := map[string]struct {
		status int
		header http.Header
		body   string
		fault  policies.LoginFault
		code   string
		trace  string
		retry  time.Duration
	}{
		"rate limited": {
			429, http.Header{"Retry-After": {"7"}}, own, isUnreachable, "rate_limited", "trace_2", 7 * time.Second,
		},
		"rate limited, with an error of RFC 6749": {
			429, http.Header{"Retry-After": {"8"}}, `{"error":"invalid_client"}`, isUnreachable, "rate_limited", "", 8 * time.Second,
		},
		"rate limited, no more said": {429, nil, "canary", isUnreachable, "rate_limited", "", 0},
		"down for a while": {
			503, http.Header{"Retry-After": {"9"}}, "<html>canary", isUnreachable, "token_endpoint_failed", "", 9 * time.Second,
		},
		"down, in a word that nobody knows": {
			503, http.Header{"Retry-After": {"9"}}, `{"error":"overloaded"}`, isUnreachable, "token_endpoint_failed", "", 9 * time.Second,
		},
		"its own fault, and when to come back": {
			503, http.Header{"Retry-After": {"9"}}, `{"error":"temporarily_unavailable"}`, isUnreachable,
			"temporarily_unavailable", "", 9 * time.Second,
		},
		"a refusal that says when": {
			400, http.Header{"Retry-After": {"9"}}, `{"error":"invalid_grant"}`, isInvalid, "invalid_grant", "", 0,
		},
		"own shape, 400": {400, nil, own, isMisconfigured, "token_endpoint_status", "trace_2", 0},
		"own shape, 403": {403, nil, own, isMisconfigured, "token_endpoint_status", "trace_2", 0},
		"own shape, 403, with a time": {
			403, http.Header{"Retry-After": {"9"}}, own, isMisconfigured, "token_endpoint_status", "trace_2", 0,
		},
		"own shape, 422":  {422, nil, own, isMisconfigured, "token_endpoint_status", "trace_2", 0},
		"own shape, 500":  {500, nil, own, isUnreachable, "token_endpoint_failed", "trace_2", 0},
		"Entra's trace":   {400, nil, `{"error":"invalid_client","trace_id":"t-3"}`, isMisconfigured, "invalid_client", "t-3", 0},
		"trace no string": {400, nil, `{"error":"invalid_client","clerk_trace_id":7}`, isMisconfigured, "invalid_client", "", 0},
		"trace in markup": {400, nil, `{"error":"invalid_client","clerk_trace_id":"<canary>"}`, isMisconfigured, "invalid_client", "", 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.answer(tokens, func(w http.ResponseWriter, r *http.Request) {
				maps.Copy(w.Header(), test.header)
				answerText(test.status, test.body)(w, r)
			})
			_, err := complete(t, f.provider(t))
			got := wantFault(t, err, test.fault, test.code)
			if got.Trace != test.trace || got.RetryAfter != test.retry {
				t.Errorf("trace %q, retry after %s; want %q, %s", got.Trace, got.RetryAfter, test.trace, test.retry)
			}
		})
	}
}

// G10: what a provider was told in confidence does not come back as its error code or its trace.
func TestAnEchoedSecretIsDropped(t *testing.T) {
	const secret = "sk_live_0123456789abcdef"
	basic := base64.StdEncoding.EncodeToString([]byte("client_1:" + secret))
	for name, echo := range map[string]string{
		"the secret":             secret,
		"within a word":          "bad_" + secret + ".",
		"a part of it":           "x-" + secret[3:14],
		"base64":                 base64.RawURLEncoding.EncodeToString([]byte(secret)),
		"of the Basic header":    strings.TrimRight(basic, "=")[4:40],
		"the code":               testCode,
		"the verifier":           testVerifier[:40],
		"the nonce":              testNonce,
		"the state, in its code": "state-" + strings.Repeat("s", 20),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			c := f.config()
			c.ClientID, c.ClientSecret = "client_1", secret
			p, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			login := testLogin()
			login.State = strings.Repeat("s", 20)
			f.answer(tokens, answerJSON(400, map[string]string{"error": echo, "clerk_trace_id": echo}))
			for _, query := range []url.Values{
				{"code": {testCode}}, {"error": {echo}, "clerk_trace_id": {echo}, "code": {testCode}},
			} {
				_, err := p.Complete(t.Context(), login, policies.Callback{Query: query})
				if got := wantFault(t, err, isInvalid, "unknown_error"); got.Trace != "" {
					t.Errorf("trace %q", got.Trace)
				}
			}
		})
	}
	f := newFake(t)
	c := f.config()
	c.ClientSecret = "hunter2"
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	f.answer(tokens, answerJSON(400, map[string]string{"error": "no_hunter2", "clerk_trace_id": "hunter2"}))
	_, err = complete(t, p)
	if got := wantFault(t, err, isInvalid, "unknown_error"); got.Trace != "" {
		t.Errorf("a short secret: trace %q", got.Trace)
	}
}

// A code whose meaning is fixed says nothing, whatever the secret is.
func TestAKnownCodeIsNoSecret(t *testing.T) {
	f := newFake(t)
	c := f.config()
	c.ClientSecret = "invalid_client_secret"
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	f.answer(tokens, answerJSON(401, map[string]string{"error": "invalid_client", "clerk_trace_id": "trace_1"}))
	_, err = complete(t, p)
	if got := wantFault(t, err, isMisconfigured, "invalid_client"); got.Trace != "trace_1" {
		t.Errorf("trace %q", got.Trace)
	}
}
