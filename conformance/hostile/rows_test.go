package hostile

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"durward/conformance/gateway"
	"durward/conformance/hostile/kind"
)

// size is how much the faults with a measure take: bytes of memory, or commits to the store.
func size(fault string) int {
	if fault == kind.EatMemory {
		return 1 << 30
	}
	return 50
}

func rows() []row {
	logs := func(text string) func(*patient) {
		return func(p *patient) {
			p.logged(p.name, text)
			p.wantSame()
		}
	}
	unavailable := func(p *patient) {
		p.wantSoon(p.name, http.StatusServiceUnavailable)
		p.wantSame()
	}
	return []row{
		{track: "noise", fault: kind.SecondHandshake, seen: (*patient).wantSame},
		{track: "noise", fault: kind.InvalidUTF8, seen: func(p *patient) {
			logs("behind what is no UTF-8")(p)
			p.wantOwnLines()
		}},
		{track: "noise", fault: kind.HostileJSON, seen: func(p *patient) {
			logs("behind the hostile json")(p)
			p.wantOwnLines()
		}},
		{track: "noise", fault: kind.FloodLines, seen: func(p *patient) {
			logs("lines dropped")(p)
			if n := len(p.g.Log.Lines(func(l gateway.Line) bool { return l.Msg() == "flood" })); n > 20000 {
				p.t.Errorf("%s: the policy has put %d lines into the log", p.name, n)
			}
		}},
		{track: "noise", fault: kind.EndlessLine, seen: logs("the endless line has ended")},
		{track: "noise", fault: kind.CloseOutput, seen: (*patient).wantSame},
		{track: "noise", fault: kind.CloseErrors, seen: (*patient).wantSame},

		{track: "answers", fault: kind.SlowAnswers, seen: func(p *patient) {
			p.wantSoon(p.name, http.StatusOK)
			p.wantSame()
		}},
		{track: "answers", fault: kind.FailInEvaluate, seen: unavailable},
		{track: "answers", fault: kind.PanicInEvaluate, seen: unavailable},
		{track: "answers", fault: kind.PanicInHTTP, seen: func(p *patient) {
			p.wantPage(http.StatusServiceUnavailable)
			p.wantSoon(p.name, http.StatusOK)
			p.wantSame()
		}},
		{track: "answers", fault: kind.GiganticPage, seen: func(p *patient) {
			p.wantPage(http.StatusServiceUnavailable)
			p.wantSame()
		}},
		{track: "answers", fault: kind.HangInEvaluate, seen: func(p *patient) {
			p.wantSoon(p.name, http.StatusServiceUnavailable)
			p.wantRestart()
		}},

		{track: "deaths", fault: kind.PanicInGoroutine,
			strike: func(p *patient) { p.try(p.name, "fault?name="+kind.PanicInGoroutine) },
			seen: func(p *patient) {
				p.logged(p.name, "a goroutine of the policy's own")
				p.wantRestart()
			}},
		{track: "deaths", fault: "killed", strike: (*patient).kill, seen: (*patient).wantRestart},
		{track: "deaths", fault: "crash-loop", strike: (*patient).killUntilDown, seen: (*patient).wantDown},
		{track: "chance", fault: kind.ExitAtRandom, seen: func(p *patient) {
			if !soon(func() bool { return p.status(p.name).Restarts > p.restarts }) {
				p.t.Errorf("%s: the process never ended", p.name)
			}
		}},
		{track: "stopped", fault: kind.Stopped, seen: (*patient).wantRestart},
		{track: "children", fault: kind.Fork, seen: func(p *patient) {
			pid := p.status(p.name).PID
			if n := len(processes(p.t, func(child process) bool { return child.group == pid })); n != 3 {
				p.t.Errorf("%s: the policy's group has %d processes, want itself and two children", p.name, n)
			}
		}},
		{track: "memory", fault: kind.EatMemory, seen: func(p *patient) {
			p.logged(p.name, "more memory than it may")
			p.wantRestart()
		}},

		{track: "store", fault: kind.FloodStore, seen: logs("the store is flooded")},
		{track: "store", fault: kind.PurgeOthers, seen: logs("everything is purged")},
	}
}

func (p *patient) kill() { gateway.ProcessOf(p.status(p.name).PID).Kill(p.t) }

// killUntilDown kills each process of the policy until there is no further one.
func (p *patient) killUntilDown() {
	for range 5 {
		before := p.status(p.name)
		if before.PID != 0 {
			p.kill()
		}
		if !soon(func() bool {
			now := p.status(p.name)
			return now.State == "down" || now.PID != before.PID && now.PID != 0
		}) {
			p.t.Errorf("%s: nothing follows upon the death of %+v", p.name, before)
		}
	}
}

// wantSame wants the policy to have the process that it had.
func (p *patient) wantSame() {
	p.t.Helper()
	if s := p.status(p.name); s.State != "running" || s.Restarts != p.restarts {
		p.t.Errorf("%s: the policy is %s after %d restarts", p.name, s.State, s.Restarts)
	}
}

// wantRestart wants the policy to run again, in another process.
func (p *patient) wantRestart() {
	p.t.Helper()
	if !soon(func() bool { s := p.status(p.name); return s.State == "running" && s.Restarts > p.restarts }) {
		p.t.Errorf("%s: the policy's process was not replaced: %+v", p.name, p.status(p.name))
	}
	p.wantSoon(p.name, http.StatusOK)
}

// wantDown wants the policy to be given up: nobody gets in, nobody is told to throw a credential away.
func (p *patient) wantDown() {
	p.t.Helper()
	if s := p.status(p.name); s.State != "down" || s.PID != 0 {
		p.t.Errorf("%s: the policy is not down: %+v", p.name, s)
	}
	p.wantSoon(p.name, http.StatusServiceUnavailable)
	if got := p.ask(p.name, "somebody-else", "192.0.2.3"); got != http.StatusServiceUnavailable {
		p.t.Errorf("%s: while it is down somebody else is answered %d", p.name, got)
	}
	p.wantPage(http.StatusServiceUnavailable)
}

// wantPage wants the policy's own path to be answered so.
func (p *patient) wantPage(want int) {
	p.t.Helper()
	if got := p.try(p.name, "pid"); got != want {
		p.t.Errorf("%s: its own path is answered %d, want %d", p.name, got, want)
	}
}

// wantOwnLines wants what the policy wrote to stand in the log as its own: each line JSON in valid UTF-8, with the name
// and the process of the policy where the host puts them, and of bounded size.
func (p *patient) wantOwnLines() {
	p.t.Helper()
	for _, l := range p.g.Log.Lines(func(gateway.Line) bool { return true }) {
		if l.Fields == nil || !utf8.ValidString(l.Text) || len(l.Text) > 64<<10 {
			p.t.Errorf("the host's log has a line that is too long, or no JSON: %q", l.Text)
		}
		if l.Msg() == "listening" && l.Field("policy") != p.name && l.Field("listen") != strings.TrimPrefix(p.g.URL, "http://") {
			p.t.Errorf("%s: the policy passes for the host: %s", p.name, l.Text)
		}
		if l.Msg() == "forged" && (l.Field("policy") != p.name || l.Fields["pid"] == nil || l.Field("request_id") != "") {
			p.t.Errorf("%s: the policy passes for another: %s", p.name, l.Text)
		}
	}
}
