package oauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/access"
)

const (
	// maxUnchecked is how long after the provider should have been asked its last answer may still be relied on.
	maxUnchecked = 24 * time.Hour
	// maxPause is how long a provider that did not answer is left alone, unless it asks for more itself.
	maxPause = time.Minute
	// askingSpare is what asking may take besides the provider's own time. Nobody else asks meanwhile.
	askingSpare = 30 * time.Second
	// askingPoll is how often somebody who must wait for another's answer looks for it.
	askingPoll = 50 * time.Millisecond
)

// stillWelcome says whether the person of a grant may go on as far as the identity provider is concerned (S33). The error
// is a refusal, a fault, or policies.ErrConflict: then the grant was brought up to date with who the person is now, and
// has to be judged anew.
func (s *server) stillWelcome(ctx context.Context, grant held[grantRecord]) error {
	if grant.Data.Login == "" {
		return nil
	}
	who, err := s.recheck(ctx, grant.Data.Login)
	if err != nil {
		return err
	}
	if who.Same(grant.Data.Person) {
		return nil
	}
	grant.Data.Person = who
	var c change
	c.put(grant.Key, grant.Data, grant.Version, grant.Expires)
	c.Purge = []string{grantTag(grantID(grant.Key))}
	if err := c.commit(ctx, s.store); err != nil {
		return fmt.Errorf("keep grant: %w", err)
	}
	return fmt.Errorf("the person has changed: %w", policies.ErrConflict)
}

// recheck answers a login's person as they are now, and asks the provider about them if that is due.
//
// Providers replace what they are asked with, and take a second use of the old for a theft that ends all. So one asks at
// a time, over all processes and hosts: whoever wants to writes first, in the standing, until when. Nobody else writes
// there until that time has come. Others go on meanwhile, as if it were not due yet.
func (s *server) recheck(ctx context.Context, login string) (access.Person, error) {
	now := policies.CallFrom(ctx).Time
	waiting, cancel := context.WithTimeout(ctx, s.options.remoteTimeout+askingSpare)
	defer cancel()
	for attempts := 0; attempts < maxAttempts; {
		standing, err := load[standingRecord](ctx, s.store, standingKey(login))
		if errors.Is(err, policies.ErrNotFound) {
			return access.Person{}, unknownToken()
		}
		if err != nil {
			return access.Person{}, fmt.Errorf("read standing: %w", err)
		}
		due := standing.Data.Checked.Add(s.options.recheckAfter)
		overdue := !now.Before(due.Add(maxUnchecked))
		switch known := standing.Data; {
		case known.Gone:
			return access.Person{}, s.isGone(ctx, login, known)
		case s.options.recheckAfter == 0 || now.Before(due):
			err = s.outlasts(ctx, standing)
		case now.Before(known.Asking) && overdue:
			if err := pause(waiting, askingPoll); err != nil {
				return access.Person{}, fmt.Errorf("wait for the identity provider's answer: %w", err)
			}
			continue
		case now.Before(known.Asking):
		case now.Before(known.Pause) && overdue:
			return access.Person{}, unchecked(known, now)
		case now.Before(known.Pause):
		default:
			standing.Data, err = s.ask(ctx, login, standing)
			if err == nil && overdue && !standing.Data.Pause.IsZero() {
				err = unchecked(standing.Data, now)
			}
		}
		if !errors.Is(err, policies.ErrConflict) { // else another process has written just now
			return standing.Data.Person, err
		}
		attempts++
	}
	return access.Person{}, errors.New("recheck person: too many attempts at once")
}

// isGone ends what came of a login, as the provider's word has it, and answers the refusal.
func (s *server) isGone(ctx context.Context, login string, standing standingRecord) error {
	if err := s.endLogin(ctx, login, standing); err != nil {
		return err
	}
	return unknownToken()
}

// unchecked refuses somebody about whom the provider has not answered for too long. Where signing in anew could not help
// either the client had better keep what it has: the provider is down, or it is the operator who must do something.
func unchecked(standing standingRecord, now time.Time) error {
	if standing.Anew {
		return unknownToken()
	}
	return &refusal{
		Status: http.StatusServiceUnavailable, Code: "temporarily_unavailable",
		Text:       "the identity provider cannot be asked just now whether this person is still welcome: please try again later",
		RetryAfter: max(standing.Pause.Sub(now), time.Second),
	}
}

// ask asks the provider, keeps what it answers, and answers the standing as it is then. Nothing is lost because a client
// has hung up: the provider may have replaced what it is asked with.
func (s *server) ask(ctx context.Context, login string, standing held[standingRecord]) (standingRecord, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.remoteTimeout+askingSpare)
	defer cancel()
	now := policies.CallFrom(ctx).Time
	standing.Data.Asking = now.Add(s.options.remoteTimeout + askingSpare)
	if err := s.keepStanding(ctx, standing); err != nil {
		return standingRecord{}, err
	}
	standing, err := load[standingRecord](ctx, s.store, standing.Key) // as nobody but us will change it
	if err != nil {
		return standingRecord{}, fmt.Errorf("read standing: %w", err)
	}
	asking, answered := context.WithTimeout(ctx, s.options.remoteTimeout)
	began := time.Now()
	answer, err := s.provider.Recheck(asking, standing.Data.Handle)
	answered()
	standing.Data = s.settled(ctx, standing.Data, answer, err)
	if !standing.Data.Pause.IsZero() { // a pause begins when the provider was given up, however long that took
		standing.Data.Pause = standing.Data.Pause.Add(time.Since(began).Round(time.Second))
	}
	for range maxAttempts { // a handle that is not kept is a sign-in for the person
		if err = s.keepStanding(ctx, standing); err == nil || errors.Is(err, policies.ErrConflict) || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return standingRecord{}, err
	}
	if !standing.Data.Gone {
		return standing.Data, nil
	}
	s.record(ctx, policies.Event{
		Name: eventPersonGone, Outcome: outcomeRefused,
		Issuer: standing.Data.Person.Issuer, Subject: standing.Data.Person.Subject, Reason: answer.Code,
	})
	return standing.Data, s.isGone(ctx, login, standing.Data)
}

// settled is a standing after the provider was asked.
func (s *server) settled(
	ctx context.Context, standing standingRecord, answer policies.Standing, err error,
) standingRecord {
	now := policies.CallFrom(ctx).Time
	standing.Asking, standing.Pause, standing.Anew = time.Time{}, time.Time{}, false
	if len(answer.Handle) > 0 && len(answer.Handle) <= policies.MaxHandle {
		standing.Handle = answer.Handle
	}
	who := standing.Person
	if answer.Identity != nil {
		who = s.options.access.PersonOf(*answer.Identity)
	}
	if err == nil && who.Key() != standing.Person.Key() {
		err = &policies.LoginError{Fault: policies.LoginInvalid, Code: "foreign_identity"}
	}
	switch {
	case err != nil:
		failure := s.uncheckedBy(ctx, standing, err)
		standing.Pause = now.Add(max(min(s.options.recheckAfter/10, maxPause), failure.RetryAfter))
		standing.Anew = failure.Fault == policies.LoginInvalid || errors.Is(err, policies.ErrHandle)
	case answer.Gone:
		standing.Gone, standing.Handle = true, nil
	default:
		standing.Checked, standing.Person = now, who
		s.logger.DebugContext(ctx, "re-checked", "request_id", policies.CallFrom(ctx).RequestID)
	}
	return standing
}

// uncheckedBy tells the operator why the provider has not answered.
func (s *server) uncheckedBy(ctx context.Context, standing standingRecord, err error) *policies.LoginError {
	failure := providerFault(err)
	level := slog.LevelError
	if failure.Fault == policies.LoginUnreachable {
		level = slog.LevelWarn
	}
	s.logFault(ctx, level, "re-check failed", failure, err)
	s.record(ctx, policies.Event{
		Name: eventRecheckFailed, Outcome: outcomeRefused,
		Issuer: standing.Person.Issuer, Subject: standing.Person.Subject, Reason: failure.Code,
	})
	return failure
}

// pause waits, or answers why it did not.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
