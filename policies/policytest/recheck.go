package policytest

import (
	"context"
	"fmt"

	"durward/policies"
)

// remembered is what a Provider knows of those who can be asked about again.
type remembered struct {
	on        bool
	subjects  map[string]string // by the handle that is good now
	dismissed map[string]bool
	made      int
	asked     int
	intercept RecheckInterceptor
}

// RecheckInterceptor stands around every Recheck of a Provider. It may answer by itself, lose the answer (call do and
// return an error), wait, or change what do answers.
type RecheckInterceptor func(do func() (policies.Standing, error)) (policies.Standing, error)

// Remember makes a provider that can be asked again: from now on people sign in with a handle, and every Recheck
// replaces it. One that was replaced finds its person gone, as at a provider that takes its second use for a theft.
func (p *Provider) Remember() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remembered.on = true
}

// Dismiss makes Recheck find the subject gone.
func (p *Provider) Dismiss(subject string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remembered.dismissed[subject] = true
}

// InterceptRecheck puts f around every later Recheck; nil takes it away.
func (p *Provider) InterceptRecheck(f RecheckInterceptor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remembered.intercept = f
}

// Rechecked answers how often the provider was asked about somebody.
func (p *Provider) Rechecked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.remembered.asked
}

// Recheck implements policies.IdentityProvider.
func (p *Provider) Recheck(_ context.Context, handle []byte) (policies.Standing, error) {
	p.mu.Lock()
	p.remembered.asked++
	intercept := p.remembered.intercept
	p.mu.Unlock()
	do := func() (policies.Standing, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.remembered.recheck(string(handle)), nil
	}
	if intercept == nil {
		return do()
	}
	return intercept(do)
}

func (r *remembered) recheck(handle string) policies.Standing {
	subject, good := r.subjects[handle]
	delete(r.subjects, handle)
	if !good || r.dismissed[subject] {
		return policies.Standing{Gone: true, Code: "invalid_grant"}
	}
	return policies.Standing{Handle: r.handle(subject)}
}

// handle makes a handle for somebody.
func (r *remembered) handle(subject string) []byte {
	r.made++
	made := fmt.Sprintf("handle-%d-of-%s", r.made, subject)
	r.subjects[made] = subject
	return []byte(made)
}
