package oauth

import (
	"net/http"
	"strings"
	"time"

	"durward/policies/oauth/internal/secret"
)

// The grants there are (RFC 6749 section 1.3).
const (
	grantCode    = "authorization_code"
	grantRefresh = "refresh_token"
)

// tokenType is that of all access tokens here (RFC 6750).
const tokenType = "Bearer"

// tokenAnswer is RFC 6749 section 5.1. A refresh token is always in it: clients lose theirs otherwise (Q30, A61).
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope"`
}

// serveToken is the token endpoint (A47 to A52).
func (s *server) serveToken(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	form, err := parseForm(r)
	if err != nil {
		return err
	}
	client, err := s.authenticate(w, r, form)
	if err != nil {
		return err
	}
	var answer tokenAnswer
	switch form.get("grant_type") {
	case grantCode:
		answer, err = s.redeem(ctx, form, client)
	case grantRefresh:
		answer, err = s.refresh(ctx, form, client)
	case "":
		err = badRequest("invalid_request", "grant_type is missing")
	default:
		err = badRequest("unsupported_grant_type", "grant_type must be authorization_code or refresh_token")
	}
	if err != nil {
		return err
	}
	s.renewClient(ctx, client)
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// putAccess adds a new access token of a grant to a change.
func (s *server) putAccess(c *change, now time.Time, grant grantRecord, id string, scopes []string) string {
	token := secret.AccessToken.Mint()
	c.put(accessKey(token), accessRecord{
		Client: grant.Client, Resource: grant.Resource, Scopes: scopes, Issued: now.Unix(), Person: grant.Person.Key(),
		Grant: id,
	}, 0, now.Add(s.options.accessTTL))
	return token
}

func (s *server) answer(access, refresh string, scopes []string) tokenAnswer {
	return tokenAnswer{
		AccessToken:  access,
		TokenType:    tokenType,
		ExpiresIn:    int64(s.options.accessTTL / time.Second),
		RefreshToken: refresh,
		Scope:        strings.Join(scopes, " "),
	}
}
