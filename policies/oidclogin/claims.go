package oidclogin

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"durward/policies"
)

// skew is how far the provider's clock may be from the host's.
const skew = 60 * time.Second

// claims are an ID token's members under their exact names. encoding/json folds case when it fills a struct: "Sub",
// which a provider may let people set, must not be read as "sub".
type claims map[string]json.RawMessage

func readClaims(payload []byte) (claims, error) {
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil || c == nil {
		return nil, failed("id_token_malformed", errors.New("the ID token's payload is not a JSON object"))
	}
	return c, nil
}

// text answers a claim that is a string, else "".
func (c claims) text(name string) string {
	var s string
	if json.Unmarshal(c[name], &s) != nil {
		return ""
	}
	return s
}

// list answers a claim that is a string or an array of strings: aud may be either (RFC 7519 section 4.1.3).
func (c claims) list(name string) []string {
	var many []string
	if json.Unmarshal(c[name], &many) == nil {
		return many
	}
	if one := c.text(name); one != "" {
		return []string{one}
	}
	return nil
}

// instant answers a NumericDate (RFC 7519 section 2).
func (c claims) instant(name string) (time.Time, bool) {
	var seconds float64
	raw, present := c[name]
	if !present || string(raw) == "null" || json.Unmarshal(raw, &seconds) != nil || math.Abs(seconds) > 1e11 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// affirmed answers whether a claim is true, or "true": AWS Cognito and Microsoft Entra send a string.
func (c claims) affirmed(name string) bool {
	var b bool
	if json.Unmarshal(c[name], &b) == nil {
		return b
	}
	return c.text(name) == "true"
}

// organizations answers those that a claim names. Which claim that is differs among providers; "" is none.
func organizations(c claims, claim string) []string {
	if claim == "" {
		return nil
	}
	return slices.DeleteFunc(c.list(claim), func(id string) bool { return id == "" })
}

// checkClaims is the list of OpenID Connect Core section 3.1.3.7, items 2 to 5, 9 and 10. The nonce, item 11, belongs to
// a login: see checkNonce.
func checkClaims(c claims, issuer, clientID string, now time.Time) error {
	if c.text("iss") != issuer {
		return failed("id_token_iss", errors.New("the ID token is of another issuer"))
	}
	if err := checkAudience(c, clientID); err != nil {
		return err
	}
	if err := checkTimes(c, now); err != nil {
		return err
	}
	// Core section 2: at most 255 ASCII characters. It becomes part of keys, tags and header values.
	sub := c.text("sub")
	if sub == "" || len(sub) > 255 || strings.ContainsFunc(sub, func(r rune) bool { return r < ' ' || r > '~' }) {
		return failed("id_token_sub", errors.New("the ID token has no usable sub"))
	}
	return nil
}

// checkNonce says whether an ID token answers the login with this nonce.
func checkNonce(c claims, nonce string) error {
	if _, present := c["nonce"]; !present {
		return failed("nonce_missing", errors.New("the ID token has no nonce"))
	}
	if subtle.ConstantTimeCompare([]byte(c.text("nonce")), []byte(nonce)) != 1 {
		return failed("nonce_mismatch", errors.New("the ID token answers another login"))
	}
	return nil
}

// checkAudience takes further audiences for trusted, as item 3 asks, if azp says that the token was issued to us: some
// providers name the project that a client belongs to beside it.
func checkAudience(c claims, clientID string) error {
	audience := c.list("aud")
	if !slices.Contains(audience, clientID) {
		return failed("id_token_aud", errors.New("the ID token is for another client"))
	}
	_, hasParty := c["azp"]
	switch {
	case hasParty && c.text("azp") != clientID:
		return failed("id_token_azp", errors.New("the ID token was issued to another client"))
	case !hasParty && len(audience) > 1:
		return failed("id_token_azp", errors.New("the ID token has several audiences and no azp"))
	}
	return nil
}

func checkTimes(c claims, now time.Time) error {
	expires, ok := c.instant("exp")
	if !ok || !now.Before(expires.Add(skew)) {
		return failed("id_token_exp", errors.New("the ID token has expired, or does not say when it does"))
	}
	issued, ok := c.instant("iat")
	if !ok || issued.After(now.Add(skew)) {
		return failed("id_token_iat", errors.New("the ID token is from the future, or does not say when it was issued"))
	}
	if _, present := c["nbf"]; present {
		if from, ok := c.instant("nbf"); !ok || from.After(now.Add(skew)) {
			return failed("id_token_nbf", errors.New("the ID token is not valid yet"))
		}
	}
	return nil
}

// now is the host's time if the host called, else the machine's.
func now(ctx context.Context) time.Time {
	if t := policies.CallFrom(ctx).Time; !t.IsZero() {
		return t
	}
	return time.Now()
}

// printable answers s if it is fit to be shown, else "". It identifies nobody, so losing it costs nothing.
func printable(s string) string {
	if len(s) > 320 || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return s
}
