package main

import (
	"encoding/json"
	"fmt"
	"io"
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
			if f.asJSON {
				return r.clients(c, jsonLines{c.OutOrStdout()})
			}
			table := newListing(c.OutOrStdout(), "NAME", "HOSTS", "KIND", "USED", "REGISTERED", "ENDS", "CLIENT")
			if err := r.clients(c, clientRows{table}); err != nil {
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

// clientPrinter prints clients, one at a time. raw is the client as the gateway wrote it.
type clientPrinter interface {
	print(client shownClient, raw json.RawMessage) error
}

// maxDocuments bounds how many clients with metadata documents are told apart.
const maxDocuments = 10_000

// clients goes through all clients: the registered, and those that only grants name.
func (r *roster) clients(c *cobra.Command, p clientPrinter) error {
	err := r.each(c.Context(), http.MethodGet, "/clients", url.Values{}, func(answer part) error {
		for _, raw := range answer.Clients {
			var client shownClient
			if err := json.Unmarshal(raw, &client); err != nil {
				return err
			}
			if err := p.print(client, raw); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	err = r.each(c.Context(), http.MethodGet, "/grants", url.Values{}, func(answer part) error {
		for _, raw := range answer.Grants {
			var grant shownGrant
			if err := json.Unmarshal(raw, &grant); err != nil {
				return err
			}
			if !isDocument(grant.Client) || seen[grant.Client] || len(seen) == maxDocuments {
				continue
			}
			seen[grant.Client] = true
			line, err := documentLine(raw)
			if err != nil {
				return err
			}
			client := shownClient{ID: grant.Client, Name: grant.ClientName, Hosts: []string{grant.ClientHost}}
			if err := p.print(client, line); err != nil {
				return err
			}
		}
		return nil
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

// clientRows prints clients as rows of a listing.
type clientRows struct{ table *listing }

func (p clientRows) print(client shownClient, _ json.RawMessage) error {
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
	return p.table.row(cut(client.Name, maxName), cut(strings.Join(client.Hosts, " "), maxHosts), kind, used,
		day(client.Registered), day(client.Expires), client.ID)
}

// maxName and maxHosts are how many characters of what strangers choose stand in a column.
const (
	maxName  = 24
	maxHosts = 32
)

// jsonLines prints what the gateway answered, one object a line.
type jsonLines struct{ out io.Writer }

func (p jsonLines) print(_ shownClient, raw json.RawMessage) error {
	_, err := fmt.Fprintln(p.out, string(raw))
	return err
}

func newClientsRevokeCommand() *cobra.Command {
	var f rosterFlags
	c := &cobra.Command{
		Use:   "revoke CLIENT",
		Short: "Revoke a client: its registration, and all that people have allowed it",
		Long: `Revoke a client, named by its id as the list shows it: its registration ends, and all
that people have allowed it. Its tokens end at once, and its open streams with them.

It may register anew, and people may allow it something again. A client with a metadata
document needs no registration for that. To keep one out, name its host in the policy's
option gateway.clients: "clients": { "deny": ["app.example.com"] }.

Exit status 0: it is revoked.
Exit status 1: no such client is known, or the gateway did not answer.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return fmt.Errorf("%s takes one client, by its id", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			r, err := f.roster(c)
			if err != nil {
				return err
			}
			id := args[0]
			done, err := r.revoke(c.Context(), "/clients", url.Values{"client": {id}})
			if err != nil {
				return err
			}
			nothing := !done.Unregistered && done.Revoked == 0
			switch {
			case f.asJSON:
				if err := printLine(c.OutOrStdout(), done); err != nil || !nothing {
					return err
				}
				return exitError(1)
			case nothing && isDocument(id):
				return fmt.Errorf("nobody has allowed %s anything through policy %s: nothing is revoked\n%s",
					printable(id), printable(r.policy), keepOut(id))
			case nothing:
				return fmt.Errorf("policy %s knows no client %s: nothing is revoked", printable(r.policy), printable(id))
			}
			_, err = io.WriteString(c.OutOrStdout(), revokedClient(id, done))
			return err
		},
	}
	f.add(c, "print one JSON object")
	return c
}

func revokedClient(id string, done revoked) string {
	grants := plural(done.Revoked, "grant of it is", "grants of it are") + " revoked"
	if isDocument(id) {
		return fmt.Sprintf("%s of %s revoked\n%s\n", plural(done.Revoked, "grant", "grants"), printable(id), keepOut(id))
	}
	if !done.Unregistered {
		return fmt.Sprintf("Client %s: %s\n", printable(id), grants)
	}
	return fmt.Sprintf("Client %s is no longer registered, and %s\n", printable(id), grants)
}

// keepOut says what keeps a client with a metadata document from coming back: it has no registration that could end.
func keepOut(id string) string {
	document, err := url.Parse(id)
	if err != nil {
		return "To keep it out, name its host in the policy's option gateway.clients"
	}
	return fmt.Sprintf(`It has no registration and can ask anew: to keep it out, set "clients": { "deny": [%q] } in the policy's option gateway`,
		printable(document.Hostname()))
}

// printLine prints a value as JSON on one line.
func printLine(out io.Writer, value any) error {
	if err := json.NewEncoder(out).Encode(value); err != nil {
		return fmt.Errorf("print json: %w", err)
	}
	return nil
}
