package oidclogin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"durward/policies"
)

// identity signs in with a changed ID token.
func identity(t *testing.T, f *fakeProvider, p *Provider, change func(*token)) policies.Identity {
	t.Helper()
	f.answer(tokens, f.grant(t, change))
	who, err := complete(t, p)
	if err != nil {
		t.Fatal(err)
	}
	return who
}

func TestC5_ThePersonIsIssuerAndSubject(t *testing.T) {
	f := newFake(t)
	p := f.provider(t)
	first := identity(t, f, p, nil)
	renamed := identity(t, f, p, func(k *token) { k.claims["email"], k.claims["name"] = "countess@example.com", "Ada" })
	other := identity(t, f, p, withClaim("sub", "user_2"))
	if first.Issuer != f.URL || first.Subject != "user_1" || renamed.Subject != "user_1" || renamed.Issuer != f.URL {
		t.Errorf("one person is %+v and %+v", first, renamed)
	}
	if other.Email != first.Email || other.Subject != "user_2" {
		t.Errorf("two people with one address are %+v and %+v", first, other)
	}
}

// C7: of all that the provider gives out, nothing that opens a door is handed on but the refresh token, in the handle.
func TestC7_TokensGoNoFurther(t *testing.T) {
	f := newFake(t)
	who := identity(t, f, f.provider(t), nil)
	for _, token := range []string{"canary-access", f.goodToken().sign(t)} {
		if strings.Contains(fmt.Sprintf("%s %s %+v", who.Handle, who.Claims, who), token) {
			t.Errorf("the identity holds %s", token)
		}
	}
	if !strings.Contains(string(who.Handle), `"refresh_token":"canary-refresh"`) {
		t.Errorf("the handle is %s", who.Handle)
	}
	who.Handle = nil
	if strings.Contains(fmt.Sprintf("%s %+v", who.Claims, who), "canary-refresh") {
		t.Error("the refresh token stands outside of the handle")
	}
}

// S28: an attacker's code in a victim's browser brings an ID token that answers the attacker's login.
func TestS28_ACodeOfAnotherLoginIsRefused(t *testing.T) {
	f := newFake(t)
	p := f.provider(t)
	f.answer(tokens, f.grant(t, withClaim("nonce", "nonce-of-the-attacker")))
	who, err := complete(t, p)
	wantFault(t, err, isInvalid, "nonce_mismatch")
	if who.Subject != "" || who.Claims != nil {
		t.Errorf("a refused login answers %+v", who)
	}
}

func TestOrganizations(t *testing.T) {
	tests := map[string]struct {
		claim  string
		change func(*token)
		want   []string
	}{
		"one, as Clerk has it":     {"org_id", withClaim("org_id", "org_1"), []string{"org_1"}},
		"several":                  {"org_id", withClaim("org_id", []string{"org_1", "org_2"}), []string{"org_1", "org_2"}},
		"none":                     {"org_id", nil, nil},
		"null":                     {"org_id", withClaim("org_id", nil), nil},
		"empty":                    {"org_id", withClaim("org_id", ""), nil},
		"empty among others":       {"org_id", withClaim("org_id", []string{"", "org_1"}), []string{"org_1"}},
		"an object":                {"org_id", withClaim("org_id", map[string]any{"id": "org_1"}), nil},
		"not only text":            {"org_id", withClaim("org_id", []any{"org_1", 2}), nil},
		"in another case":          {"org_id", withClaim("ORG_ID", "org_1"), nil},
		"another claim":            {"tid", func(k *token) { k.claims["tid"], k.claims["org_id"] = "t", "org_1" }, []string{"t"}},
		"the provider has no such": {"", withClaim("", "org_1"), nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			c := f.config()
			c.OrganizationClaim = test.claim
			p, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			if who := identity(t, f, p, test.change); !slices.Equal(who.Organizations, test.want) {
				t.Errorf("organizations %q, want %q", who.Organizations, test.want)
			}
		})
	}
}

func TestClaimsAreTheVerifiedPayload(t *testing.T) {
	f := newFake(t)
	who := identity(t, f, f.provider(t), func(k *token) {
		k.claims["public_metadata"] = map[string]any{"team": "engines"}
		k.claims["big"] = json.Number("9007199254740993")
	})
	var got map[string]json.RawMessage
	if err := json.Unmarshal(who.Claims, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"sub": `"user_1"`, "public_metadata": `{"team":"engines"}`, "big": "9007199254740993", "email_verified": "true",
	}
	for name, value := range want {
		if string(got[name]) != value {
			t.Errorf("claim %s is %s, want %s", name, got[name], value)
		}
	}
}
