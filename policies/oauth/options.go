package oauth

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/access"
	"durward/policies/oauth/internal/page"
)

// ownProperties are the options that every identity provider has in common, as members of a schema's "properties".
//
//go:embed options.schema.json
var ownProperties string

// options are the authorization server's own, with defaults applied.
type options struct {
	accessTTL, refreshTTL               time.Duration
	remoteTimeout, stateTTL, sessionTTL time.Duration
	// caFile names a file of PEM certificates, or is empty.
	caFile string
	// basePath is where the server lies at the origin.
	basePath basePath
	access   access.Rules
	brand    page.Branding
	rotation rotation
	// rotationGrace is how long after its first use a refresh token may be presented again.
	rotationGrace time.Duration
	// recheckAfter is how long what the provider said of a person holds; zero: it is not asked again.
	recheckAfter time.Duration
	// issParameter, registration and documents are whether responses carry iss, whether clients may register themselves,
	// and whether they may identify themselves by a metadata document.
	issParameter, registration, documents bool
	clients                               clientHosts
	scopes                                scopeTable
	development                           cimdDevelopment
	limits                                limitOptions
}

// rotation is what becomes of a refresh token that was used.
type rotation string

const (
	rotateGrace  rotation = "grace"
	rotateStrict rotation = "strict"
	rotateNone   rotation = "none"
)

// clientHosts is the option clients: at most one of them is there.
type clientHosts struct {
	Allow []string `json:"allow"`
	Deny  []string `json:"deny"`
}

// scopeOptions is a scope that is declared.
type scopeOptions struct {
	Description string   `json:"description"`
	Includes    []string `json:"includes"`
}

// parted are handler.options in their two parts.
type parted struct {
	own      options
	provider json.RawMessage
	// problems are what the schema does not say of the own part.
	problems []policies.Problem
}

// ownOptions is the JSON form. Numbers are float64 because JSON Schema calls 900.0 an integer too.
type ownOptions struct {
	Gateway struct {
		AccessTokenTTLSeconds    float64                 `json:"accessTokenTtlSeconds"`
		RefreshTokenTTLSeconds   float64                 `json:"refreshTokenTtlSeconds"`
		RefreshTokenRotation     rotation                `json:"refreshTokenRotation"`
		RefreshTokenGraceSeconds float64                 `json:"refreshTokenGraceSeconds"`
		RecheckSeconds           float64                 `json:"recheckSeconds"`
		IssParameterEnabled      bool                    `json:"issParameterEnabled"`
		RegistrationEnabled      bool                    `json:"registrationEnabled"`
		Clients                  clientHosts             `json:"clients"`
		Scopes                   map[string]scopeOptions `json:"scopes"`
		CIMDEnabled              bool                    `json:"cimdEnabled"`
		CIMDDevelopment          cimdDevelopment         `json:"cimdDevelopment"`
		Limits                   limitOptions            `json:"limits"`
		BasePath                 string                  `json:"basePath"`
	} `json:"gateway"`
	BrowserLoginOverrides struct {
		RemoteTimeoutMs   float64 `json:"remoteTimeoutMs"`
		StateTTLSeconds   float64 `json:"stateTtlSeconds"`
		SessionTTLSeconds float64 `json:"sessionTtlSeconds"`
		CAFile            string  `json:"caFile"`
	} `json:"browserLoginOverrides"`
	Access access.Options  `json:"access"`
	Pages  json.RawMessage `json:"pages"`
}

// splitOptions parts handler.options into the authorization server's own and the rest, which is the provider's.
func splitOptions(raw json.RawMessage) (parted, error) {
	var own ownOptions
	own.Gateway.AccessTokenTTLSeconds = 900
	own.Gateway.RefreshTokenTTLSeconds = 2592000
	own.Gateway.RefreshTokenRotation = rotateGrace
	own.Gateway.RefreshTokenGraceSeconds = 60
	own.Gateway.RecheckSeconds = 3600
	own.Gateway.IssParameterEnabled = true
	own.Gateway.RegistrationEnabled = true
	own.Gateway.CIMDEnabled = true
	own.Gateway.Limits = defaultLimits()
	own.BrowserLoginOverrides.RemoteTimeoutMs = 10000
	own.BrowserLoginOverrides.StateTTLSeconds = 900
	own.BrowserLoginOverrides.SessionTTLSeconds = 28800
	if err := json.Unmarshal(raw, &own); err != nil {
		return parted{}, fmt.Errorf("decode options: %w", err)
	}
	rules, err := access.Read(own.Access)
	if err != nil {
		return parted{}, err
	}
	members, err := membersOf(raw)
	if err != nil {
		return parted{}, err
	}
	for _, name := range []string{"gateway", "browserLoginOverrides", "access", "pages"} {
		delete(members, name)
	}
	rest, err := json.Marshal(members)
	if err != nil {
		return parted{}, fmt.Errorf("encode provider options: %w", err)
	}
	brand, problems := page.ReadBranding(own.Pages)
	if file := own.BrowserLoginOverrides.CAFile; file != "" && !filepath.IsAbs(file) {
		problems = append(problems, policies.Problem{
			Pointer: "/browserLoginOverrides/caFile",
			Text:    "must be an absolute path, such as /etc/durward/provider-ca.pem",
		})
	}
	scopes, faults := readScopes(own.Gateway.Scopes)
	problems = append(problems, faults...)
	base := basePath(own.Gateway.BasePath)
	if fault := base.fault(); fault != "" {
		problems = append(problems, policies.Problem{Pointer: basePathOption, Text: fault})
	}
	return parted{
		own: options{
			accessTTL:     scaled(own.Gateway.AccessTokenTTLSeconds, time.Second),
			refreshTTL:    scaled(own.Gateway.RefreshTokenTTLSeconds, time.Second),
			remoteTimeout: scaled(own.BrowserLoginOverrides.RemoteTimeoutMs, time.Millisecond),
			stateTTL:      scaled(own.BrowserLoginOverrides.StateTTLSeconds, time.Second),
			sessionTTL:    scaled(own.BrowserLoginOverrides.SessionTTLSeconds, time.Second),
			caFile:        own.BrowserLoginOverrides.CAFile,
			basePath:      base,
			access:        rules,
			brand:         brand,
			rotation:      own.Gateway.RefreshTokenRotation,
			rotationGrace: scaled(own.Gateway.RefreshTokenGraceSeconds, time.Second),
			recheckAfter:  scaled(own.Gateway.RecheckSeconds, time.Second),
			issParameter:  own.Gateway.IssParameterEnabled,
			registration:  own.Gateway.RegistrationEnabled,
			documents:     own.Gateway.CIMDEnabled,
			clients:       own.Gateway.Clients,
			scopes:        scopes,
			development:   own.Gateway.CIMDDevelopment,
			limits:        own.Gateway.Limits,
		},
		provider: rest,
		problems: problems,
	}, nil
}

func scaled(n float64, unit time.Duration) time.Duration { return time.Duration(n) * unit }

// mergeSchema adds the own options to a provider's schema and closes it against any others.
func mergeSchema(provider json.RawMessage) (json.RawMessage, error) {
	schema, err := membersOf(provider)
	if err != nil {
		return nil, fmt.Errorf("read the provider's options schema: %w", err)
	}
	properties := map[string]json.RawMessage{}
	if given, ok := schema["properties"]; ok {
		if properties, err = membersOf(given); err != nil {
			return nil, fmt.Errorf("read the properties of the provider's options schema: %w", err)
		}
	}
	own, err := membersOf(json.RawMessage(ownProperties))
	if err != nil {
		return nil, fmt.Errorf("read own options schema: %w", err)
	}
	for name := range own {
		if _, taken := properties[name]; taken {
			return nil, fmt.Errorf("the provider's options schema names %q, which is the authorization server's", name)
		}
	}
	maps.Copy(properties, own)
	merged, err := json.Marshal(properties)
	if err != nil {
		return nil, fmt.Errorf("encode options schema: %w", err)
	}
	schema["$schema"] = json.RawMessage(`"https://json-schema.org/draft/2020-12/schema"`)
	schema["type"] = json.RawMessage(`"object"`)
	schema["additionalProperties"] = json.RawMessage(`false`)
	schema["properties"] = merged
	whole, err := json.Marshal(schema) // map keys are sorted: the same schema every time
	if err != nil {
		return nil, fmt.Errorf("encode options schema: %w", err)
	}
	return whole, nil
}

func membersOf(raw json.RawMessage) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	if members == nil {
		return nil, errors.New("not an object")
	}
	return members, nil
}
