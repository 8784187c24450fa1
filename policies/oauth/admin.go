package oauth

import (
	"errors"
	"net/http"
	"time"

	"durward/policies"
)

// adminGrant is a grant as an operator sees it.
type adminGrant struct {
	ID         string    `json:"id"`
	Client     string    `json:"client"`
	ClientName string    `json:"client_name,omitempty"`
	Redirect   string    `json:"redirect_uri,omitempty"`
	Resource   string    `json:"resource"`
	Scopes     []string  `json:"scopes"`
	Created    time.Time `json:"created"`
	Expires    time.Time `json:"expires"`
}

// serveAdminGrants lists the grants of the person whose subject at the identity provider the query names, and with
// DELETE ends them, or the one that it names too. Revocation holds at once, as a person's own does.
func (s *server) serveAdminGrants(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	query, err := parseParams(r.URL.RawQuery)
	if err != nil {
		return err
	}
	subject, id := query.get("subject"), query.get("grant")
	if subject == "" {
		return badRequest("invalid_request", "the query must name a person: ?subject=…, their id at the identity provider")
	}
	if id != "" && !isGrantID(id) {
		return badRequest("invalid_request", "grant must be the id of a grant, as the list shows it")
	}
	key := person{Issuer: s.provider.Issuer(), Subject: subject}.key()
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodDelete {
		count, err := s.endGrants(ctx, key, id, "operator")
		if err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, map[string]int{"revoked": count})
		return nil
	}
	grants, err := s.grantsOf(ctx, key)
	if err != nil {
		return err
	}
	list := make([]adminGrant, 0, len(grants))
	for _, grant := range grants {
		client, err := s.client(ctx, grant.Data.Client)
		if err != nil && !errors.Is(err, policies.ErrNotFound) {
			return err
		}
		list = append(list, adminGrant{
			ID: grantID(grant.Key), Client: grant.Data.Client, ClientName: client.Data.Name, Redirect: grant.Data.Redirect,
			Resource: grant.Data.Resource, Scopes: grant.Data.Scopes, Created: grant.Data.Created, Expires: grant.Expires,
		})
	}
	writeJSON(w, http.StatusOK, map[string][]adminGrant{"grants": list})
	return nil
}
