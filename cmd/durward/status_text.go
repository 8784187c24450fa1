package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"durward/runtime"
)

// statusText prints what a gateway told at two moments: how it is now, and what was decided in between.
type statusText struct {
	before, after runtime.Status
	between       time.Duration
	now           time.Time
	// columns is how many characters a line of changes may have before it is cut: as many as a terminal has, and where
	// there is none 0, for any number.
	columns int
}

// maxColumn is how many characters a name in a column may have before it is cut.
const maxColumn = 20

// cut is a text as a terminal may show it, at most n characters of it. n is 3 at least.
func cut(text string, n int) string {
	runes := []rune(printable(text))
	if len(runes) <= n {
		return string(runes)
	}
	return string(runes[:n-3]) + "..."
}

func (t statusText) String() string {
	if t.after.Number == 0 {
		return "The gateway is shutting down\n"
	}
	var out strings.Builder
	t.generation(&out)
	t.reload(&out)
	t.notes(&out)
	t.policies(&out)
	t.decisions(&out)
	t.routes(&out)
	t.rest(&out)
	return out.String()
}

func (t statusText) generation(out *strings.Builder) {
	fmt.Fprintf(out, "Generation %d for %s, up for %s", t.after.Number, t.age(t.after.Since), t.age(t.after.Started))
	if t.after.Watch == "polling" {
		out.WriteString(", polling for changes of files")
	}
	out.WriteString("\n")
}

// reload tells what the last reload came to.
func (t statusText) reload(out *strings.Builder) {
	r := t.after.LastReload
	if r.Number == 1 && r.Why == "start" {
		out.WriteString("No reload yet\n")
		return
	}
	fmt.Fprintf(out, "Last reload %s %s ago", r.Result, t.age(r.At))
	if r.Why != "" {
		fmt.Fprintf(out, " (%s)", printable(r.Why))
	}
	phases := make([]string, len(r.Phases))
	for i, p := range r.Phases {
		phases[i] = fmt.Sprintf("%s %.1f ms", p.Name, p.Milliseconds)
	}
	if len(phases) > 0 {
		out.WriteString(": " + strings.Join(phases, ", "))
	}
	out.WriteString("\n")
	for _, p := range r.Problems {
		fmt.Fprintf(out, "  %s\n", p)
	}
	if r.Error != "" {
		fmt.Fprintf(out, "  %s\n", printable(r.Error))
	}
	for _, line := range r.Changes.Lines() {
		if t.columns > 0 {
			line = cut(line, max(t.columns-2, maxColumn))
		}
		fmt.Fprintf(out, "  %s\n", printable(line))
	}
}

// notes tells that there are notes. Which they are depends on the files alone, and is long.
func (t statusText) notes(out *strings.Builder) {
	switch n := len(t.after.LastReload.Notes); n {
	case 0:
	case 1:
		out.WriteString("1 note: durward validate shows it\n")
	default:
		fmt.Fprintf(out, "%d notes: durward validate shows them\n", n)
	}
}

func (t statusText) policies(out *strings.Builder) {
	table := newTable(out, "POLICY", "STATE", "PID", "FOR", "RESTARTS", "MEMORY")
	for _, p := range t.after.Policies {
		if p.State == runtime.InHost {
			table.row(p.Name, p.State, "-", "-", "-", "-")
			continue
		}
		pid, memory := "-", "-"
		if p.PID != 0 {
			pid = fmt.Sprint(p.PID)
		}
		if p.Memory != 0 {
			memory = fmt.Sprintf("%.1f MiB", float64(p.Memory)/(1<<20))
		}
		table.row(p.Name, p.State, pid, t.age(p.Since), fmt.Sprint(p.Restarts), memory)
	}
	table.print()
}

// sources are where decisions come from, in the order of columns.
func sources() []string {
	return []string{"cached", "evaluated", "shared", "refused", "limited", "unavailable"}
}

// decisions tells how many decisions of each source there were in a second.
func (t statusText) decisions(out *strings.Builder) {
	heads := []string{"DECISIONS/S"}
	for _, source := range sources() {
		heads = append(heads, strings.ToUpper(source))
	}
	table := newTable(out, heads...)
	was := make(map[string]runtime.PolicyStatus)
	for _, p := range t.before.Policies {
		was[p.Name] = p
	}
	for _, p := range t.after.Policies {
		if p.State == runtime.InHost {
			continue
		}
		cells := []string{p.Name}
		for _, source := range sources() {
			n := p.Decisions[source]
			if earlier := was[p.Name].Decisions[source]; earlier <= n { // else it counts from the beginning again
				n -= earlier
			}
			cells = append(cells, fmt.Sprintf("%.1f", float64(n)/max(t.between, time.Millisecond).Seconds()))
		}
		table.row(cells...)
	}
	table.print()
}

func (t statusText) routes(out *strings.Builder) {
	table := newTable(out, "ROUTE", "PATH", "OPEN", "STREAMS", "POLICIES")
	for _, r := range t.after.Routes {
		policies := strings.Join(r.Policies, ", ")
		table.row(r.ID, r.Path, fmt.Sprint(r.Open), fmt.Sprint(r.Streams), cmp.Or(policies, "-"))
	}
	table.print()
}

// rest tells what earlier generations have left, and what was ended before its time.
func (t statusText) rest(out *strings.Builder) {
	var parts []string
	if d := t.after.Draining; d.Policies > 0 || d.Open > 0 {
		parts = append(parts, fmt.Sprintf("Draining: %s, %s", plural(d.Policies, "process", "processes"),
			plural(int(d.Open), "open answer", "open answers")))
	}
	var ended []string
	for _, why := range slices.Sorted(maps.Keys(t.after.Ended)) {
		if n := t.after.Ended[why]; n > 0 {
			ended = append(ended, fmt.Sprintf("%d %s", n, printable(why)))
		}
	}
	if len(ended) > 0 {
		parts = append(parts, "Ended early since the start: "+strings.Join(ended, ", "))
	}
	if len(parts) > 0 {
		out.WriteString("\n" + strings.Join(parts, "\n") + "\n")
	}
}

// age is how long ago something was, in its two largest units.
func (t statusText) age(since time.Time) string {
	d := max(t.now.Sub(since), 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm %02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh %02dm", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%dd %02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	}
}

// table is text in columns, below an empty line.
type table struct{ rows *tabwriter.Writer }

func newTable(out *strings.Builder, heads ...string) *table {
	out.WriteString("\n")
	t := &table{rows: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
	t.row(heads...)
	return t
}

// row adds a row, with names that are too long cut.
func (t *table) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = cut(cell, maxColumn)
	}
	fmt.Fprintln(t.rows, strings.Join(cells, "\t"))
}

func (t *table) print() {
	_ = t.rows.Flush() // a strings.Builder takes everything
}
