package kind

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"durward/policies"
)

// Issuer and Client are in every principal.
const (
	Issuer = "https://hostile.example"
	Client = "hostile-client"
)

// Credential is the value of Authorization with which a subject's grant is presented.
func Credential(subject string) string { return "Bearer " + scheme + subject }

const scheme = "allow-"

type policy struct {
	name    string
	options options
	host    policies.Host
	ttl     time.Duration
	expires time.Duration
	// fault is the one that strikes now.
	fault atomic.Pointer[string]
	// eaten is the memory that EatMemory keeps.
	eaten atomic.Pointer[[][]byte]
}

// Evaluate decides by the record of the grant.
func (p *policy) Evaluate(ctx context.Context, r policies.Request) (policies.Decision, error) {
	if err := p.ill(); err != nil {
		return policies.Decision{}, err
	}
	subject, ok := strings.CutPrefix(r.Header.Get("Authorization"), Credential(""))
	if !ok || subject == "" {
		return p.refusal(r.Header.Get("Authorization") != ""), nil
	}
	if err := p.barrier(ctx, "before", subject); err != nil {
		return policies.Decision{}, err
	}
	record, err := p.host.Store.Get(ctx, key(subject))
	if waited := p.barrier(ctx, "after", subject); waited != nil {
		return policies.Decision{}, waited
	}
	if errors.Is(err, policies.ErrNotFound) {
		return p.refusal(true), nil
	}
	if err != nil {
		return policies.Decision{}, fmt.Errorf("read grant: %w", err)
	}
	return p.allow(subject, record.Expires), nil
}

func (p *policy) allow(subject string, expires time.Time) policies.Decision {
	return policies.Decision{
		Outcome: policies.Allow,
		Principal: &policies.Principal{
			Issuer: Issuer, Subject: subject, Client: Client, Grant: subject, Expires: expires,
		},
		TTL: p.ttl, Tags: []string{Tag(subject)},
	}
}

// Tag is what the decisions on a subject's grant carry.
func Tag(subject string) string { return "grant:" + subject }

func key(subject string) string { return "grant/" + url.QueryEscape(subject) }

func (p *policy) refusal(credential bool) policies.Decision {
	return policies.Decision{
		Outcome: policies.Respond, RefusedCredential: credential,
		Response: &policies.Response{
			Status: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {"Bearer"}}, Body: []byte("no grant\n"),
		},
	}
}

// ServeHTTP serves the paths by which tests steer: grant, revoke, fault and pid.
func (p *policy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	verb := strings.TrimPrefix(r.URL.Path, "/"+p.name+"/")
	subject := r.URL.Query().Get("subject")
	var err error
	switch {
	case verb == "fault":
		name := r.URL.Query().Get("name")
		if !knows(name) {
			http.Error(w, "no such fault", http.StatusBadRequest)
			return
		}
		p.fault.Store(&name)
		err = p.strike(name)
	case p.illHTTP(w, r):
		return
	case verb == "grant":
		err = p.grant(r.Context(), subject)
	case verb == "revoke":
		err = p.revoke(r.Context(), subject)
	case verb == "pid":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, os.Getpid())
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// grant writes the subject's record, over one that may be there.
func (p *policy) grant(ctx context.Context, subject string) error {
	now, err := p.host.Store.Get(ctx, key(subject))
	if err != nil && !errors.Is(err, policies.ErrNotFound) {
		return err
	}
	return p.host.Store.Commit(ctx, policies.Change{Puts: []policies.Put{{
		Key: key(subject), Value: []byte("1"), Expect: now.Version, Expires: policies.CallFrom(ctx).Time.Add(p.expires),
	}}})
}

// revoke deletes the subject's record and purges its decisions, in one transaction.
func (p *policy) revoke(ctx context.Context, subject string) error {
	now, err := p.host.Store.Get(ctx, key(subject))
	if errors.Is(err, policies.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return p.host.Store.Commit(ctx, policies.Change{
		Deletes: []policies.Delete{{Key: now.Key, Expect: now.Version}}, Purge: []string{Tag(subject)},
	})
}

// barrier tells the test where Evaluate is, in which process, and goes on when the test has answered.
func (p *policy) barrier(ctx context.Context, at, subject string) error {
	if p.options.Barrier == "" {
		return nil
	}
	target := fmt.Sprintf("%s?at=%s&subject=%s&pid=%d", p.options.Barrier, at, url.QueryEscape(subject), os.Getpid())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return fmt.Errorf("ask barrier: %w", err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("ask barrier: %w", err)
	}
	_, _ = io.Copy(io.Discard, resp.Body) // only that it ends counts
	return resp.Body.Close()
}
