package oauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"durward/policies"
	"durward/policies/oauth/internal/page"
)

// server is one configured authorization server. Everything that outlives a call is in the store, but for counts of the
// last minutes.
type server struct {
	name      string
	options   options
	routes    []policies.Route
	resources []policies.Route // one for each path: several operations of a path are one resource
	// operations are those of each resource.
	operations operations
	provider   policies.IdentityProvider
	store      policies.Store
	audit      policies.Audit
	logger     *slog.Logger
	pages      *page.Pages
	limits     *limits
	endpoints  map[string]endpoint
	// documents are those of clients that have one. keys has the key sets of clients that keep theirs at a URL.
	documents *documents
	keys      keySource
}

// endpoint is what is served at one exact path.
type endpoint struct {
	// methods that are answered; OPTIONS comes with shared.
	methods []string
	// shared endpoints are open to scripts of any origin, without credentials (D7, Q39). Pages never are.
	shared bool
	// page says that a person reads the answer, also when it is a refusal.
	page bool
	// admin endpoints are served by the host on its admin listener only.
	admin bool
	// limit is how the requests of an address count. Metadata does not: the host keeps it in memory.
	limit limited
	serve func(http.ResponseWriter, *http.Request) error
}

func newServer(
	input policies.Input, own options, provider policies.IdentityProvider, host policies.Host,
) (*server, error) {
	pages, err := page.Load(own.brand, provider.Issuer())
	if err != nil {
		return nil, err
	}
	limits, err := newLimits(own.limits)
	if err != nil {
		return nil, err
	}
	documents, err := newDocuments(own.development)
	if err != nil {
		return nil, err
	}
	s := &server{
		name:       input.Name,
		options:    own,
		routes:     slices.Clone(input.Routes),
		resources:  resources(input.Routes),
		operations: operationsOf(input.Routes),
		provider:   provider,
		store:      host.Store,
		audit:      host.Audit,
		logger:     host.Logger,
		pages:      pages,
		limits:     limits,
		documents:  documents,
		keys:       documents,
	}
	get := []string{http.MethodGet, http.MethodHead}
	post := []string{http.MethodPost}
	base := own.basePath
	s.endpoints = map[string]endpoint{
		base.asMetadata():   {methods: get, shared: true, serve: s.serveASMetadata},
		base.at(jwksPath):   {methods: get, shared: true, serve: s.serveJWKS},
		base.at(tokenPath):  {methods: post, shared: true, limit: limitedTokenRequests, serve: s.serveToken},
		base.at(revokePath): {methods: post, shared: true, limit: limitedTokenRequests, serve: s.serveRevoke},
		// Not for scripts of other sites: who may ask holds a secret.
		base.at(introspectPath): {methods: post, limit: limitedTokenRequests, serve: s.serveIntrospect},
		base.at(authorizePath): {
			methods: []string{http.MethodGet}, page: true, limit: limitedAuthorizations, serve: s.serveAuthorize,
		},
		base.at(consentPath):  {methods: post, page: true, serve: s.serveConsent},
		base.at(callbackPath): {methods: []string{http.MethodGet}, page: true, serve: s.serveCallback},
		base.at(grantsPath): {
			methods: []string{http.MethodGet, http.MethodPost}, page: true, limit: limitedAuthorizations, serve: s.serveGrants,
		},
		base.at(signedOutPath): {methods: []string{http.MethodGet}, page: true, serve: s.serveSignedOut},
		adminClientsPath: {
			methods: []string{http.MethodGet, http.MethodDelete}, admin: true, serve: s.serveAdminClients,
		},
		adminGrantsPath: {
			methods: []string{http.MethodGet, http.MethodDelete}, admin: true, serve: s.serveAdminGrants,
		},
	}
	if own.registration {
		s.endpoints[base.at(registerPath)] = endpoint{
			methods: post, shared: true, limit: limitedRegistrations, serve: s.serveRegister,
		}
	}
	for _, path := range base.oidcMetadata() {
		s.endpoints[path] = endpoint{methods: get, shared: true, serve: s.serveOIDCMetadata}
	}
	for _, route := range s.resources {
		metadata := endpoint{methods: get, shared: true, serve: s.resourceMetadata(route)}
		s.endpoints[resourceMetadataPath+route.Path] = metadata
		if base.servesRoot(s.resources) {
			s.endpoints[resourceMetadataPath] = metadata
		}
	}
	return s, nil
}

// ServeHTTP implements policies.Policy.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	at, ok := s.endpoints[r.URL.EscapedPath()] // as it stands on the wire: a route's path is part of some
	if !ok {
		s.fail(w, r, endpoint{}, &refusal{Status: http.StatusNotFound, Code: "not_found", Text: "no such endpoint"})
		return
	}
	if at.shared {
		allowAnyOrigin(w, r)
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	r = withAsker(r)
	if err := s.admit(w, r, at); err != nil {
		s.fail(w, r, at, err)
		return
	}
	if err := at.serve(w, r); err != nil {
		if no, ok := errors.AsType[*refusal](err); ok && at.limit == limitedTokenRequests && no.Code == "invalid_client" {
			s.failedClient(r.Context())
		}
		s.fail(w, r, at, err)
	}
}

// issuer is the server's name to whoever makes this call.
func (s *server) issuer(ctx context.Context) string {
	return s.options.basePath.issuer(policies.CallFrom(ctx).Origin)
}

// admit checks what holds for every endpoint.
func (s *server) admit(w http.ResponseWriter, r *http.Request, at endpoint) error {
	call := policies.CallFrom(r.Context())
	if call.Time.IsZero() || call.Origin == "" {
		return fmt.Errorf("serve %s: the call carries no time or no origin", r.URL.Path)
	}
	if !slices.Contains(at.methods, r.Method) {
		w.Header().Set("Allow", strings.Join(at.methods, ", "))
		return &refusal{
			Status: http.StatusMethodNotAllowed, Code: "invalid_request",
			Text: "this endpoint answers " + strings.Join(at.methods, " and ") + " only",
		}
	}
	if !at.admin && !trustworthy(call.Origin) {
		return &refusal{
			Status: http.StatusBadRequest, Code: "invalid_request", Page: page.Insecure,
			Text: "sign-in is served over https only, and this request came over plain http: " +
				"use the gateway's https address",
		}
	}
	return s.withinLimits(r.Context(), at.limit)
}
