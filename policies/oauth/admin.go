package oauth

import (
	"net/http"
	"time"
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

// serveAdminGrants lists the grants of the person whose subject at the identity provider the query names. With DELETE it
// ends the one that the query names too, or everything that the person has here: all grants, and the sessions of all
// browsers, with which they could allow the same again without being asked who they are. It holds at once.
func (s *server) serveAdminGrants(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	query, err := parseParams(r.URL.RawQuery)
	if err != nil {
		return err
	}
	for name := range query { // a name that is not read would turn one grant into all
		if name != "subject" && name != "grant" {
			return badRequest("invalid_request", "the query has no parameters but subject and grant")
		}
	}
	subject, id := query.get("subject"), query.get("grant")
	if subject == "" {
		return badRequest("invalid_request", "the query must name a person: ?subject=…, their id at the identity provider")
	}
	if _, one := query["grant"]; one && !isGrantID(id) {
		return badRequest("invalid_request", "grant must be the id of a grant, as the list shows it")
	}
	key := person{Issuer: s.provider.Issuer(), Subject: subject}.key()
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodDelete {
		if id == "" { // first, so that no session makes a grant behind our back
			if err := s.endSessions(ctx, key, "operator"); err != nil {
				return err
			}
		}
		count, err := s.endGrants(ctx, key, id, "operator")
		if err != nil {
			return err
		}
		writeLine(w, http.StatusOK, map[string]int{"revoked": count})
		return nil
	}
	grants, err := s.grantsOf(ctx, key)
	if err != nil {
		return err
	}
	list := make([]adminGrant, 0, len(grants))
	for _, grant := range grants {
		name, err := s.nameOf(ctx, grant.Data)
		if err != nil {
			return err
		}
		list = append(list, adminGrant{
			ID: grantID(grant.Key), Client: grant.Data.Client, ClientName: shown(name, maxShownName),
			Redirect: grant.Data.Redirect, Resource: grant.Data.Resource, Scopes: grant.Data.Scopes,
			Created: grant.Data.Created, Expires: grant.Expires,
		})
	}
	writeLine(w, http.StatusOK, map[string][]adminGrant{"grants": list})
	return nil
}
