package oauth

import (
	"context"
	"net/http"
	"strings"
	"time"

	"durward/policies/oauth/internal/access"
	"durward/policies/oauth/internal/legible"
)

// adminGrant is a grant as an operator sees it.
type adminGrant struct {
	ID         string    `json:"id"`
	Subject    string    `json:"subject"`
	Email      string    `json:"email,omitempty"`
	Client     string    `json:"client"`
	ClientName string    `json:"client_name,omitempty"`
	ClientHost string    `json:"client_host,omitempty"`
	Redirect   string    `json:"redirect_uri,omitempty"`
	Resource   string    `json:"resource"`
	Scopes     []string  `json:"scopes"`
	Created    time.Time `json:"created"`
	// Used is when tokens were last made of it.
	Used time.Time `json:"used,omitzero"`
	// Expires is when it ends if it is not used again.
	Expires time.Time `json:"expires"`
}

// adminGrants is a part of a list of grants. Next, if it is there, is where the rest begins.
type adminGrants struct {
	Grants []adminGrant `json:"grants"`
	Next   string       `json:"next,omitempty"`
}

// adminEnded says how many grants were ended. Next, if it is there, is where it goes on: not all have been looked at.
type adminEnded struct {
	Revoked int    `json:"revoked"`
	Next    string `json:"next,omitempty"`
}

// grantsWanted are the grants that an operator means: those of a person, of a client, the one of an id. What is empty
// leaves none out.
type grantsWanted struct {
	// person is the key of one.
	person, client, id string
}

// prefix is what the keys of all of them begin with.
func (g grantsWanted) prefix() string {
	if g.person == "" {
		return grantKeys
	}
	return grantKey(g.person, "")
}

func (g grantsWanted) include(grant held[grantRecord]) bool {
	return (g.client == "" || grant.Data.Client == g.client) && (g.id == "" || grantID(grant.Key) == g.id)
}

// serveAdminGrants lists the grants that the query names by subject (the person's id at the identity provider), client
// and grant, all of them if it names none. With DELETE it ends them, and then the query must name some. Naming nothing
// but a person ends the sessions of all their browsers too, with which they could allow the same again without being
// asked who they are. It holds at once.
func (s *server) serveAdminGrants(w http.ResponseWriter, r *http.Request) error {
	query, err := adminQuery(r, "subject", "client", "grant", "after")
	if err != nil {
		return err
	}
	wanted := grantsWanted{client: query.get("client"), id: query.get("grant")}
	if wanted.id != "" && !isGrantID(wanted.id) {
		return badRequest("invalid_request", "grant must be the id of a grant, as the list shows it")
	}
	if subject := query.get("subject"); subject != "" {
		wanted.person = access.Person{Issuer: s.provider.Issuer(), Subject: subject}.Key()
	}
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodDelete {
		list, err := s.listGrants(r.Context(), wanted, query.get("after"))
		if err != nil {
			return err
		}
		writeLine(w, http.StatusOK, list)
		return nil
	}
	if wanted == (grantsWanted{}) {
		return badRequest("invalid_request", "the query must name a subject, a client or a grant: what is to end?")
	}
	if wanted == (grantsWanted{person: wanted.person}) { // first, so that no session makes a grant behind our back
		if err := s.endSessions(r.Context(), wanted.person, byOperator); err != nil {
			return err
		}
	}
	ended, err := s.endWanted(r.Context(), wanted, query.get("after"))
	if err != nil {
		return err
	}
	writeLine(w, http.StatusOK, ended)
	return nil
}

func (s *server) listGrants(ctx context.Context, wanted grantsWanted, after string) (adminGrants, error) {
	list := adminGrants{Grants: []adminGrant{}}
	var err error
	list.Next, err = survey(ctx, s.store, wanted.prefix(), after, func(grant held[grantRecord]) (bool, error) {
		if !wanted.include(grant) {
			return false, nil
		}
		name, err := s.nameOf(ctx, grant.Data)
		if err != nil {
			return false, err
		}
		list.Grants = append(list.Grants, adminGrant{
			ID: grantID(grant.Key), Subject: grant.Data.Person.Subject, Email: grant.Data.Person.Email,
			Client: grant.Data.Client, ClientName: legible.Line(name, maxShownName),
			ClientHost: hostOfClient(grant.Data.Client, grant.Data.Redirect), Redirect: grant.Data.Redirect,
			Resource: grant.Data.Resource, Scopes: grant.Data.Scopes,
			Created: grant.Data.Created, Used: grant.Data.Used, Expires: grant.Expires,
		})
		return true, nil
	})
	return list, err
}

// endWanted ends grants. A fault on the way ends those that come after it another time: who asks again ends the rest.
func (s *server) endWanted(ctx context.Context, wanted grantsWanted, after string) (adminEnded, error) {
	var ended adminEnded
	var err error
	ended.Next, err = survey(ctx, s.store, wanted.prefix(), after, func(grant held[grantRecord]) (bool, error) {
		if !wanted.include(grant) {
			return false, nil
		}
		holder, id, _ := strings.Cut(strings.TrimPrefix(grant.Key, grantKeys), "/")
		gone, err := s.endGrant(ctx, holder, id, byOperator)
		if gone {
			ended.Revoked++
		}
		return true, err
	})
	if wanted.id != "" && ended.Revoked > 0 { // there is no other of that name
		ended.Next = ""
	}
	return ended, err
}
