package pluginhost

import (
	"context"
	"time"
)

// healthMisses is how many health checks in a row a process may fail.
const healthMisses = 3

// supervise keeps a process of the policy running until Stop, or until the crash budget is spent. It owns the policy's
// instances: each is closed here, also the dead ones, and it returns when nothing is left of any.
func (p *Policy) supervise(in *instance) {
	defer close(p.ended)
	defer p.host.release(p)
	defer p.set(Stopped, nil)
	defer p.closings.Wait()
	rule := restarts{random: p.host.options.Random}
	for in != nil {
		p.watch(in)
		if p.ctx.Err() != nil {
			in.close()
			p.logger.Info("policy stopped", "pid", in.pid())
			return
		}
		p.set(Restarting, nil)
		p.logger.Warn("policy's process ended", "pid", in.pid(), "exit", in.exit())
		dead := in
		p.closings.Go(dead.close)
		in = p.restart(&rule)
	}
	<-p.ctx.Done()
	p.logger.Info("policy stopped")
}

// watch returns when the process is dead or the policy is to stop. A process that does not answer health checks is
// killed: it may be stopped or stuck, and would hold every call until its deadline.
func (p *Policy) watch(in *instance) {
	ticker := time.NewTicker(p.host.options.HealthInterval)
	defer ticker.Stop()
	for misses := 0; ; {
		select {
		case <-p.ctx.Done():
			return
		case <-in.proc.done:
			return
		case <-ticker.C:
		}
		if p.healthy(in) {
			misses = 0
			continue
		}
		if misses++; misses == healthMisses {
			p.logger.Warn("policy's process does not answer: killing it", "pid", in.pid())
			in.proc.kill()
			<-in.proc.done
			return
		}
	}
}

func (p *Policy) healthy(in *instance) bool {
	ctx, cancel := context.WithTimeout(in.life, p.host.options.HealthInterval)
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	return in.check(ctx) == nil
}

// restart starts the same spec again, as often as the rule allows. It answers nil if the policy is down or to stop.
func (p *Policy) restart(rule *restarts) *instance {
	for {
		pause, ok := rule.next(p.host.options.Now())
		if !ok {
			p.set(Down, nil)
			p.logger.Error("policy is down: its process ended too often", "crashes", len(rule.crashes),
				"within", crashWindow)
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-p.ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		in, err := p.host.launch(p.ctx, p.spec)
		if err == nil {
			p.set(Running, in)
			p.logger.Info("policy restarted", "pid", in.pid())
			return in
		}
		if p.ctx.Err() != nil {
			return nil
		}
		p.logger.Warn("cannot restart policy", "error", err)
	}
}
