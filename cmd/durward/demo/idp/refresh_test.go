package idp_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// offline signs somebody in and answers tokens with a refresh token among them.
func (w *world) offline(person string) *oauth2.Token {
	w.Helper()
	w.config.Scopes = []string{"openid", "profile", "email", "offline_access"}
	tokens, err := w.exchange(w.choose(person, nil).Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		w.Fatal(err)
	}
	if tokens.RefreshToken == "" {
		w.Fatal("no refresh token")
	}
	return tokens
}

func (w *world) refresh(token string) (*oauth2.Token, error) {
	return w.config.TokenSource(w.Context(), &oauth2.Token{RefreshToken: token}).Token()
}

func (w *world) wantNoRefresh(what, token string) {
	w.Helper()
	_, err := w.refresh(token)
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); !ok || refused.ErrorCode != "invalid_grant" {
		w.Errorf("%s: %v, want invalid_grant", what, err)
	}
}

func TestRefreshTokensAreReplaced(t *testing.T) {
	w := start(t, nil)
	first := w.offline("ada")
	second, err := w.refresh(first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := second.Extra("id_token").(string)
	found, err := oidc.NewProvider(t.Context(), w.provider.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	id, err := found.Verifier(&oidc.Config{ClientID: w.config.ClientID}).Verify(t.Context(), raw)
	if err != nil || id.Subject != "user_dev_ada" || id.Nonce != "" {
		t.Errorf("ID token %+v, %v", id, err)
	}
	third, err := w.refresh(second.RefreshToken)
	if err != nil || third.RefreshToken == second.RefreshToken || second.RefreshToken == first.RefreshToken {
		t.Fatalf("the second refresh: %v", err)
	}
	w.wantNoRefresh("a used one", first.RefreshToken)
	w.wantNoRefresh("the newest, after a used one has come back", third.RefreshToken)
	w.wantNoRefresh("an unknown one", "x")
}

func TestWithoutOfflineAccessThereIsNoRefreshToken(t *testing.T) {
	w := start(t, nil)
	tokens, err := w.exchange(w.choose("ada", nil).Get("code"), oauth2.VerifierOption(verifier))
	if err != nil || tokens.RefreshToken != "" {
		t.Errorf("refresh token %q, %v", tokens.RefreshToken, err)
	}
}

func TestWhoIsDisabled(t *testing.T) {
	w := start(t, nil)
	ada, grace := w.offline("ada"), w.offline("grace")
	people := w.provider.Issuer() + "/people"
	change := func(form url.Values, origin string) *http.Response {
		t.Helper()
		answer, _ := w.do(http.MethodPost, people, form, http.Header{"Origin": {origin}})
		return answer
	}
	if got := change(url.Values{"disable": {"ada"}}, "https://evil.example"); got.StatusCode != http.StatusForbidden {
		t.Errorf("a foreign page: %s", got.Status)
	}
	if got := change(url.Values{"disable": {"nobody"}}, w.provider.Issuer()); got.StatusCode != http.StatusBadRequest {
		t.Errorf("nobody: %s", got.Status)
	}
	if got := change(url.Values{"disable": {"ada"}}, w.provider.Issuer()); got.StatusCode != http.StatusSeeOther {
		t.Errorf("ada: %s", got.Status)
	}
	if _, page := w.do(http.MethodGet, people, nil, nil); !strings.Contains(page, "Enable Ada Lovelace") ||
		!strings.Contains(page, "Disable Grace Hopper") {
		t.Errorf("page:\n%s", page)
	}
	w.wantNoRefresh("ada", ada.RefreshToken)
	if _, err := w.refresh(grace.RefreshToken); err != nil {
		t.Errorf("grace: %v", err)
	}
	form, err := url.Parse(w.authorizeURL(nil))
	if err != nil {
		t.Fatal(err)
	}
	values := form.Query()
	values.Set("person", "ada")
	answer, page := w.do(http.MethodPost, w.config.Endpoint.AuthURL, values, http.Header{"Origin": {w.provider.Issuer()}})
	if answer.StatusCode != http.StatusBadRequest || !strings.Contains(page, "disabled") {
		t.Errorf("sign-in: %s\n%s", answer.Status, page)
	}
	change(url.Values{"enable": {"ada"}}, w.provider.Issuer())
	w.offline("ada")
}

func TestDiscoveryTellsOfRefreshTokens(t *testing.T) {
	w := start(t, nil)
	_, body := w.do(http.MethodGet, w.provider.Issuer()+"/.well-known/openid-configuration", nil, nil)
	var document struct {
		Scopes []string `json:"scopes_supported"`
		Grants []string `json:"grant_types_supported"`
	}
	if err := json.Unmarshal([]byte(body), &document); err != nil ||
		strings.Join(document.Scopes, " ") != "openid profile email offline_access" ||
		strings.Join(document.Grants, " ") != "authorization_code refresh_token" {
		t.Errorf("%+v, %v", document, err)
	}
}
