package decision

import (
	"net/http"
	"time"

	"durward/policies"
)

const (
	// maxTTL caps how long a decision is remembered, whatever the policy said.
	maxTTL = 24 * time.Hour
	// maxRefusedTTL caps how long the refusal of a credential is remembered.
	maxRefusedTTL = time.Second
)

// check answers d as it may be used. One that contradicts itself, or that could not be purged, is a fault: the text
// says which, and the request is answered Unavailable. A TTL that is merely too long is cut.
func check(d policies.Decision) (_ policies.Decision, fault string) {
	switch {
	case d.Outcome == policies.Unavailable:
		return policies.Decision{Outcome: policies.Unavailable, Reason: d.Reason}, ""
	case d.Outcome != policies.Allow && d.Outcome != policies.Respond:
		return d, "the policy gave no outcome"
	case d.TTL < 0:
		return d, "the policy gave a TTL below zero"
	case len(d.Tags) > policies.MaxTags:
		return d, "the policy gave too many tags"
	}
	for _, name := range d.Tags {
		if name == "" || len(name) > policies.MaxKey { // the store purges no such tag
			return d, "the policy gave a tag that cannot be purged"
		}
	}
	d.TTL = min(d.TTL, maxTTL)
	if d.Outcome == policies.Allow {
		return d, checkAllow(d)
	}
	if d.RefusedCredential {
		d.TTL = min(d.TTL, maxRefusedTTL)
	}
	return d, checkRespond(d)
}

func checkAllow(d policies.Decision) string {
	switch {
	case d.Response != nil || d.RefusedCredential:
		return "the policy both allowed and refused"
	case d.Principal != nil && (d.Principal.Issuer == "" || d.Principal.Subject == ""):
		return "the policy allowed a principal without issuer or subject"
	}
	return ""
}

func checkRespond(d policies.Decision) string {
	switch {
	case d.Response == nil:
		return "the policy responded with nothing"
	case d.Response.Status < 200 || d.Response.Status > 599:
		return "the policy responded with no final status"
	case d.Principal != nil || len(d.SetHeader) > 0:
		return "the policy both allowed and refused"
	}
	return ""
}

// overhead is about what an entry takes besides its texts: the structs, and its share of maps and list.
const overhead = 1024

// size is about how many bytes a remembered decision takes.
func size(d policies.Decision) int64 {
	n := overhead + len(d.Reason) + headerSize(d.SetHeader)
	for _, name := range d.Tags {
		n += len(name) + 128 // an index entry
	}
	if p := d.Principal; p != nil {
		n += len(p.Issuer) + len(p.Subject) + len(p.Email) + len(p.Name) + len(p.Client) + len(p.Grant)
		for _, scope := range p.Scopes {
			n += len(scope) + 16
		}
	}
	if d.Response != nil {
		n += len(d.Response.Body) + headerSize(d.Response.Header)
	}
	return int64(n)
}

func headerSize(h http.Header) (n int) {
	for name, values := range h {
		n += len(name) + 64
		for _, value := range values {
			n += len(value) + 16
		}
	}
	return n
}
