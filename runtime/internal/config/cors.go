package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"durward/runtime/internal/cors"
	"durward/schema/jsonpointer"
)

// The CORS policies that a route can name without an entry in corsPolicies. On an MCP route, which takes no cookie, both
// mean the same.
const (
	noCORS  = "none"
	anyCORS = "anything-goes"
)

// CORS is a route's CORS policy.
type CORS struct {
	// Name is corsPolicy, "none" if the file does not say.
	Name   string
	Policy *cors.Policy

	// entry is the one of corsPolicies, as canonical JSON with references resolved, nil of one that needs none; written are
	// the texts within it that name variables, by their pointers, as the file has them.
	entry   json.RawMessage
	written map[string]string
}

// corsDraft is an entry of corsPolicies in the making. Without a Policy it has problems.
type corsDraft struct {
	CORS
	at   string
	used bool
}

// corsReader reads the entries of corsPolicies.
type corsReader struct {
	*build
	drafts []*corsDraft
	byName map[string]*corsDraft
	// complete: all names are known.
	complete bool
}

func (b *build) readCORS() *corsReader {
	r := &corsReader{build: b, byName: map[string]*corsDraft{}}
	value := get(b.policies.value, "corsPolicies")
	list, isList := value.([]any)
	r.complete = b.policies.doc != nil && (isList || value == nil)
	for i, item := range list {
		d := &corsDraft{CORS: CORS{Name: text(item, "name")}, at: at("/corsPolicies", i)}
		r.drafts = append(r.drafts, d)
		r.name(d)
		if b.policies.sound(d.at) {
			r.compile(d, item)
		}
	}
	return r
}

// name notes the name of an entry, and refuses one that is taken.
func (b *corsReader) name(d *corsDraft) {
	first := b.byName[d.Name]
	switch {
	case d.Name == "" || !b.policies.sound(d.at+"/name"):
		b.complete = false
	case d.Name == noCORS || d.Name == anyCORS:
		b.policies.problem(d.at+"/name", "must be another name: what %q is cannot be changed", d.Name)
	case first != nil:
		b.policies.problem(d.at+"/name", "another CORS policy has this name, %s", b.policies.where(b.policies, first.at+"/name"))
	default:
		b.byName[d.Name] = d
	}
}

// compile makes the policy of an entry.
func (b *corsReader) compile(d *corsDraft, item any) {
	settings := cors.Settings{
		AllowedOrigins: corsList(item, "allowedOrigins"),
		AllowedMethods: corsList(item, "allowedMethods"),
		AllowedHeaders: corsList(item, "allowedHeaders"),
		ExposeHeaders:  corsList(item, "exposeHeaders"),
	}
	settings.AllowCredentials, _ = get(item, "allowCredentials").(bool)
	if number, ok := wholeNumbers(get(item, "maxAge")).(json.Number); ok {
		if seconds, err := number.Int64(); err == nil {
			whole := int(seconds)
			settings.MaxAge = &whole
		}
	}
	policy, faults := cors.New(settings)
	for _, f := range faults {
		place := d.at + "/" + f.Field
		if _, isList := get(item, f.Field).([]any); isList && f.Index >= 0 {
			place = at(place, f.Index)
		} else if f.Index >= 0 && len(corsList(item, f.Field)) > 1 {
			f.Text = fmt.Sprintf("number %d in the list %s", f.Index+1, f.Text)
		}
		b.policies.problem(place, "%s", f.Text)
	}
	entry, err := canonical(item)
	if err != nil {
		b.policies.problem(d.at, "cannot be passed on")
		return
	}
	d.Policy, d.entry, d.written = policy, entry, b.policies.writtenWithin(d.at)
	if slices.Contains(settings.AllowedOrigins, "*") && len(settings.AllowedOrigins) > 1 {
		b.policies.note(d.at+"/allowedOrigins", "lists * and others, which it stands for already")
	}
}

// corsList reads a list: an array of texts, or a text with commas. Of one that is not there it is nil.
func corsList(item any, field string) (list []string) {
	written, isText := get(item, field).(string)
	if !isText {
		return texts(get(item, field))
	}
	for part := range strings.SplitSeq(written, ",") {
		list = append(list, strings.TrimSpace(part))
	}
	return list
}

// find answers the CORS policy that a route names. The fault is "" if it is known or nobody can say.
func (b *corsReader) find(name string) (_ CORS, fault string) {
	if name == noCORS || name == anyCORS {
		return CORS{Name: name, Policy: cors.Open()}, ""
	}
	if d := b.byName[name]; d != nil {
		d.used = true
		return d.CORS, ""
	}
	if !b.complete {
		return CORS{Name: name}, ""
	}
	known := []string{noCORS, anyCORS}
	for _, d := range b.drafts {
		known = append(known, d.Name)
	}
	return CORS{Name: name}, fmt.Sprintf("there is no CORS policy of this name in %s%s", PoliciesFile, instead(name, known))
}

// noteUse notes entries that no route names, and used ones that stop what MCP clients send.
func (b *corsReader) noteUse() {
	for _, d := range b.drafts {
		switch {
		case d.Policy == nil:
		case !d.used:
			b.policies.note(d.at+"/name", "CORS policy %q is used by no route", d.Name)
		default:
			if lacks := d.Policy.Lacks(); len(lacks) > 0 {
				b.policies.note(d.at+"/allowedHeaders", "does not list %s, which MCP clients send: a page that sends one of them is "+
					"stopped by its browser", strings.Join(lacks, ", "))
			}
		}
	}
}

// corsReasons tells in what a route's CORS policy differs.
func corsReasons(old, next CORS, hide redaction) (reasons []Reason) {
	if old.Name != next.Name {
		return []Reason{told("corsPolicy", "", old.Name, next.Name)}
	}
	diff := optionsDiff{
		old: &Policy{Options: old.entry, written: old.written}, next: &Policy{Options: next.entry, written: next.written},
		hide: hide.secrets.Replace,
	}
	diff.compare()
	for _, r := range diff.reasons {
		r.What = "CORS policy " + old.Name
		r.Where = strings.Join(jsonpointer.Split(r.Where), " ")
		reasons = append(reasons, r)
	}
	return reasons
}
