package oidclogin

import (
	"encoding/json"
	"errors"
	"strings"

	"durward/policies"
)

// handle is what Recheck asks with: the provider's refresh token, and what it is good for. It is kept as JSON, sealed by
// whoever keeps it.
type handle struct {
	Format int `json:"format"`
	// Issuer and Client say to whom and by whom the token was given. It is shown to nobody else.
	Issuer  string `json:"issuer"`
	Client  string `json:"client"`
	Subject string `json:"subject"`
	Refresh string `json:"refresh_token"`
}

// handleFormat rises when an older release would misread what a newer one wrote.
const handleFormat = 1

// maxRefresh bounds a provider's refresh token, in bytes. In JSON it may become six times as long.
const maxRefresh = 8 << 10

// handleOf makes the handle of somebody who has signed in, nil if the provider gave nothing to ask with: no refresh
// token, or none of the form that RFC 6749 appendix A.17 gives it.
func (p *Provider) handleOf(subject, refresh string) []byte {
	odd := func(c rune) bool { return c < ' ' || c > '~' }
	if refresh == "" || len(refresh) > maxRefresh || strings.ContainsFunc(refresh, odd) {
		return nil
	}
	text, err := json.Marshal(handle{ //nolint:gosec // for whoever keeps it sealed, and nobody else
		Format: handleFormat, Issuer: p.issuer, Client: p.clientID, Subject: subject, Refresh: refresh,
	})
	if err != nil { // a struct of text always encodes
		return nil
	}
	return text
}

// readHandle is the inverse of handleOf. A handle of another client's is of no use here: the provider would refuse it,
// which must not be taken for a word on the person.
func (p *Provider) readHandle(raw []byte) (handle, error) {
	var h handle
	if json.Unmarshal(raw, &h) != nil || h.Format != handleFormat || h.Subject == "" || h.Refresh == "" {
		return handle{}, failed("handle_malformed", policies.ErrHandle)
	}
	if h.Issuer != p.issuer {
		return handle{}, failed("handle_malformed", errors.Join(policies.ErrHandle, errors.New("it is another provider's")))
	}
	if h.Client != p.clientID {
		return handle{}, failed("handle_client", policies.ErrHandle)
	}
	return h, nil
}
