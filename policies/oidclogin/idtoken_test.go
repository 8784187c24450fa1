package oidclogin

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"durward/policies"
)

func TestC3_AcceptedIDTokens(t *testing.T) {
	ada := policies.Identity{Subject: "user_1", Email: "ada@example.com", EmailVerified: true, Name: "Ada Lovelace"}
	tests := map[string]struct {
		change func(*token)
		want   func(*policies.Identity)
	}{
		"as it should be":       {},
		"aud in an array":       {change: withClaim("aud", []string{testID})},
		"typ absent":            {change: func(k *token) { k.header = nil }},
		"typ in small letters":  {change: func(k *token) { k.header["typ"] = "jwt" }},
		"no kid":                {change: func(k *token) { k.kid = "" }},
		"azp is us":             {change: withClaim("azp", testID)},
		"expired within skew":   {change: withClaim("exp", testNow.Add(-59*time.Second).Unix())},
		"issued within skew":    {change: withClaim("iat", testNow.Add(59*time.Second).Unix())},
		"times with a fraction": {change: withClaim("iat", float64(testNow.Unix())+0.5)},
		"not before, passed":    {change: withClaim("nbf", testNow.Unix())},
		"several aud, azp is us": {change: func(k *token) {
			k.claims["aud"], k.claims["azp"] = []string{"other", testID}, testID
		}},
		"email_verified a string": {change: withClaim("email_verified", "true")},
		"email_verified false": {
			change: withClaim("email_verified", false),
			want:   func(i *policies.Identity) { i.EmailVerified = false },
		},
		"no email": {
			change: func(k *token) { delete(k.claims, "email"); delete(k.claims, "email_verified") },
			want:   func(i *policies.Identity) { i.Email, i.EmailVerified = "", false },
		},
		"name not fit for a page": {
			change: withClaim("name", "Ada\r\nSet-Cookie: a=b"),
			want:   func(i *policies.Identity) { i.Name = "" },
		},
		"claims that differ in case only": {
			change: func(k *token) { k.claims["Sub"], k.claims["ISS"], k.claims["Email"] = "evil", "evil", "evil" },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.answer(tokens, f.grant(t, test.change))
			got, err := complete(t, f.provider(t))
			if err != nil {
				t.Fatal(err)
			}
			want := ada
			want.Issuer, want.Claims, want.Handle = f.URL, got.Claims, got.Handle // they are looked at elsewhere
			if test.want != nil {
				test.want(&want)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("identity (-want +got):\n%s", diff)
			}
		})
	}
}

func TestC3_S29_RefusedIDTokens(t *testing.T) {
	publicDER := x509.MarshalPKCS1PublicKey(&testKey().PublicKey)
	tests := map[string]struct {
		change func(*token)
		fault  policies.LoginFault
		code   string
	}{
		"HS256 with the public key": {code: "id_token_alg", change: func(k *token) { k.alg, k.key = jose.HS256, publicDER }},
		"RS384, not allowed":        {code: "id_token_alg", change: func(k *token) { k.alg = jose.RS384 }},
		"another key, same kid":     {code: "id_token_signature", change: func(k *token) { k.key = otherKey() }},
		"unknown kid":               {code: "id_token_signature", change: func(k *token) { k.kid = "9" }},
		"at+jwt as ID token":        {code: "id_token_typ", change: func(k *token) { k.header["typ"] = "at+jwt" }},
		"at+jwt, long":              {code: "id_token_typ", change: func(k *token) { k.header["typ"] = "application/at+JWT" }},
		"logout token":              {code: "id_token_typ", change: func(k *token) { k.header["typ"] = "logout+jwt" }},
		"typ not a string":          {code: "id_token_typ", change: func(k *token) { k.header["typ"] = 1 }},
		"typ empty":                 {code: "id_token_typ", change: func(k *token) { k.header["typ"] = "" }},
		"iss of another":            {code: "id_token_iss", change: withClaim("iss", "https://evil.example")},
		"iss missing":               {code: "id_token_iss", change: withoutClaim("iss")},
		"iss with a slash more": {
			code: "id_token_iss", change: func(k *token) { k.claims["iss"] = k.claims["iss"].(string) + "/" },
		},
		"iss longer by a word": {
			code: "id_token_iss", change: func(k *token) { k.claims["iss"] = k.claims["iss"].(string) + ".evil" },
		},
		"aud of another":         {code: "id_token_aud", change: withClaim("aud", "another")},
		"aud missing":            {code: "id_token_aud", change: withoutClaim("aud")},
		"aud empty":              {code: "id_token_aud", change: withClaim("aud", []string{})},
		"aud in another case":    {code: "id_token_aud", change: withClaim("aud", strings.ToUpper(testID))},
		"several aud, no azp":    {code: "id_token_azp", change: withClaim("aud", []string{testID, "another"})},
		"azp foreign":            {code: "id_token_azp", change: withClaim("azp", "another")},
		"azp not a string":       {code: "id_token_azp", change: withClaim("azp", 7)},
		"expired":                {code: "id_token_exp", change: withClaim("exp", testNow.Add(-60*time.Second).Unix())},
		"exp missing":            {code: "id_token_exp", change: withoutClaim("exp")},
		"exp null":               {code: "id_token_exp", change: withClaim("exp", nil)},
		"exp beyond all times":   {code: "id_token_exp", change: withClaim("exp", 1e18)},
		"issued in the future":   {code: "id_token_iat", change: withClaim("iat", testNow.Add(61*time.Second).Unix())},
		"iat missing":            {code: "id_token_iat", change: withoutClaim("iat")},
		"not valid yet":          {code: "id_token_nbf", change: withClaim("nbf", testNow.Add(61*time.Second).Unix())},
		"nonce missing":          {code: "nonce_missing", change: withoutClaim("nonce")},
		"nonce of another login": {code: "nonce_mismatch", change: withClaim("nonce", "another")},
		"nonce empty":            {code: "nonce_mismatch", change: withClaim("nonce", "")},
		"nonce null":             {code: "nonce_mismatch", change: withClaim("nonce", nil)},
		"sub missing":            {code: "id_token_sub", change: withoutClaim("sub")},
		"sub empty":              {code: "id_token_sub", change: withClaim("sub", "")},
		"sub a number":           {code: "id_token_sub", change: withClaim("sub", 1)},
		"sub too long":           {code: "id_token_sub", change: withClaim("sub", strings.Repeat("x", 256))},
		"sub with a line end":    {code: "id_token_sub", change: withClaim("sub", "user\n1")},
		"sub in another case": {
			code: "id_token_sub", change: func(k *token) { delete(k.claims, "sub"); k.claims["Sub"] = "evil" },
		},
		"distributed claims gone wrong": {
			code: "id_token_refused", change: withClaim("_claim_names", map[string]string{"address": "nowhere"}),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.answer(tokens, f.grant(t, test.change))
			_, err := complete(t, f.provider(t))
			fault := isInvalid
			if test.code == "id_token_iss" {
				fault = isMisconfigured
			}
			wantFault(t, err, fault, test.code)
		})
	}
}

func TestS29_TokensNoSignerMakes(t *testing.T) {
	f := newFake(t)
	good := strings.Split(f.goodToken().sign(t), ".")
	encode := base64.RawURLEncoding.EncodeToString
	tests := map[string]struct{ raw, code string }{
		"alg none":          {encode([]byte(`{"alg":"none"}`)) + "." + good[1] + ".", "id_token_alg"},
		"alg None":          {encode([]byte(`{"alg":"None"}`)) + "." + good[1] + "." + good[2], "id_token_alg"},
		"no alg":            {encode([]byte(`{"kid":"1"}`)) + "." + good[1] + "." + good[2], "id_token_alg"},
		"signature cut off": {good[0] + "." + good[1] + ".", "id_token_signature"},
		"payload exchanged": {good[0] + "." + encode([]byte(`{}`)) + "." + good[2], "id_token_signature"},
		"two parts":         {good[0] + "." + good[1], "id_token_malformed"},
		"no JWT":            {"canary", "id_token_malformed"},
		"JSON serialisation": {
			`{"payload":"` + good[1] + `","protected":"` + good[0] + `","signature":"` + good[2] + `"}`, "id_token_malformed",
		},
		"critical header unknown": {
			encode([]byte(`{"alg":"RS256","kid":"1","crit":["x"],"x":1}`)) + "." + good[1] + "." + good[2],
			"id_token_signature",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f.answer(tokens, answerJSON(http.StatusOK, map[string]string{
				"access_token": "canary-access", "token_type": "Bearer", "id_token": test.raw,
			}))
			_, err := complete(t, f.provider(t))
			wantFault(t, err, isInvalid, test.code)
		})
	}
}

func TestS29_PayloadNotAnObject(t *testing.T) {
	for _, payload := range []string{`null`, `[]`, `"text"`, `{`} {
		if _, err := readClaims(json.RawMessage(payload)); err == nil {
			t.Errorf("payload %s was taken", payload)
		}
	}
}
