package oauth

import (
	"net/http"
	"slices"

	"durward/policies"
	"durward/policies/oauth/internal/assertion"
)

// metadataCache lets the host, and clients, keep metadata for a minute.
const metadataCache = "public, max-age=60"

// asMetadata is RFC 8414 section 2 (A7).
type asMetadata struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	RegistrationEndpoint  string   `json:"registration_endpoint,omitempty"`
	Scopes                []string `json:"scopes_supported"`
	ResponseTypes         []string `json:"response_types_supported"`
	ResponseModes         []string `json:"response_modes_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
	TokenAuthMethods      []string `json:"token_endpoint_auth_methods_supported"`
	TokenSigningAlgs      []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported"`
	IssParameter          bool     `json:"authorization_response_iss_parameter_supported,omitempty"`
	ClientDocuments       bool     `json:"client_id_metadata_document_supported,omitempty"`

	RevocationEndpoint       string   `json:"revocation_endpoint"`
	RevocationAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported"`
	RevocationSigningAlgs    []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	IntrospectionEndpoint    string   `json:"introspection_endpoint"`
	IntrospectionAuthMethods []string `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectionSigningAlgs []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
}

// oidcMetadata is what OpenID Connect Discovery section 3 demands besides, though there are no id_tokens here; and that
// request_uri is not read, for there it is unless a server says otherwise.
type oidcMetadata struct {
	asMetadata

	JWKSURI      string   `json:"jwks_uri"`
	SubjectTypes []string `json:"subject_types_supported"`
	IDTokenAlgs  []string `json:"id_token_signing_alg_values_supported"`
	RequestURIs  bool     `json:"request_uri_parameter_supported"`
}

func (s *server) newASMetadata(issuer string) asMetadata {
	metadata := asMetadata{
		Issuer:                issuer,
		AuthorizationEndpoint: issuer + authorizePath,
		TokenEndpoint:         issuer + tokenPath,
		Scopes:                s.supported(),
		ResponseTypes:         []string{"code"},
		ResponseModes:         []string{"query"},
		GrantTypes:            []string{grantCode, grantRefresh},
		TokenAuthMethods:      authMethods(),
		TokenSigningAlgs:      assertion.Algorithms(),
		ChallengeMethods:      []string{"S256"},
		IssParameter:          s.options.issParameter,
		ClientDocuments:       s.options.documents, // A6

		RevocationEndpoint:       issuer + revokePath,
		RevocationAuthMethods:    authMethods(),
		RevocationSigningAlgs:    assertion.Algorithms(),
		IntrospectionEndpoint:    issuer + introspectPath,
		IntrospectionAuthMethods: slices.DeleteFunc(authMethods(), func(method string) bool { return !confidential(method) }),
		IntrospectionSigningAlgs: assertion.Algorithms(),
	}
	if s.options.registration {
		metadata.RegistrationEndpoint = issuer + registerPath
	}
	return metadata
}

func (s *server) serveASMetadata(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", metadataCache)
	writeJSON(w, http.StatusOK, s.newASMetadata(s.issuer(r.Context())))
	return nil
}

// serveOIDCMetadata answers the same for clients that know OpenID Connect Discovery only.
func (s *server) serveOIDCMetadata(w http.ResponseWriter, r *http.Request) error {
	issuer := s.issuer(r.Context())
	w.Header().Set("Cache-Control", metadataCache)
	writeJSON(w, http.StatusOK, oidcMetadata{
		asMetadata:   s.newASMetadata(issuer),
		JWKSURI:      issuer + jwksPath,
		SubjectTypes: []string{"public"},
		IDTokenAlgs:  []string{"RS256"},
	})
	return nil
}

// serveJWKS answers an empty key set: tokens here are opaque and nothing is signed.
func (s *server) serveJWKS(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Cache-Control", metadataCache)
	writeJSON(w, http.StatusOK, map[string][]string{"keys": {}})
	return nil
}

// protectedResource is RFC 9728 section 2 (B4).
type protectedResource struct {
	Resource             string   `json:"resource"`
	AuthorizationServers []string `json:"authorization_servers"`
	Scopes               []string `json:"scopes_supported"`
	BearerMethods        []string `json:"bearer_methods_supported"`
	Name                 string   `json:"resource_name,omitempty"`
}

// resourceMetadata serves the document of one route (B3: each route is a resource of its own). It names one
// authorization server, the route's: another one's tokens are not good there.
func (s *server) resourceMetadata(route policies.Route) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		origin := policies.CallFrom(r.Context()).Origin
		w.Header().Set("Cache-Control", metadataCache)
		writeJSON(w, http.StatusOK, protectedResource{
			Resource:             resourceOf(origin, route.Path),
			AuthorizationServers: []string{s.issuer(r.Context())},
			Scopes:               s.operations.baseline(route.Path),
			BearerMethods:        []string{"header"},
			Name:                 route.Title,
		})
		return nil
	}
}
