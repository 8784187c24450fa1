package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

func newGrantsCommand() *cobra.Command {
	return verbs(&cobra.Command{
		Use:   "grants",
		Short: "List what people have allowed clients at a running gateway, or revoke it",
		Long: `List what people have allowed clients at a running gateway, or revoke it.

A grant is what one person has allowed one client at one route: all tokens are of one,
and end with it.`,
		Example: `  durward grants list
  durward grants list --subject user_2abc
  durward grants revoke 4KJQ2MZ7XNWPV3AYT6RDLHBSUE
  durward grants revoke --subject user_2abc`,
	}, newGrantsListCommand(), newGrantsRevokeCommand())
}

// whose says whose grants are meant.
type whose struct{ subject, client string }

func (w *whose) add(c *cobra.Command, what string) {
	c.Flags().StringVar(&w.subject, "subject", "", what+" the person whose id at the identity provider is `SUBJECT`")
	c.Flags().StringVar(&w.client, "client", "", what+" the client whose id is `CLIENT`")
}

// query answers what to ask for. An empty flag is refused: what somebody's variable does not hold must not mean everybody.
func (w *whose) query(c *cobra.Command) (url.Values, error) {
	query := url.Values{}
	for name, value := range map[string]string{"subject": w.subject, "client": w.client} {
		if !c.Flags().Changed(name) {
			continue
		}
		if value == "" {
			return nil, fmt.Errorf("--%s must not be empty", name)
		}
		query.Set(name, value)
	}
	return query, nil
}

func newGrantsListCommand() *cobra.Command {
	var f rosterFlags
	var w whose
	c := &cobra.Command{
		Use:   "list",
		Short: "List what people have allowed clients at a running gateway",
		Long: `List what people have allowed clients at a running gateway, in no order: of everybody, or
of one person, of one client, or of both.

SUBJECT is the person's id at the identity provider. CLIENT is what the client calls
itself, which nobody has checked, and the host that its answers go to or that its
metadata document is at. USED is when it last got new tokens. ENDS is when the grant
ends if it is not used again. Days are in UTC; --json has the times.

With --json each grant is one object on a line.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			query, err := w.query(c)
			if err != nil {
				return err
			}
			r, err := f.roster(c)
			if err != nil {
				return err
			}
			table := newListing(c.OutOrStdout(), "GRANT", "SUBJECT", "EMAIL", "CLIENT", "ALLOWED", "USED", "ENDS", "RESOURCE")
			err = r.grants(c.Context(), query, func(grant shownGrant, raw json.RawMessage) error {
				if f.asJSON {
					return printRaw(c.OutOrStdout(), raw)
				}
				return grant.row(table)
			})
			if err != nil || f.asJSON {
				return err
			}
			return table.end("No grants")
		},
	}
	f.add(c, "print one JSON object a line")
	w.add(c, "list what is of")
	return c
}

// shownGrant is a grant as the gateway tells of it.
type shownGrant struct {
	ID         string    `json:"id"`
	Subject    string    `json:"subject"`
	Email      string    `json:"email"`
	Client     string    `json:"client"`
	ClientName string    `json:"client_name"`
	ClientHost string    `json:"client_host"`
	Resource   string    `json:"resource"`
	Created    time.Time `json:"created"`
	Used       time.Time `json:"used"`
	Expires    time.Time `json:"expires"`
}

// grants goes through the grants that the query names, and has show see each. raw is the grant as the gateway wrote it.
func (r *roster) grants(
	ctx context.Context, query url.Values, show func(grant shownGrant, raw json.RawMessage) error,
) error {
	return r.each(ctx, http.MethodGet, "/grants", query, func(answer part) error {
		for _, raw := range answer.Grants {
			var grant shownGrant
			if err := json.Unmarshal(raw, &grant); err != nil {
				return err
			}
			if err := show(grant, raw); err != nil {
				return err
			}
		}
		return nil
	})
}

// row adds the grant to a listing.
func (g shownGrant) row(to *listing) error {
	client := cut(g.ClientName, maxName)
	if g.ClientHost != "" {
		client += " (" + cut(g.ClientHost, maxHosts) + ")"
	}
	return to.row(g.ID, g.Subject, cut(g.Email, maxHosts), client, day(g.Created), day(g.Used), day(g.Expires), g.Resource)
}

func newGrantsRevokeCommand() *cobra.Command {
	var f rosterFlags
	var w whose
	c := &cobra.Command{
		Use:   "revoke [GRANT]",
		Short: "Revoke a grant, or all of a person or of a client",
		Long: `Revoke a grant, named by its id as the list shows it, or all grants of a person, of a
client, or of one person to one client. Their tokens end at once, and open streams with
them.

With --subject alone the person's browsers are signed out of the gateway too, so that
they must sign in anew before they can allow anything. To keep a person out, first
remove them at the identity provider, or from the policy's option access.

Exit status 0: they are revoked, however many there were.
Exit status 1: there is no grant of that id, or the gateway did not answer.`,
		Args: func(c *cobra.Command, args []string) error {
			byFlag := c.Flags().Changed("subject") || c.Flags().Changed("client")
			if len(args) > 1 || len(args) == 1 && args[0] == "" || (len(args) == 1) == byFlag {
				return fmt.Errorf("%s takes the id of one grant, or --subject, --client or both of them", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			query, err := w.query(c)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				query.Set("grant", args[0])
			}
			r, err := f.roster(c)
			if err != nil {
				return err
			}
			done, err := r.revoke(c.Context(), "/grants", query)
			if err != nil {
				return err
			}
			return revokedGrants(c, done, query, f.asJSON)
		},
	}
	f.add(c, "print one JSON object")
	w.add(c, "revoke all of")
	return c
}

func revokedGrants(c *cobra.Command, done revoked, query url.Values, asJSON bool) error {
	nothing := query.Has("grant") && done.Revoked == 0
	if asJSON {
		if err := printLine(c.OutOrStdout(), struct {
			Policy  string `json:"policy"`
			Revoked int    `json:"revoked"`
		}{done.Policy, done.Revoked}); err != nil || !nothing {
			return err
		}
		return exitError(1)
	}
	if nothing {
		return errors.New("policy " + printable(done.Policy) + " has no grant " + printable(query.Get("grant")) +
			": nothing is revoked")
	}
	text := plural(done.Revoked, "grant", "grants") + " revoked"
	if query.Has("subject") && !query.Has("client") {
		text += ", and the person's browsers are signed out"
	}
	_, err := fmt.Fprintln(c.OutOrStdout(), text)
	return err
}
