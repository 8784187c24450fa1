package kind

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"durward/policies"
)

// Names of the ordinary type in policies.json.
const (
	PolicyType = "hostile-inbound"
	Export     = "HostilePolicy"
	Module     = "@durward/runtime"
)

// Type is the type of which a fault strikes before the process knows its options; "" is the ordinary one.
func Type(early string) policies.Type { return kind{early: early} }

// TypeName is the policyType of Type(early).
func TypeName(early string) string {
	if early == "" {
		return PolicyType
	}
	return "hostile-" + early + "-inbound"
}

type kind struct {
	early string
	// served says that this is the process, and not the host that validates.
	served bool
}

// options are what a policy of these types may be told.
type options struct {
	// Fault is the switch.
	Fault string `json:"fault"`
	// Label means nothing: another one starts another process.
	Label any `json:"label"`
	// TTLSeconds is how long a decision holds, ExpiresSeconds how long a grant does.
	TTLSeconds     int `json:"ttlSeconds"`
	ExpiresSeconds int `json:"expiresSeconds"`
	// Barrier is a URL that Evaluate asks, and waits for, before and after it reads the Store: see barrier.
	Barrier string `json:"barrier"`
	// Paths are served too.
	Paths []string `json:"paths"`
	// Size is how much of whatever the fault takes, in bytes or pieces.
	Size int `json:"size"`
}

const schema = `{"type": "object", "additionalProperties": false, "properties": {
  "fault": {"type": "string"}, "label": {}, "ttlSeconds": {"type": "integer"}, "expiresSeconds": {"type": "integer"},
  "barrier": {"type": "string"}, "paths": {"type": "array", "items": {"type": "string"}}, "size": {"type": "integer"},
  "secret": {"type": "string", "writeOnly": true}}}`

func decode(raw json.RawMessage) (options, error) {
	o := options{Fault: None, TTLSeconds: 60, ExpiresSeconds: 3600}
	if err := json.Unmarshal(raw, &o); err != nil {
		return o, fmt.Errorf("decode options: %w", err)
	}
	return o, nil
}

// Describe implements policies.Type.
func (k kind) Describe() policies.Description {
	if k.served && k.early == HangInDescribe {
		select {}
	}
	if k.served && k.early == OtherType {
		return policies.Description{Type: PolicyType, Options: json.RawMessage(schema)}
	}
	return policies.Description{Type: TypeName(k.early), Options: json.RawMessage(schema)}
}

// Validate implements policies.Type.
func (k kind) Validate(in policies.Input) policies.Report {
	report := policies.Report{Authenticates: true, Vary: make(map[string]policies.Vary)}
	o, err := decode(in.Options)
	if err != nil {
		report.Problems = append(report.Problems, policies.Problem{Text: err.Error()})
		return report
	}
	if !knows(o.Fault) {
		report.Problems = append(report.Problems, policies.Problem{Pointer: "/fault", Text: "is no fault of this type"})
	}
	for _, route := range in.Routes {
		report.Vary[route.ID] = policies.Vary{Headers: []string{"Authorization"}}
	}
	for _, verb := range []string{"grant", "revoke", "fault", "pid"} {
		report.Paths = append(report.Paths, policies.Path{Path: "/" + in.Name + "/" + verb})
	}
	for _, path := range o.Paths {
		report.Paths = append(report.Paths, policies.Path{Path: path})
	}
	if k.served {
		lie(o.Fault, &report)
	}
	return report
}

// Configure implements policies.Type.
func (k kind) Configure(_ context.Context, in policies.Input, host policies.Host) (policies.Policy, error) {
	o, err := decode(in.Options)
	if err != nil {
		return nil, err
	}
	p := &policy{
		name: in.Name, options: o, host: host, ttl: time.Duration(o.TTLSeconds) * time.Second,
		expires: time.Duration(o.ExpiresSeconds) * time.Second,
	}
	p.fault.Store(&o.Fault)
	if err := p.strike(o.Fault); err != nil {
		return nil, err
	}
	return p, nil
}
