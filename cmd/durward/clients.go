package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newClientsCommand() *cobra.Command {
	return verbs(&cobra.Command{
		Use:   "clients",
		Short: "List the clients that a running gateway knows, or revoke one",
		Long: `List the clients that a running gateway knows, or revoke one.

A client is a program that asks people for access: it registers itself, or has a
metadata document on the web.`,
		Example: `  durward clients list
  durward clients revoke dw-2QGJ5ZKXN7VYH3TLWD4RAEOBMU
  durward clients revoke https://app.example.com/oauth/client.json`,
	}, newClientsListCommand(), newClientsRevokeCommand())
}

func newClientsListCommand() *cobra.Command {
	var f rosterFlags
	c := &cobra.Command{
		Use:   "list",
		Short: "List the clients that a running gateway knows",
		Long: `List the clients that a running gateway knows: those that have registered themselves,
and after them those with a metadata document that somebody has allowed something.

NAME is what a client calls itself, which nobody has checked. HOSTS are those that its
answers go to, or the one of its metadata document. KIND is public, secret or key, by
what a registered client proves itself with, or document. USED is never if it has got no
tokens yet. ENDS is when its registration ends if it is not used again. Days are in UTC.

With --json each client is one object on a line.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := f.roster(c)
			if err != nil {
				return err
			}
			table := newListing(c.OutOrStdout(), "NAME", "HOSTS", "KIND", "USED", "REGISTERED", "ENDS", "CLIENT")
			err = r.clients(c, func(client shownClient, raw json.RawMessage) error {
				if f.asJSON {
					return printRaw(c.OutOrStdout(), raw)
				}
				return client.row(table)
			})
			if err != nil || f.asJSON {
				return err
			}
			return table.end("No clients")
		},
	}
	f.add(c, "print one JSON object a line")
	return c
}

// shownClient is a client as the gateway tells of it. One with a metadata document is known by its grants alone, and has
// neither a method nor times.
type shownClient struct {
	ID         string    `json:"id"`
	Name       string    `json:"name,omitempty"`
	Hosts      []string  `json:"hosts"`
	AuthMethod string    `json:"auth_method,omitempty"`
	Unused     bool      `json:"unused,omitempty"`
	Registered time.Time `json:"registered,omitzero"`
	Expires    time.Time `json:"expires,omitzero"`
}

// maxDocuments bounds how many clients with metadata documents are told apart.
const maxDocuments = 10_000

// clients goes through all clients, the registered and those that only grants name, and has show see each. raw is the
// client as the gateway wrote it.
func (r *roster) clients(c *cobra.Command, show func(client shownClient, raw json.RawMessage) error) error {
	err := r.each(c.Context(), http.MethodGet, "/clients", url.Values{}, func(answer part) error {
		for _, raw := range answer.Clients {
			var client shownClient
			if err := json.Unmarshal(raw, &client); err != nil {
				return err
			}
			if err := show(client, raw); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	err = r.grants(c.Context(), url.Values{}, func(grant shownGrant, raw json.RawMessage) error {
		if !isDocument(grant.Client) || seen[grant.Client] || len(seen) == maxDocuments {
			return nil
		}
		seen[grant.Client] = true
		line, err := documentLine(raw)
		if err != nil {
			return err
		}
		return show(shownClient{ID: grant.Client, Name: grant.ClientName, Hosts: []string{grant.ClientHost}}, line)
	})
	if err == nil && len(seen) == maxDocuments {
		fmt.Fprintf(c.ErrOrStderr(), "durward: of clients with metadata documents only %d are listed\n", maxDocuments)
	}
	return err
}

// documentLine makes the line of a client with a metadata document of a grant. Texts stay as the gateway wrote them: it has
// escaped what a terminal would obey.
func documentLine(grant json.RawMessage) (json.RawMessage, error) {
	var g struct {
		Client json.RawMessage `json:"client"`
		Name   json.RawMessage `json:"client_name"`
		Host   json.RawMessage `json:"client_host"`
	}
	if err := json.Unmarshal(grant, &g); err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		ID    json.RawMessage   `json:"id"`
		Name  json.RawMessage   `json:"name,omitempty"`
		Hosts []json.RawMessage `json:"hosts"`
	}{g.Client, g.Name, []json.RawMessage{g.Host}})
}

// isDocument says whether a client is known by the URL of its metadata document.
func isDocument(client string) bool { return strings.HasPrefix(client, "https://") }

// row adds the client to a listing.
func (client shownClient) row(to *listing) error {
	kind, used := "secret", "yes"
	switch {
	case isDocument(client.ID):
		kind = "document"
	case client.AuthMethod == "none":
		kind = "public"
	case client.AuthMethod == "private_key_jwt":
		kind = "key"
	}
	if client.Unused {
		used = "never"
	}
	return to.row(cut(client.Name, maxName), cut(strings.Join(client.Hosts, " "), maxHosts), kind, used,
		day(client.Registered), day(client.Expires), client.ID)
}

// maxName and maxHosts are how many characters of what strangers choose stand in a column.
const (
	maxName  = 24
	maxHosts = 32
)
