package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/legible"
)

// adminClient is a registered client as an operator sees it.
type adminClient struct {
	ID         string   `json:"id"`
	Name       string   `json:"name,omitempty"`
	Hosts      []string `json:"hosts"`
	Redirects  []string `json:"redirect_uris"`
	AuthMethod string   `json:"auth_method"`
	// Unused says that it has got no tokens yet.
	Unused bool `json:"unused,omitempty"`
	// Registered is when it came, Expires when its registration ends if it is not used again.
	Registered time.Time `json:"registered"`
	Expires    time.Time `json:"expires"`
}

// adminClients is a part of the list of clients. Next, if it is there, is where the rest begins.
type adminClients struct {
	Clients []adminClient `json:"clients"`
	Next    string        `json:"next,omitempty"`
}

// serveAdminClients lists the clients that registered themselves. One with a metadata document of its own is known by
// its grants alone. With DELETE it ends the registration of the client that the query names, if there is one, and every
// grant of it. It holds at once.
func (s *server) serveAdminClients(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	query, err := adminQuery(r, "client", "after")
	if err != nil {
		return err
	}
	id := query.get("client")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodDelete {
		list, err := s.listClients(ctx, id, query.get("after"))
		if err != nil {
			return err
		}
		writeLine(w, http.StatusOK, list)
		return nil
	}
	if id == "" {
		return badRequest("invalid_request", "the query must name a client: ?client=…, its client_id")
	}
	registered, err := s.endRegistration(ctx, id) // first, so that nobody makes a grant for it behind our back
	if err != nil {
		return err
	}
	ended, err := s.endWanted(ctx, grantsWanted{client: id}, query.get("after"))
	if err != nil {
		return err
	}
	writeLine(w, http.StatusOK, struct {
		// Unregistered says that there was a registration.
		Unregistered bool `json:"unregistered"`
		adminEnded
	}{registered, ended})
	return nil
}

// listClients lists the one client if an id is given.
func (s *server) listClients(ctx context.Context, id, after string) (adminClients, error) {
	list := adminClients{Clients: []adminClient{}}
	add := func(found held[clientRecord]) (bool, error) {
		list.Clients = append(list.Clients, adminClient{
			ID: found.Data.ID, Name: legible.Line(found.Data.Name, maxShownName), Hosts: redirectHosts(found.Data.Redirects),
			Redirects: found.Data.Redirects, AuthMethod: found.Data.AuthMethod, Unused: len(found.Data.Unused) > 0,
			Registered: time.Unix(found.Data.Issued, 0).UTC(), Expires: found.Expires,
		})
		return true, nil
	}
	if id == "" {
		var err error
		list.Next, err = survey(ctx, s.store, clientKeys, after, add)
		return list, err
	}
	found, err := load[clientRecord](ctx, s.store, clientKey(id))
	if err == nil {
		_, err = add(found)
	}
	if err != nil && !errors.Is(err, policies.ErrNotFound) {
		return adminClients{}, fmt.Errorf("read client: %w", err)
	}
	return list, nil
}

// endRegistration deletes a client's registration. It answers false if there is none.
func (s *server) endRegistration(ctx context.Context, id string) (bool, error) {
	for range maxAttempts {
		found, err := load[clientRecord](ctx, s.store, clientKey(id))
		if errors.Is(err, policies.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read client: %w", err)
		}
		var c change
		c.remove(found.Key, found.Version)
		if err := s.leavePlaces(ctx, &c, found.Data.Unused); err != nil {
			return false, err
		}
		err = c.commit(ctx, s.store)
		if errors.Is(err, policies.ErrConflict) { // it is in use just now
			continue
		}
		if err != nil {
			return false, fmt.Errorf("end registration: %w", err)
		}
		s.record(ctx, policies.Event{
			Name: eventClientRevoked, Outcome: outcomeSuccess, Client: id,
			ClientHost: namedBy(id, redirectHosts(found.Data.Redirects)), Reason: byOperator,
		})
		return true, nil
	}
	return false, errors.New("end registration: too many changes at once")
}
