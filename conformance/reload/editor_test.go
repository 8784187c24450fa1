package reload

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"durward/conformance/gateway"
	"durward/runtime"
)

// editor makes edits, and remembers what is in use.
type editor struct {
	g     *gateway.Gateway
	crowd *crowd
	// good is the last good content of each file.
	good map[string]string
	// decided are the states of each policy in which it has been asked for a decision.
	decided map[string]bool
	// replaced are the processes before the present ones.
	replaced []int
	// now is the edit that is being made.
	now string
	// results counts the reloads by what came of them.
	results map[string]int
}

// newEditor makes one that knows what is in use now.
func newEditor(t *testing.T, g *gateway.Gateway, c *crowd, executable string) *editor {
	t.Helper()
	content, err := os.ReadFile(executable)
	if err != nil {
		t.Fatal(err)
	}
	e := &editor{g: g, crowd: c, results: make(map[string]int), decided: make(map[string]bool), good: map[string]string{
		policiesFile: g.Read(policiesFile), routesFile: g.Read(routesFile), gatewayFile: g.Read(gatewayFile), executable: string(content),
	}}
	for _, name := range []string{keeper, edited} {
		e.decided[e.state(name)] = true
	}
	return e
}

// round makes all edits, while one person signs in across four processes of the policy that ships.
func (e *editor) round(t *testing.T, number int, all []edit) {
	t.Helper()
	var person login
	person.open(t, e.g)
	for _, d := range all {
		e.now = fmt.Sprintf("edit %q of round %d", d.name, number)
		e.make(t, d)
		e.crowd.streams.overdue()
		if t.Failed() {
			return // what follows builds on it
		}
		switch d.name {
		case "an option":
			person.approve(t)
		case "a route more that uses the policy":
			person.signIn(t)
		case "another scope":
			person.redeem(t)
		}
	}
}

// errorf fails the test for the edit that is being made.
func (e *editor) errorf(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Errorf("%s: %s", e.now, fmt.Sprintf(format, args...))
}

// quiet is how long the editor listens before it believes that nothing comes: some times as long as the watch waits.
const quiet = 600 * time.Millisecond

// make makes one edit and compares what comes of it.
func (e *editor) make(t *testing.T, d edit) {
	t.Helper()
	before := e.g.Status()
	content := e.good[d.file]
	if d.text != nil {
		content = d.text(content)
		if content == e.good[d.file] {
			t.Fatalf("%s: the edit edits nothing", e.now)
		}
	}
	if d.save == nil {
		d.save = renamed
	}
	seen := e.reloads()
	began := time.Now()
	if err := d.save(e.g, path(e.g, d.file), content); err != nil {
		t.Fatalf("%s: %v", e.now, err)
	}
	if d.silent {
		<-time.After(quiet)
		if n := e.reloads(); n != seen {
			e.errorf(t, "G5: it caused %d reloads", n-seen)
		}
	}
	if d.ask != nil {
		if err := d.ask(e.g); err != nil {
			t.Fatalf("%s: %v", e.now, err)
		}
	}
	e.wait(seen, d.result)
	e.crowd.streams.changed(d.changes, began, time.Now())
	if d.ask != nil && !d.silent {
		<-time.After(quiet) // the watch on the files may have found the same change, and be about to say so
	}
	if d.result != runtime.Refused {
		e.good[d.file] = content
	}
	e.results[d.result]++
	e.crowd.moved(t, e.now)
	e.compare(t, d, before, content)
}

func isReload(l gateway.Line) bool { return l.Msg() == "reload" }

func (e *editor) reloads() int { return len(e.g.Log.Lines(isReload)) }

// wait waits for a reload with the result. Others may come before it: a file that is written in place may be read half
// written, which is refused, and an operator may ask for what the watch on the files has just found.
func (e *editor) wait(seen int, result string) {
	n := 0
	e.g.Wait(e.now+": reload: "+result, func(l gateway.Line) bool {
		if !isReload(l) {
			return false
		}
		n++
		return n > seen && l.Field("result") == result
	})
}

// compare compares what runs with what ran before, and with what the edit was to change.
func (e *editor) compare(t *testing.T, d edit, before runtime.Status, content string) {
	t.Helper()
	after := e.g.Status()
	number := before.Number
	if d.result == runtime.Applied {
		number++
	}
	if after.Number != number || after.LastReload.Number != number {
		e.errorf(t, "generation %d (the reload says %d) follows %d, want %d", after.Number, after.LastReload.Number, before.Number, number)
	}
	if !after.Since.Equal(before.Since) && d.result != runtime.Applied {
		e.errorf(t, "G2: the generation is since %v, was since %v", after.Since, before.Since)
	}
	again := d.ask != nil && d.result == runtime.Applied && after.LastReload.Result == runtime.Unchanged
	if after.LastReload.Result != d.result && !again {
		e.errorf(t, "the status tells of %+v, want %s", after.LastReload, d.result)
	}
	e.comparePolicies(t, d, before, after)
	routes := ids(before)
	if d.routes != "" {
		routes = d.routes
	}
	if got := ids(after); got != routes {
		e.errorf(t, "the routes are %q, want %q", got, routes)
	}
	e.compareProblems(t, d, after.LastReload, content)
}

// comparePolicies looks for the processes that were to be replaced, and at those that were not.
func (e *editor) comparePolicies(t *testing.T, d edit, before, after runtime.Status) {
	t.Helper()
	if d.result != runtime.Applied && names(before) != names(after) {
		e.errorf(t, "G2: the policies are %s, were %s", names(after), names(before))
	}
	processes := make(map[int]bool)
	for _, is := range after.Policies {
		processes[is.PID] = true
		if is.State != "running" || is.Restarts != 0 {
			e.errorf(t, "policy %+v", is)
		}
		was, found := find(before, is.Name)
		if !found {
			continue
		}
		restarts := slices.Contains(d.restarts, is.Name)
		if (is.PID != was.PID) != restarts || (is.Hash != was.Hash) != (restarts && !d.rebuilt) {
			e.errorf(t, "G5: %s's process %d with hash %s follows %d with %s; is it to be another: %v", is.Name, is.PID, is.Hash,
				was.PID, was.Hash, restarts)
		}
		if is.Name == keeper || is.Name == edited {
			e.compareDecisions(t, was, is)
		}
	}
	for _, was := range before.Policies {
		if !processes[was.PID] {
			e.replaced = append(e.replaced, was.PID)
		}
	}
	var children []int
	if !gateway.Within(patience, func() bool {
		children = childrenOf(e.g.PID())
		return len(children) == len(processes) && !slices.ContainsFunc(children, func(pid int) bool { return !processes[pid] })
	}) {
		e.errorf(t, "G6: processes %v run, want those of %+v", children, after.Policies)
	}
}

// compareDecisions counts how often a policy was asked about the one token that everybody has who uses its route: once in
// each state in which it decides otherwise, and never because of a reload that changes none of it.
func (e *editor) compareDecisions(t *testing.T, was, is runtime.PolicyStatus) {
	t.Helper()
	want := uint64(0)
	if state := e.state(is.Name); !e.decided[state] {
		e.decided[state] = true
		want = 1
	}
	if got := is.Decisions["evaluated"] - was.Decisions["evaluated"]; got != want {
		e.errorf(t, "%s was asked %d times about a token it had decided on, want %d", is.Name, got, want)
	}
}

// state is what a policy decides by, apart from the route: its label, which no secret is, and its executable.
func (e *editor) state(name string) string {
	_, after, _ := strings.Cut(e.good[policiesFile], `"label": "`+name)
	label, _, _ := strings.Cut(after, `"`)
	for file, content := range e.good {
		if filepath.IsAbs(file) {
			return fmt.Sprint(name, label, " ", len(content))
		}
	}
	return name + label
}

// compareProblems looks for the problem, in the status and in the log, at the place of the fault; or for the error.
func (e *editor) compareProblems(t *testing.T, d edit, last runtime.Reload, content string) {
	t.Helper()
	if d.result != runtime.Refused {
		if len(last.Problems) > 0 || last.Error != "" {
			e.errorf(t, "the reload was %+v", last)
		}
		return
	}
	if d.fails != "" {
		logged := func(l gateway.Line) bool {
			return l.Msg() == "configuration refused" && l.Field("error") == last.Error
		}
		if len(last.Problems) > 0 || !strings.Contains(last.Error, d.fails) || len(e.g.Log.Lines(logged)) == 0 {
			e.errorf(t, "the reload was %+v, want an error about %s, and it in the log", last, d.fails)
		}
		return
	}
	if len(last.Problems) == 0 {
		e.errorf(t, "no problem is named: %+v", last)
		return
	}
	p := last.Problems[0]
	if filepath.Base(p.File) != cmp.Or(d.in, d.file) || p.Text == "" {
		e.errorf(t, "the problem is %v", p)
	}
	if d.fault != "" {
		line, column := place(content, d.fault)
		if p.Line != line || p.Column != column || p.Pointer != d.pointer {
			e.errorf(t, "the problem is said to be at %v, want %d:%d: %s", p, line, column, d.pointer)
		}
	}
	logged := func(l gateway.Line) bool {
		return l.Msg() == "configuration problem" && l.Field("problem") == p.String()
	}
	if len(e.g.Log.Lines(logged)) == 0 {
		e.errorf(t, "the log does not tell of %v", p)
	}
}

// finish compares what is in use with what was in the beginning, and waits for the end of every process since.
func (e *editor) finish(t *testing.T, files map[string]string) {
	t.Helper()
	for file, content := range files {
		if e.good[file] != content {
			t.Errorf("the rounds do not end with the %s that they began with", filepath.Base(file))
		}
	}
	for _, pid := range e.replaced {
		e.g.Wait(fmt.Sprintf("the end of process %d", pid), func(l gateway.Line) bool {
			return l.Msg() == "policy stopped" && l.Fields["pid"] == float64(pid)
		})
	}
	if n := len(e.g.Log.Lines(func(l gateway.Line) bool { return l.Msg() == "policy's process ended" })); n > 0 {
		t.Errorf("%d of the policies' processes ended by themselves", n)
	}
}

func find(s runtime.Status, name string) (runtime.PolicyStatus, bool) {
	i := slices.IndexFunc(s.Policies, func(p runtime.PolicyStatus) bool { return p.Name == name })
	if i < 0 {
		return runtime.PolicyStatus{}, false
	}
	return s.Policies[i], true
}

func hashesOf(s runtime.Status) map[string]string {
	all := make(map[string]string)
	for _, p := range s.Policies {
		all[p.Name] = p.Hash
	}
	return all
}

// names are those of the policies, sorted.
func names(s runtime.Status) string {
	all := make(map[string]bool)
	for _, p := range s.Policies {
		all[p.Name] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(all)), " ")
}

// ids are those of the routes, in their order.
func ids(s runtime.Status) string {
	var all []string
	for _, r := range s.Routes {
		all = append(all, r.ID)
	}
	return strings.Join(all, " ")
}

// place answers the line and the column, in characters, of what is searched for.
func place(content, searched string) (line, column int) {
	before, _, _ := strings.Cut(content, searched)
	lineBegins := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[lineBegins:]) + 1
}
