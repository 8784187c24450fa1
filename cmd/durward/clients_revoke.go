package main

import (
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"
)

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
