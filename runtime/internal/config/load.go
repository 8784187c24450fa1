package config

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"durward/runtime/internal/reference"
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
	if options.Now == nil {
		options.Now = time.Now
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
	other.options.FS, other.options.Imports, other.options.Name = folder, nil, name
	return &other
}

// Load reads and checks the configuration as it is now.
func (l *Loader) Load() Result {
	b := build{Loader: l, files: make(map[string]File)}
	b.open()
	b.openVariables()
	config := b.config()
	var problems, notes []Problem
	var names []string
	sums := make(map[string]string)
	for _, s := range b.sources() {
		names = append(names, s.name)
		if sum, ok := s.sum(); ok {
			sums[s.name] = sum
		}
		problems = append(problems, s.settled(s.faults, maxProblems)...)
		notes = append(notes, s.settled(s.notes, maxProblems)...)
	}
	result := Result{Files: names, Listed: b.listed, Sums: sums, Outside: b.outside(), References: b.references()}
	result.Problems = append(problems, b.dotEnvProblems()...)
	if len(result.Problems) == 0 {
		config.Notes = append(notes, b.dotEnvNotes...)
		config.Unsafe = b.unsafe()
		config.Files = names
		result.Config = config
	}
	return result
}

// maxProblems bounds what a person is told of one file, and what a hostile file costs.
const maxProblems = 500

// build is one Load: the files and what comes of them.
type build struct {
	*Loader
	// main are the files that are read, or looked for, for their own sake; importedFiles the others of the folder.
	main, importedFiles []*source
	again               int      // how many bytes were imported that had been before
	listed              []string // the files with routes that the folder has
	policies, gateway   *source
	// routes are the files with routes, in the order in which these are tried.
	routes []*source
	// variables are what references stand for.
	variables *reference.Variables
	// all blots out what came from the environment and every secret, secrets the secrets only.
	all, secrets *strings.Replacer
	// files are those outside of the folder, by path.
	files map[string]File
	// dotEnvNotes are what there is to note of .env.
	dotEnvNotes []Problem
	// dotEnvDangers are what of .env is not safe in production.
	dotEnvDangers []Problem
	// sharedKey says that others may read the private key of the certificate.
	sharedKey bool
}

// open opens the files that are read for their own sake.
func (b *build) open() {
	o := opener{b.options.FS, b.options.Name}
	choose := func(name string, limit int, free func(string) bool) *source {
		s, beside := o.choice(name, limit, free)
		b.main = append(b.main, s, beside)
		return s
	}
	b.policies = choose(PoliciesFile, maxBytes, nil)
	b.listed = routesFiles(b.options.FS)
	size := 0
	for _, name := range inOrder(b.listed) {
		s := choose(name, maxRoutesBytes, freeNames)
		b.routes = append(b.routes, s)
		if size += len(s.data); size > maxAllRoutesBytes {
			s.problemAt(0, "", "with the files before it there are more than 64 MiB of routes")
			s.doc = nil
			break
		}
	}
	b.gateway = choose(GatewayFile, maxBytes, nil)
	for _, s := range append([]*source{b.policies}, b.routes...) {
		if s.missing {
			s.problemAt(0, "", noFile(b.options.FS, s.name))
		}
	}
}

// sources are all files, in the order in which problems are told: the main ones, then those that are imported, in the order
// in which they first are.
func (b *build) sources() []*source { return slices.Concat(b.main, b.importedFiles) }

// config answers the Config, which is whole only if no source has a problem.
func (b *build) config() *Config {
	b.resolve(b.policies, policiesMeaning())
	b.checkPolicies()
	for _, s := range b.routes {
		b.resolve(s, routesMeaning())
		b.checkRoutes(s)
	}
	b.resolve(b.gateway, gatewayMeaning())
	b.gateway.check(b.schemas.Gateway, "", b.gateway.value)
	b.keepFiles()
	gateway := b.readGateway()
	drafts := b.readPolicies()
	routes := b.readRoutes(drafts)
	b.validate(drafts, routes, gateway.PublicURLs)
	b.checkPaths(drafts, routes, gateway.PublicRoutes)
	b.checkLoops(routes, gateway)
	b.noteUnused(drafts, routes)
	if len(routes) == 0 {
		b.routes[0].note("/paths", "no routes: nothing is served")
	}
	b.checkSafety(gateway, drafts, routes)

	b.hideSecrets(drafts)
	config := &Config{Gateway: gateway}
	config.secrets, config.all = b.blots(drafts, gateway.AdminToken)
	config.Policies, config.Routes = make([]Policy, 0, len(drafts)), make([]Route, 0, len(routes))
	for _, d := range drafts {
		d.At = b.policies.placeOf(d.at)
		config.Policies = append(config.Policies, d.Policy)
	}
	for _, r := range routes {
		r.At = r.source.placeOf(r.at)
		config.Routes = append(config.Routes, r.Route)
	}
	return config
}
