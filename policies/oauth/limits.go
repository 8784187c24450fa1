package oauth

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/limit"
	"durward/policies/oauth/internal/page"
)

// limitOptions is the option gateway.limits: how often somebody who has not shown who they are may ask. The figures are
// for one address each, behind which there may be a whole office: 500 people with 4 clients each, which all refresh at
// nine in the morning and every fifteen minutes from then on.
type limitOptions struct {
	RegistrationsPerMinute  float64 `json:"registrationsPerMinute"`
	AuthorizationsPerMinute float64 `json:"authorizationsPerMinute"`
	TokenRequestsPerMinute  float64 `json:"tokenRequestsPerMinute"`
	ClientFailuresPerMinute float64 `json:"clientFailuresPerMinute"`
	// UnusedRegistrationsPerHour bounds what of an address's registrations leads to nothing: those of the last hour of
	// which no tokens came.
	UnusedRegistrationsPerHour float64 `json:"unusedRegistrationsPerHour"`
}

func defaultLimits() limitOptions {
	return limitOptions{
		RegistrationsPerMinute:     120,
		AuthorizationsPerMinute:    600,
		TokenRequestsPerMinute:     3000,
		ClientFailuresPerMinute:    120,
		UnusedRegistrationsPerHour: 500,
	}
}

// limited is a kind of request that is limited. The words are those of the audit log.
type limited string

const (
	unlimited             limited = ""
	limitedRegistrations  limited = "registrations"
	limitedAuthorizations limited = "authorizations"
	limitedTokenRequests  limited = "token_requests"
	limitedFailures       limited = "client_failures"
	// Those of clients without tokens are counted in the store: see unused.go. Of an address, and of all together.
	limitedUnused      limited = "unused_registrations"
	limitedUnusedInAll limited = "unused_clients"
)

// limits count requests of the last minutes (S45): by address, and where a client has shown who it is also by client.
// They are the one thing that a server keeps in memory, and nothing is lost with it but that a flood may begin anew.
type limits struct {
	addresses map[limited]*limit.Limiter
	clients   *limit.Limiter
	// told says of what is over a limit whether the log has been told of it in the last minute.
	told *limit.Limiter
}

func newLimits(options limitOptions) (*limits, error) {
	l := &limits{addresses: map[limited]*limit.Limiter{}}
	var err error
	for what, perMinute := range map[limited]float64{
		limitedRegistrations:  options.RegistrationsPerMinute,
		limitedAuthorizations: options.AuthorizationsPerMinute,
		limitedTokenRequests:  options.TokenRequestsPerMinute,
		limitedFailures:       options.ClientFailuresPerMinute,
	} {
		if l.addresses[what], err = limit.New(int(perMinute)); err != nil {
			return nil, fmt.Errorf("limit %s: %w", what, err)
		}
	}
	if l.clients, err = limit.New(int(options.TokenRequestsPerMinute)); err != nil {
		return nil, fmt.Errorf("limit clients: %w", err)
	}
	if l.told, err = limit.New(1); err != nil {
		return nil, fmt.Errorf("limit what is told: %w", err)
	}
	return l, nil
}

// withinLimits counts a request to an endpoint, or refuses it. An address from which clients failed to show who they are
// too often may not try it again for a while, also not with what is right: else it could go on guessing.
func (s *server) withinLimits(ctx context.Context, what limited) error {
	if what == unlimited {
		return nil
	}
	call, key := policies.CallFrom(ctx), askerOf(ctx)
	if what == limitedTokenRequests {
		if wait := s.limits.addresses[limitedFailures].Look(key, call.Time); wait > 0 {
			return s.tooMany(ctx, limitedFailures, "", wait)
		}
	}
	if wait := s.limits.addresses[what].Take(key, call.Time); wait > 0 {
		return s.tooMany(ctx, what, "", wait)
	}
	return nil
}

// failedClient counts a client that did not show who it is.
func (s *server) failedClient(ctx context.Context) {
	s.limits.addresses[limitedFailures].Take(askerOf(ctx), policies.CallFrom(ctx).Time)
}

// provenClient counts a request of a client that has shown who it is, from whatever address, or refuses it. It is not for
// public clients: anybody can use up what is counted under the name of one.
func (s *server) provenClient(ctx context.Context, id string) error {
	if wait := s.limits.clients.Take(id, policies.CallFrom(ctx).Time); wait > 0 {
		return s.tooMany(ctx, limitedTokenRequests, id, wait)
	}
	return nil
}

// tooMany is the refusal of what is over a limit: of an address, or of the client if one is named.
func (s *server) tooMany(ctx context.Context, what limited, client string, wait time.Duration) error {
	s.limitReached(ctx, what, client)
	return &refusal{
		Status: http.StatusTooManyRequests, Code: "too_many_requests", Page: page.TooMany,
		Text:       "there were too many requests lately: try again later",
		RetryAfter: max(wait, time.Second),
	}
}

// limitReached records that a limit was reached: of the client if one is named, of an address, or of all together; of each
// once a minute at most, so that a flood of requests does not become one of log lines.
func (s *server) limitReached(ctx context.Context, what limited, client string) {
	call := policies.CallFrom(ctx)
	key := string(what)
	switch {
	case client != "":
		key += " of " + client
	case what != limitedUnusedInAll:
		key += " from " + askerOf(ctx)
	}
	if s.limits.told.Take(key, call.Time) > 0 {
		return
	}
	s.record(ctx, policies.Event{
		Name: eventLimitReached, Outcome: outcomeRefused, Client: client, Reason: string(what),
	})
}
