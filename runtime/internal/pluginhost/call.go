package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"durward/policies"
	"durward/policies/policypb"
)

// attempts is how many processes a call is given to at most.
const attempts = 2

// HTTPRequest is a request for a path that the policy serves, held in memory.
type HTTPRequest struct {
	Method string
	// Target is path and query as the client sent them.
	Target string
	// Header has no cookies but the policy's own.
	Header http.Header
	Body   []byte
}

// Evaluate asks the policy for a decision. Any error means that there is none: the caller answers 503. The call waits up
// to Options.RestartWait for a restart; one that is cut by the process's death is put once more to the next process, which is
// safe since a decision changes nothing. A ctx without a deadline is one more that waits on a stuck policy: the caller
// sets one.
func (p *Policy) Evaluate(ctx context.Context, c policies.Call, r policies.Request) (policies.Decision, error) {
	request := policypb.EncodeRequest(c, r)
	var answer *policypb.Decision
	err := p.call(ctx, func(in *instance) (mayRepeat bool, err error) {
		began := time.Now()
		answer, err = in.policy.Evaluate(ctx, request)
		p.listen(ctx, in, began, time.Now(), err)
		return true, err
	})
	if err != nil {
		return policies.Decision{}, fmt.Errorf("evaluate with policy %s: %w", p.spec.Name, err)
	}
	decision, err := policypb.DecodeDecision(answer)
	if err != nil {
		return policies.Decision{}, fmt.Errorf("evaluate with policy %s: %w", p.spec.Name, err)
	}
	if decision.Outcome == policies.Allow && decision.Principal == nil && p.spec.Report.Authenticates {
		return policies.Decision{}, fmt.Errorf("evaluate with policy %s: it authenticates, and allowed nobody in particular", p.spec.Name)
	}
	decision.Reason = p.spec.redacted(decision.Reason)
	return decision, nil
}

// Do has the policy answer a request. Any error means that there is no answer: the caller answers 503. The call waits up
// to Options.RestartWait for a restart. One that is cut by the process's death is repeated only if it was never handed to the
// process's connection, whatever its method: the GET of a sign-in's callback uses up a code.
func (p *Policy) Do(ctx context.Context, c policies.Call, r HTTPRequest) (policies.Response, error) {
	request := &policypb.HTTPRequest{
		Call:   policypb.EncodeCall(c),
		Method: r.Method,
		Target: []byte(r.Target),
		Header: policypb.EncodeHeader(r.Header),
		Body:   r.Body,
	}
	var answer *policypb.HTTPResponse
	err := p.call(ctx, func(in *instance) (mayRepeat bool, err error) {
		ctx, sent := markSent(ctx)
		answer, err = in.policy.ServeHTTP(ctx, request)
		return !sent.Load(), err
	})
	if err != nil {
		return policies.Response{}, fmt.Errorf("serve http with policy %s: %w", p.spec.Name, err)
	}
	response, err := policypb.DecodeResponse(answer)
	if err != nil {
		return policies.Response{}, fmt.Errorf("serve http with policy %s: %w", p.spec.Name, err)
	}
	return response, nil
}

// call makes one call to the running instance, and once more to the next one if this one died of it and ask says that
// the call may be repeated.
func (p *Policy) call(ctx context.Context, ask func(*instance) (mayRepeat bool, err error)) error {
	if !p.enter() {
		return errStopped
	}
	defer p.leave()
	for attempt := 1; ; attempt++ {
		in, err := p.await(ctx)
		if err != nil {
			return err
		}
		mayRepeat, err := ask(in)
		if err == nil {
			return nil
		}
		if attempt == attempts || !mayRepeat || !p.cut(ctx, in, err) {
			return p.wording(ctx, err)
		}
	}
}

// listen takes note of whether the process has answered an Evaluate between began and now, and kills it if it is stuck. Who
// gave up waiting of their own accord says nothing of the process, nor does a call that the host itself has held up: a
// store that hangs ends no policy, nor does a host that did not run (its machine was frozen, or has too much to do).
func (p *Policy) listen(ctx context.Context, in *instance, began, now time.Time, err error) {
	after := p.host.options.StuckAfter
	switch {
	case err == nil || ctx.Err() == nil || noticedLate(ctx, now) || in.services.work.heldUp(began, now):
		in.silence.broken()
	case !errors.Is(ctx.Err(), context.DeadlineExceeded) || now.Sub(began) < after/leastChance:
	case in.silence.missed(began, now, after) && in.alive() && !in.proc.wasKilled():
		p.logger.Error("policy's process leaves all requests unanswered: killing it", "pid", in.pid(), "after", after.String())
		in.proc.kill()
	}
}

// noticedLate reports whether the host came to see that the time of a call was over so late that an answer may lie there
// which came in time.
func noticedLate(ctx context.Context, now time.Time) bool {
	deadline, ok := ctx.Deadline()
	return ok && now.Sub(deadline) >= lateNotice
}

// cut reports whether the call failed because the process died. It may take a moment to learn that: the connection ends
// before the process is reaped.
func (p *Policy) cut(ctx context.Context, in *instance, err error) bool {
	if code := status.Code(err); code != codes.Unavailable && code != codes.Canceled {
		return false
	}
	timer := time.NewTimer(p.host.waitForRestart() / 2)
	defer timer.Stop()
	select {
	case <-in.proc.done:
		return ctx.Err() == nil
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}

// wording keeps the context's own errors, for errors.Is, and bounds and redacts what a process may say. The deadline
// travels with the call, so that the other side may notice first that it is over.
func (p *Policy) wording(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if status.Code(err) == codes.DeadlineExceeded {
		return context.DeadlineExceeded
	}
	return errors.New(oneLine(p.spec.redacted(status.Convert(err).Message())))
}

// oneLine makes a text of a process fit to stand in an error.
func oneLine(text string) string { return strings.Join(strings.Fields(clip(text, 600)), " ") }
