package double_test

import (
	"net/http"
	"net/url"
	"testing"

	"golang.org/x/oauth2"

	"durward/conformance/faults/double"
)

func TestFaultsHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range double.Faults() {
		if f.Name == "" || seen[f.Name] {
			t.Errorf("the name %q is there twice, or none", f.Name)
		}
		seen[f.Name] = true
	}
	if len(seen) < 25 {
		t.Errorf("%d faults", len(seen))
	}
}

// Without a fault a code is redeemed once, by who asked for it.
func TestWithoutAFault(t *testing.T) {
	p := double.Start(t)
	config := oauth2.Config{
		ClientID: "client_1", ClientSecret: "secret", RedirectURL: "http://127.0.0.1:1/oauth/callback",
		Endpoint: oauth2.Endpoint{
			AuthURL: p.URL() + "/oauth/authorize", TokenURL: p.URL() + "/oauth/token", AuthStyle: oauth2.AuthStyleInHeader,
		},
	}
	verifier := oauth2.GenerateVerifier()
	code := func() string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
			config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		to, err := url.Parse(answer.Header.Get("Location"))
		if err != nil || to.Query().Get("state") != "state" {
			t.Fatalf("sent to %s, %v", to, err)
		}
		return to.Query().Get("code")
	}
	first := code()
	tokens, err := config.Exchange(t.Context(), first, oauth2.VerifierOption(verifier))
	if err != nil || tokens.Extra("id_token") == nil {
		t.Fatalf("%v, %v", tokens, err)
	}
	if _, err := config.Exchange(t.Context(), first, oauth2.VerifierOption(verifier)); err == nil {
		t.Error("a code was redeemed twice")
	}
	if _, err := config.Exchange(t.Context(), code(), oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
		t.Error("another verifier will do")
	}
	if n := p.Calls("/oauth/token"); n != 3 {
		t.Errorf("%d token requests, want 3", n)
	}
}
