package assertion

import (
	"math"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4/json"
)

// claims are what an assertion says (RFC 7523 section 3).
type claims struct {
	Issuer   string      `json:"iss"`
	Subject  string      `json:"sub"`
	Audience audience    `json:"aud"`
	ID       string      `json:"jti"`
	Expires  numericDate `json:"exp"`
	// NotBefore and Issued need not be there.
	NotBefore numericDate `json:"nbf"`
	Issued    numericDate `json:"iat"`
}

func (c claims) check(want Expected) (Accepted, error) {
	expires := c.Expires.time()
	fault := ""
	switch {
	case c.Issuer != want.Client || c.Subject != want.Client:
		fault = "iss and sub must be the client_id"
	case len(c.Audience) != 1:
		// An assertion for two is one that either may use at the other.
		fault = "aud must be one audience"
	case !slices.Contains(want.Audiences, c.Audience[0]):
		fault = "aud must be the issuer, or the URL of this endpoint"
	case c.Expires == 0:
		fault = "exp is missing"
	case !want.Now.Before(expires.Add(skew)):
		fault = "it has expired"
	case expires.After(want.Now.Add(maxAhead + skew)):
		fault = "exp is more than 10 minutes ahead"
	case c.NotBefore.time().After(want.Now.Add(skew)):
		fault = "nbf is in the future"
	case c.Issued.time().After(want.Now.Add(skew)):
		fault = "iat is in the future"
	case c.ID == "" || len(c.ID) > maxID:
		fault = "jti must have 1 to 256 bytes"
	}
	if fault != "" {
		return Accepted{}, invalid(fault)
	}
	return Accepted{ID: c.ID, Until: expires.Add(skew)}, nil
}

// audience is a string, or a list of them (RFC 7519 section 4.1.3).
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(raw []byte) error {
	var one string
	if err := json.Unmarshal(raw, &one); err == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(a))
}

// numericDate is a time in seconds since 1970, perhaps with a fraction (RFC 7519 section 2); 0 if it is not there.
type numericDate float64

// time cuts fractions off. Times beyond any calendar come to its end: they are as far ahead as one can be.
func (d numericDate) time() time.Time {
	const latest = 253402300799 // the end of the year 9999
	return time.Unix(int64(math.Max(0, math.Min(float64(d), latest))), 0)
}
