package oauth

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"durward/policies"
)

// Policy turns a kind of identity provider into a policy type: an authorization server that signs people in there.
// The type's options are the provider's own plus those every provider has in common: gateway, browserLoginOverrides,
// access and pages.
func Policy(provider policies.ProviderType) policies.Type {
	described := provider.Describe()
	schema, err := mergeSchema(described.Options)
	if err != nil {
		schema, _ = mergeSchema(json.RawMessage(`{}`)) // the own schema alone: a constant that merges
	}
	return policyType{provider, policies.Description{Type: described.Type, Options: schema}, err}
}

type policyType struct {
	provider    policies.ProviderType
	description policies.Description
	// unusable says why the provider's schema cannot be used, if so. Then the description holds the own options only.
	unusable error
}

// Describe implements policies.Type. Should the provider's schema be unusable, the schema holds the own options only and
// Validate says so.
func (t policyType) Describe() policies.Description { return t.description }

// rootFault is told of a route at the root.
const rootFault = "is the root: behind sign-in a route needs a path of its own, such as /mcp/name"

// Validate implements policies.Type.
func (t policyType) Validate(input policies.Input) policies.Report {
	report := policies.Report{Authenticates: true, Vary: map[string]policies.Vary{}}
	problem := func(format string, args ...any) {
		report.Problems = append(report.Problems, policies.Problem{Text: fmt.Sprintf(format, args...)})
	}
	if t.unusable != nil {
		problem("this policy type cannot be used: %v", t.unusable)
	}
	var base basePath
	registration := true
	routes := operationsOf(input.Routes)
	if given, err := splitOptions(input.Options); err != nil {
		problem("options must be an object as the schema of the policy type describes it")
	} else {
		base, registration = given.own.basePath, given.own.registration
		of := provided{t.provider.Validate(given.provider), given.provider, given.own}
		report.Problems = slices.Concat(report.Problems, given.problems, of.Problems, of.problems(input.Origins))
		report.Notes = slices.Concat(of.Notes, of.notes())
		if given.own.access.Open() {
			report.Notes = append(report.Notes, policies.Problem{Text: openNote})
		}
		if given.own.rotation == rotateNone {
			report.Notes = append(report.Notes, policies.Problem{Pointer: rotationOption, Text: noRotationNote})
		}
		report.Problems = append(report.Problems, routes.problems(input.Routes, given.own.scopes)...)
		report.Scopes = given.own.scopes.names()
		report.Facts = of.Facts
		report.Files = of.Files
		for _, file := range []string{given.own.caFile, given.own.development.CAFile} {
			if file != "" {
				report.Files = append(slices.Clone(report.Files), file)
			}
		}
		report.Problems = append(report.Problems, given.own.development.problems(input.Origins)...)
	}
	if cookie := (&http.Cookie{Name: input.Name, Value: "x"}); cookie.Valid() != nil { //nolint:gosec // never sent
		problem("the policy's name becomes part of a cookie's name: use letters, digits, '-' and '_' only")
	}
	for _, origin := range input.Origins {
		if !trustworthy(origin) {
			problem("the public origin %s is plain http: sign-in is served over https, or on a loopback address", origin)
		}
	}
	for _, r := range input.Routes {
		if r.Path == "/" || r.Path == "" {
			// Q3: clients disagree on how an origin's root is written as a resource.
			report.Problems = append(report.Problems, policies.Problem{Route: r.ID, Text: rootFault})
		}
		report.Vary[r.ID] = varyOf(r)
	}
	report.Paths = base.paths(input.Routes, registration)
	report.Facts = slices.Concat(report.Facts, base.facts(input), routes.facts(input.Routes))
	return report
}

// Configure implements policies.Type.
func (t policyType) Configure(
	_ context.Context, input policies.Input, host policies.Host,
) (policies.Policy, error) {
	given, err := splitOptions(input.Options)
	if err != nil {
		return nil, err
	}
	roots, err := readRoots("browserLoginOverrides.caFile", given.own.caFile)
	if err != nil {
		return nil, err
	}
	provider, err := t.provider.Configure(given.provider, policies.ProviderSettings{
		Timeout: given.own.remoteTimeout, RootCAs: roots,
	})
	if err != nil {
		return nil, fmt.Errorf("configure identity provider: %w", err)
	}
	return newServer(input, given.own, provider, host)
}

// maxRoots is how many bytes a file of certificates may have. What systems ship with is some hundred KiB.
const maxRoots = 4 << 20

// readRoots reads the certificates of the file that an option names, nil if none is named. Each must be a certificate: one
// that is passed over in silence would show only when somebody signs in.
func readRoots(option, file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", option, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	content, err := io.ReadAll(io.LimitReader(f, maxRoots+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", option, err)
	}
	if len(content) > maxRoots {
		return nil, fmt.Errorf("read %s: %s is larger than %d MiB", option, file, maxRoots>>20)
	}
	count := 0
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return nil, fmt.Errorf("read %s: %s: certificate %d: %w", option, file, count+1, err)
		}
		count++
	}
	if count == 0 {
		return nil, fmt.Errorf("read %s: %s: it holds no PEM certificate", option, file)
	}
	return content, nil
}

// facts says what follows from the origin. Without configured origins each request's own counts.
func (b basePath) facts(input policies.Input) []policies.Fact {
	origins := input.Origins
	if len(origins) == 0 {
		origins = []string{"{origin of the request}"}
	}
	var all []policies.Fact
	for _, origin := range origins {
		all = append(all,
			policies.Fact{Name: "issuer", Value: b.issuer(origin)},
			policies.Fact{Name: "callback URL", Value: origin + b.at(callbackPath)},
			policies.Fact{Name: "metadata URL", Value: origin + b.asMetadata()},
		)
		for _, r := range input.Routes {
			all = append(all, policies.Fact{Name: "resource of " + r.ID, Value: resourceOf(origin, r.Path)})
		}
	}
	return all
}

// trustworthy says whether an origin may carry tokens and cookies: https, or a loopback address (A8).
func trustworthy(origin string) bool {
	if strings.HasPrefix(origin, "https://") {
		return true
	}
	host, isHTTP := strings.CutPrefix(origin, "http://")
	return isHTTP && loopbackHost(host)
}
