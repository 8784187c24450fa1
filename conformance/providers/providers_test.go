package providers

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"durward/cmd/durward/demo/browser"
	"durward/conformance/gateway"
)

// relyingParty is what the gateway is to a provider, made by hand: it sees what the gateway is answered.
type relyingParty struct {
	*Provider
	client  *http.Client
	config  oauth2.Config
	browser *browser.Browser
}

func newRelyingParty(t *testing.T, kind Kind, o Options) *relyingParty {
	t.Helper()
	p := Start(t, kind, o)
	p.Serve(gateway.RedirectURI)
	transport := p.Transport()
	b, err := browser.New(transport, gateway.RedirectURI)
	if err != nil {
		t.Fatal(err)
	}
	return &relyingParty{Provider: p, browser: b, client: &http.Client{Transport: transport}, config: oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, RedirectURL: gateway.RedirectURI,
		Scopes: []string{"openid", "profile", "email"},
		Endpoint: oauth2.Endpoint{
			AuthURL: p.Issuer + "/oauth/authorize", TokenURL: p.Issuer + "/oauth/token", AuthStyle: oauth2.AuthStyleInHeader,
		},
	}}
}

// login signs Ada in and answers the callback's parameters.
func (r *relyingParty) login(ctx context.Context, verifier string) (url.Values, error) {
	at, err := r.browser.Open(ctx, r.config.AuthCodeURL("state-of-the-relying-party",
		oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", "nonce-of-the-relying-party")))
	if err != nil || at.Page == nil {
		return at.Callback, err
	}
	at, err = r.SignIn(ctx, r.browser, at.Page, Ada().Name)
	return at.Callback, err
}

func (r *relyingParty) redeem(ctx context.Context, code, verifier string) (*oauth2.Token, error) {
	return r.config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, r.client), code, oauth2.VerifierOption(verifier))
}

// get reads a JSON document of the provider's.
func (r *relyingParty) get(t *testing.T, path, bearer string) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.Issuer+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var document map[string]any
	if err := json.NewDecoder(res.Body).Decode(&document); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", path, res.Status, err)
	}
	return document
}

// What makes them worth having: each is what the table of the kinds says it is.
func TestProvidersDifferWhereItHurts(t *testing.T) {
	for kind, want := range map[Kind]struct {
		callback []string
		aud      func(client string) any
		email    any
		typ      any
	}{
		Fosite:       {[]string{"code", "scope", "state"}, list, Ada().Email, "JWT"},
		Zitadel:      {[]string{"code", "state"}, list, nil, "JWT"},
		OIDCProvider: {[]string{"code", "iss", "state"}, text, Ada().Email, nil},
	} {
		t.Run(string(kind), func(t *testing.T) {
			r := newRelyingParty(t, kind, Options{})
			verifier := oauth2.GenerateVerifier()
			callback, err := r.login(t.Context(), verifier)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.callback, slices.Sorted(maps.Keys(callback))); diff != "" {
				t.Errorf("callback (-want +got):\n%s", diff)
			}
			tokens, err := r.redeem(t.Context(), callback.Get("code"), verifier)
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := tokens.Extra("id_token").(string)
			header, claims := part(t, raw, 0), part(t, raw, 1)
			got := []any{claims["iss"], claims["sub"], claims["aud"], claims["email"], claims["nonce"], header["alg"], header["typ"]}
			if diff := cmp.Diff([]any{
				r.Issuer, Ada().Subject, want.aud(r.ClientID), want.email, "nonce-of-the-relying-party", "RS256", want.typ,
			}, got); diff != "" {
				t.Errorf("ID token: iss, sub, aud, email, nonce, alg, typ (-want +got):\n%s", diff)
			}
			keys, _ := r.get(t, "/.well-known/jwks.json", "")["keys"].([]any)
			if len(keys) != 1 || keys[0].(map[string]any)["kid"] != header["kid"] || header["kid"] == nil {
				t.Errorf("it is signed with the key %v, and the keys are %v", header["kid"], keys)
			}
			if about := r.get(t, "/oauth/userinfo", tokens.AccessToken); about["sub"] != Ada().Subject || about["email"] != Ada().Email {
				t.Errorf("userinfo: %v", about)
			}
			if d := r.get(t, "/.well-known/openid-configuration", ""); d["issuer"] != r.Issuer ||
				d["authorization_endpoint"] != r.config.Endpoint.AuthURL || d["token_endpoint"] != r.config.Endpoint.TokenURL ||
				d["jwks_uri"] != r.Issuer+"/.well-known/jwks.json" {
				t.Errorf("discovery: %v", d)
			}
			if _, err := r.redeem(t.Context(), callback.Get("code"), verifier); answer(err) != "invalid_grant" {
				t.Errorf("a code is redeemed again: %v", err)
			}
		})
	}
}

// Fosite is here for its words, which are Clerk's.
func TestFositeRefusesAsClerkDoes(t *testing.T) {
	t.Run("a scope that is not ticked", func(t *testing.T) {
		r := newRelyingParty(t, Fosite, Options{Scopes: []string{"profile", "email"}})
		callback, err := r.login(t.Context(), oauth2.GenerateVerifier())
		if err != nil {
			t.Fatal(err)
		}
		const words = "The requested scope is invalid, unknown, or malformed. The OAuth 2.0 Client is not allowed to " +
			"request scope 'openid'."
		if callback.Get("error") != "invalid_scope" || callback.Get("error_description") != words {
			t.Errorf("callback: %v", callback)
		}
	})
	t.Run("a wrong secret", func(t *testing.T) {
		r := newRelyingParty(t, Fosite, Options{})
		verifier := oauth2.GenerateVerifier()
		callback, err := r.login(t.Context(), verifier)
		if err != nil {
			t.Fatal(err)
		}
		r.config.ClientSecret = "another"
		if _, err := r.redeem(t.Context(), callback.Get("code"), verifier); answer(err) != "invalid_client" {
			t.Errorf("%v", err)
		}
	})
	t.Run("a short state", func(t *testing.T) {
		r := newRelyingParty(t, Fosite, Options{})
		at, err := r.browser.Open(t.Context(), r.config.AuthCodeURL("short"))
		if err != nil || at.Callback.Get("error") != "invalid_state" {
			t.Errorf("%v, %v", at, err)
		}
	})
}

func TestAProviderAnswersNobodyElse(t *testing.T) {
	for _, kind := range []Kind{Fosite, Zitadel, OIDCProvider} {
		t.Run(string(kind), func(t *testing.T) {
			r := newRelyingParty(t, kind, Options{})
			r.config.RedirectURL = strings.Replace(gateway.RedirectURI, "callback", "elsewhere", 1)
			if at, err := r.browser.Open(t.Context(), r.config.AuthCodeURL("state-of-the-relying-party")); err == nil {
				t.Errorf("the browser is at %+v", at)
			}
		})
	}
}

func list(client string) any { return []any{client} }
func text(client string) any { return client }

// part answers one part of a JWT.
func part(t *testing.T, token string, i int) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %d parts", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[i])
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(raw, &members); err != nil {
		t.Fatal(err)
	}
	return members
}

// answer is the error code that a token endpoint answered.
func answer(err error) string {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return refused.ErrorCode
	}
	return ""
}
