package config

import (
	"fmt"
	"io/fs"
	"strings"

	"durward/schema"
)

// Loader loads configurations. It is safe for concurrent use.
type Loader struct {
	options Options
	schemas *schema.Set
	types   []policyType
}

// policyType is a type with its schema compiled.
type policyType struct {
	PolicyType
	options *schema.Schema
}

// New compiles the schemas. An error is a fault of the catalogue, not of a configuration.
func New(options Options) (*Loader, error) {
	if options.LookupEnv == nil {
		options.LookupEnv = func(string) (string, bool) { return "", false }
	}
	set, err := schema.New()
	if err != nil {
		return nil, fmt.Errorf("prepare configuration: %w", err)
	}
	l := &Loader{options: options, schemas: set}
	for _, t := range options.Types {
		compiled, err := schema.CompileOptions(t.Schema)
		if err != nil {
			return nil, fmt.Errorf("prepare policy type %s: %w", t.Type, err)
		}
		l.types = append(l.types, policyType{t, compiled})
	}
	return l, nil
}

// Of answers a loader of another folder: the same types and variables, and name instead of Options.Name.
func (l *Loader) Of(folder fs.FS, name string) *Loader {
	other := *l
	other.options.FS, other.options.Name = folder, name
	return &other
}

// Load reads and checks the configuration as it is now.
func (l *Loader) Load() Result {
	names := []string{PoliciesFile, RoutesFile, GatewayFile}
	b := build{
		Loader:   l,
		policies: open(l.options.FS, l.options.Name, PoliciesFile, false),
		routes:   open(l.options.FS, l.options.Name, RoutesFile, false),
		gateway:  open(l.options.FS, l.options.Name, GatewayFile, true),
		files:    make(map[string]File),
	}
	config := b.config()
	var problems, notes []Problem
	sums := make(map[string]string)
	for i, s := range []*source{b.policies, b.routes, b.gateway} {
		if sum, ok := s.sum(); ok {
			sums[names[i]] = sum
		}
		problems = append(problems, s.settled(s.faults, maxProblems)...)
		notes = append(notes, s.settled(s.notes, maxProblems)...)
	}
	if len(problems) > 0 {
		return Result{Problems: problems, Files: names, Sums: sums, PolicyFiles: b.policyFiles()}
	}
	config.Notes = notes
	config.Files = names
	return Result{Config: config, Files: names, Sums: sums, PolicyFiles: b.policyFiles()}
}

// maxProblems bounds what a person is told of one file, and what a hostile file costs.
const maxProblems = 500

// build is one Load: the three files and what comes of them.
type build struct {
	*Loader
	policies, routes, gateway *source
	// all blots out what came from the environment and every secret, secrets the secrets only.
	all, secrets *strings.Replacer
	// files are those that policies read, by path.
	files map[string]File
}

// config answers the Config, which is whole only if no source has a problem.
func (b *build) config() *Config {
	b.policies.resolve(policiesTreatment, b.options.LookupEnv)
	b.routes.resolve(routesTreatment, b.options.LookupEnv)
	b.gateway.resolve(gatewayTreatment, b.options.LookupEnv)
	for _, pair := range []struct {
		s  *source
		sc *schema.Schema
	}{{b.policies, b.schemas.Policies}, {b.routes, b.schemas.Routes}, {b.gateway, b.schemas.Gateway}} {
		if pair.s.root != nil {
			pair.s.check(pair.sc, "", pair.s.value)
		}
	}
	gateway := b.readGateway()
	drafts := b.readPolicies()
	routes := b.readRoutes(drafts)
	b.validate(drafts, routes, gateway.PublicURLs)
	b.checkPaths(drafts, routes)
	b.noteUnused(drafts, routes)

	config := &Config{Gateway: gateway}
	config.secrets, config.all = b.blots(drafts, gateway.AdminToken)
	for _, d := range drafts {
		config.Policies = append(config.Policies, d.Policy)
	}
	for _, r := range routes {
		config.Routes = append(config.Routes, r.Route)
	}
	return config
}

// policiesTreatment: references are resolved in options.
func policiesTreatment(names []string) treatment {
	if len(names) > 4 && names[0] == "policies" && names[2] == "handler" && names[3] == "options" {
		return resolve
	}
	return refuse
}

// routesTreatment: references are resolved in a handler's options. In those parts of an OpenAPI document that mean
// nothing here, text may mention them.
func routesTreatment(names []string) treatment {
	if len(names) == 2 && names[0] == "paths" {
		return refuse
	}
	if len(names) < 4 || names[0] != "paths" {
		return free
	}
	switch names[3] {
	case "operationId", "summary":
		return refuse
	case "x-zuplo-route":
		if len(names) < 7 || names[4] != "handler" || names[5] != "options" {
			return refuse
		}
		if len(names) == 7 && names[6] == "rewritePattern" {
			return resolveURL
		}
		return resolve
	}
	return free
}

// gatewayTreatment: references are resolved in the one secret.
func gatewayTreatment(names []string) treatment {
	if len(names) == 1 && names[0] == "adminToken" {
		return resolve
	}
	return refuse
}

// modules says which modules handler.module may name.
func modules(names []string) string {
	written := make([]string, len(names))
	for i, name := range names {
		written[i] = "$import(" + name + ")"
	}
	if len(written) == 1 {
		return "must be " + written[0]
	}
	return "must be one of " + strings.Join(written, ", ")
}
