package oauth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"durward/policies/oauth/internal/assertion"
	"durward/policies/oauth/internal/cimd"
	"durward/policies/oauth/internal/redirecturi"
)

// maxRedirects is how many redirect URIs a client may register (S45).
const maxRedirects = 16

// registration is what a client says of itself when it registers (RFC 7591 section 2), and what became of it. URIs are as
// they came (Q42), empty members are left out (Q23, Q54).
type registration struct {
	ID              string   `json:"client_id"`
	Issued          int64    `json:"client_id_issued_at"`
	Name            string   `json:"client_name,omitempty"`
	Redirects       []string `json:"redirect_uris"`
	AuthMethod      string   `json:"token_endpoint_auth_method"`
	GrantTypes      []string `json:"grant_types"`
	ResponseTypes   []string `json:"response_types"`
	ApplicationType string   `json:"application_type"`
	Scope           string   `json:"scope,omitempty"`
	ClientURI       string   `json:"client_uri,omitempty"`
	LogoURI         string   `json:"logo_uri,omitempty"`
	TOSURI          string   `json:"tos_uri,omitempty"`
	PolicyURI       string   `json:"policy_uri,omitempty"`
	SoftwareID      string   `json:"software_id,omitempty"`
	SoftwareVersion string   `json:"software_version,omitempty"`
	Contacts        []string `json:"contacts,omitempty"`
	// Of a client that signs, and of no other: its key set or where that is, and the algorithm if it names one.
	KeySet    json.RawMessage `json:"jwks,omitempty"`
	KeysURI   string          `json:"jwks_uri,omitempty"`
	Algorithm string          `json:"token_endpoint_auth_signing_alg,omitempty"`
}

// parseRegistration checks client metadata. Names are taken exactly as RFC 7591 writes them; what is not known is
// ignored, as it must be. scopes are those there are, and fetchable says what is wrong with the URL of a key set.
func parseRegistration(body []byte, scopes []string, fetchable func(uri string) error) (registration, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		return registration{}, badRequest("invalid_client_metadata", "the body must be one JSON object")
	}
	m := metadataReader{members: members}
	asked := registration{
		Name:            m.text("client_name"),
		Redirects:       m.list("redirect_uris"),
		AuthMethod:      m.text("token_endpoint_auth_method"),
		ApplicationType: m.text("application_type"),
		ClientURI:       m.page("client_uri"),
		LogoURI:         m.page("logo_uri"),
		TOSURI:          m.page("tos_uri"),
		PolicyURI:       m.page("policy_uri"),
		SoftwareID:      m.text("software_id"),
		SoftwareVersion: m.text("software_version"),
		Contacts:        slices.DeleteFunc(m.list("contacts"), func(c string) bool { return c == "" }),
		KeySet:          m.members["jwks"],
		KeysURI:         m.link("jwks_uri"),
		Algorithm:       m.text("token_endpoint_auth_signing_alg"),
	}
	grants, responses := m.list("grant_types"), m.list("response_types")
	scope := strings.Fields(m.text("scope"))
	if m.err != nil {
		return registration{}, m.err
	}
	if err := checkRedirects(asked.Redirects); err != nil {
		return registration{}, err
	}
	if asked.AuthMethod == "" { // RFC 7591 would have it mean client_secret_basic: MCP clients that say nothing are public
		asked.AuthMethod = methodNone
	}
	if err := asked.checkKeys(fetchable); err != nil {
		return registration{}, err
	}
	switch {
	case !slices.Contains(authMethods(), asked.AuthMethod):
		return registration{}, badRequest("invalid_client_metadata",
			"token_endpoint_auth_method must be one of "+strings.Join(authMethods(), ", "))
	case len(grants) > 0 && !slices.Contains(grants, grantCode):
		return registration{}, badRequest("invalid_client_metadata", "grant_types must hold authorization_code")
	case len(responses) > 0 && !slices.Contains(responses, "code"):
		return registration{}, badRequest("invalid_client_metadata", "response_types must hold code")
	case !slices.Contains([]string{"", "web", "native"}, asked.ApplicationType):
		return registration{}, badRequest("invalid_client_metadata", "application_type must be web or native")
	}
	// Values that are replaced rather than refused: clients follow the answer (A24). The scope of a registration is no
	// ceiling for later requests (Q7).
	asked.GrantTypes = []string{grantCode, grantRefresh}
	asked.ResponseTypes = []string{"code"}
	asked.Scope = strings.Join(slices.DeleteFunc(scope, func(one string) bool { return !slices.Contains(scopes, one) }), " ")
	if asked.ApplicationType == "" {
		asked.ApplicationType = applicationType(asked.Redirects)
	}
	return asked, nil
}

// checkKeys wants of a client that signs what verifies its signatures, and leaves it out of any other.
func (r *registration) checkKeys(fetchable func(uri string) error) error {
	if r.AuthMethod != methodKeyJWT {
		r.KeySet, r.KeysURI, r.Algorithm = nil, "", ""
		return nil
	}
	fault := ""
	switch {
	case (r.KeySet == nil) == (r.KeysURI == ""):
		fault = "private_key_jwt needs either jwks or jwks_uri, and not both"
	case r.Algorithm != "" && !slices.Contains(assertion.Algorithms(), r.Algorithm):
		fault = "token_endpoint_auth_signing_alg must be one of " + strings.Join(assertion.Algorithms(), ", ")
	case r.KeySet != nil:
		if _, err := cimd.ParseKeys(r.KeySet); err != nil {
			fault = "jwks " + err.Error()
		}
	default: // S42
		if err := fetchable(r.KeysURI); err != nil {
			fault = err.Error()
		}
	}
	if fault != "" {
		return badRequest("invalid_client_metadata", fault)
	}
	return nil
}

// keys are those that a client registered itself with, none if it did not.
func (r registration) keys() ([]jose.JSONWebKey, error) {
	if r.KeySet == nil {
		return nil, nil
	}
	set, err := cimd.ParseKeys(r.KeySet)
	if err != nil {
		return nil, fmt.Errorf("read keys of client: its jwks %w", err)
	}
	return set.Keys, nil
}

func checkRedirects(uris []string) error {
	if len(uris) == 0 || len(uris) > maxRedirects {
		return badRequest("invalid_redirect_uri", fmt.Sprintf("redirect_uris must hold 1 to %d URIs", maxRedirects))
	}
	for i, uri := range uris {
		if err := redirecturi.Check(uri); err != nil {
			return badRequest("invalid_redirect_uri", fmt.Sprintf("redirect_uris[%d] %v", i, err))
		}
	}
	return nil
}

// applicationType derives what older clients leave out (A25): native, if every redirect stays on the person's machine.
func applicationType(redirects []string) string {
	if slices.ContainsFunc(redirects, func(uri string) bool { return strings.HasPrefix(uri, "https://") }) {
		return "web"
	}
	return "native"
}

// metadataReader reads members of a registration and keeps the first error.
type metadataReader struct {
	members map[string]json.RawMessage
	err     error
}

func (m *metadataReader) read(name string, into any, what string) {
	raw, ok := m.members[name]
	if !ok || m.err != nil {
		return
	}
	if bytes.Equal(raw, []byte("null")) || json.Unmarshal(raw, into) != nil {
		code := "invalid_client_metadata"
		if name == "redirect_uris" {
			code = "invalid_redirect_uri"
		}
		m.err = badRequest(code, name+" must be "+what)
	}
}

func (m *metadataReader) text(name string) (value string) {
	m.read(name, &value, "a string")
	return value
}

func (m *metadataReader) list(name string) (values []string) {
	m.read(name, &values, "a list of strings")
	return values
}

// link reads the URL of something of the client's (A27): http or https, and of nobody's in particular.
func (m *metadataReader) link(name string) string {
	text := m.text(name)
	if text == "" || m.err != nil {
		return ""
	}
	link, err := url.Parse(text)
	if err != nil || (link.Scheme != "https" && link.Scheme != "http") || link.Host == "" || link.User != nil {
		m.err = badRequest("invalid_client_metadata", name+" must be an http or https URL")
	}
	return text
}

// page reads a link that a person may be shown (S5). Nothing here follows it, and still it must not lead into a private
// network.
func (m *metadataReader) page(name string) string {
	text := m.link(name)
	if link, err := url.Parse(text); m.err == nil && (err != nil || internalHost(link.Hostname())) {
		m.err = badRequest("invalid_client_metadata", name+" must be a public URL")
	}
	return text
}

func internalHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && (!address.Unmap().IsGlobalUnicast() || address.Unmap().IsPrivate())
}
