package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"durward/runtime"
)

// rosterFlags are the flags of the verbs that ask a policy who has access through it.
type rosterFlags struct {
	operator operatorFlags
	policy   string
	asJSON   bool
}

func (f *rosterFlags) add(c *cobra.Command, asJSON string) {
	f.operator.add(c)
	c.Flags().StringVar(&f.policy, "policy", "", "ask the policy `NAME` (needed only if several sign people in)")
	c.Flags().BoolVar(&f.asJSON, "json", false, asJSON)
}

// roster asks one policy of a running gateway for clients and grants.
type roster struct {
	gateway *operator
	policy  string
}

// roster answers whom to ask.
func (f *rosterFlags) roster(c *cobra.Command) (*roster, error) {
	gateway, err := f.operator.operator(c)
	if err != nil {
		return nil, err
	}
	answer, err := gateway.ask(c.Context(), http.MethodGet, "/-/generation", "", nil)
	if err != nil {
		return nil, err
	}
	var status runtime.Status
	if err := json.Unmarshal(answer, &status); err != nil {
		return nil, fmt.Errorf("what %s answered is no status: %w", gateway.address, err)
	}
	policy, err := pickPolicy(status, f.policy)
	if err != nil {
		return nil, fmt.Errorf("the gateway at %s %w", gateway.address, err)
	}
	return &roster{gateway, policy}, nil
}

// pickPolicy finds the policy that is meant: the one of that name or, without a name, the only one there is. Those that
// run inside the host sign nobody in.
func pickPolicy(status runtime.Status, name string) (string, error) {
	var names []string
	for _, p := range status.Policies {
		if p.State == runtime.InHost {
			continue
		}
		if p.Name == name {
			return name, nil
		}
		names = append(names, printable(p.Name))
	}
	switch {
	case len(names) == 0:
		return "", errors.New("has no policy that signs people in")
	case name != "":
		return "", fmt.Errorf("has no policy %s that signs people in: name one with --policy: %s",
			printable(name), strings.Join(names, ", "))
	case len(names) > 1:
		return "", fmt.Errorf("has several policies: name one with --policy: %s", strings.Join(names, ", "))
	}
	return names[0], nil
}

// part is one part of an answer. Next, if it is not empty, is where the rest begins.
type part struct {
	Clients      []json.RawMessage `json:"clients"`
	Grants       []json.RawMessage `json:"grants"`
	Unregistered bool              `json:"unregistered"`
	Revoked      int               `json:"revoked"`
	Next         string            `json:"next"`
}

// each asks until there is no more, and has take see each part.
func (r *roster) each(ctx context.Context, method, list string, query url.Values, take func(part) error) error {
	for {
		path := "/-/policies/" + url.PathEscape(r.policy) + list + "?" + query.Encode()
		answer, err := r.gateway.ask(ctx, method, path, "", nil)
		if _, ok := errors.AsType[unknownPath](err); ok {
			return fmt.Errorf("policy %s of the gateway at %s does not sign people in, or is older than this command",
				printable(r.policy), r.gateway.address)
		}
		if err != nil {
			return err
		}
		var p part
		if err := json.Unmarshal(answer, &p); err != nil {
			return fmt.Errorf("what %s answered is no list: %w", r.gateway.address, err)
		}
		if err := take(p); err != nil {
			return fmt.Errorf("print list: %w", err)
		}
		if p.Next == "" || p.Next == query.Get("after") {
			return nil
		}
		query.Set("after", p.Next)
	}
}

// revoke ends what the query names, and answers how much that was.
func (r *roster) revoke(ctx context.Context, list string, query url.Values) (revoked, error) {
	all := revoked{Policy: r.policy}
	err := r.each(ctx, http.MethodDelete, list, query, func(p part) error {
		all.Unregistered = all.Unregistered || p.Unregistered
		all.Revoked += p.Revoked
		return nil
	})
	if err != nil && (all.Unregistered || all.Revoked > 0) {
		err = fmt.Errorf("%w (%s revoked until then: say it again for the rest)", err, plural(all.Revoked, "grant", "grants"))
	}
	return all, err
}

// revoked is what came of a revocation. Programs may count on these names.
type revoked struct {
	Policy string `json:"policy"`
	// Unregistered says that a client's registration has ended.
	Unregistered bool `json:"unregistered"`
	// Revoked counts grants.
	Revoked int `json:"revoked"`
}
