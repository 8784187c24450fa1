package oauth

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"durward/policies"
	"durward/policies/oauth/internal/redirecturi"
)

// Bounds of a registration (S45).
const (
	maxRegistration = 16 << 10 // bytes of the body
	maxRedirects    = 16
)

// clientRecord is a registered client (RFC 7591 section 2). Its JSON is also the answer to the registration: URIs are
// as they came (Q42), empty members are left out (Q23, Q54).
type clientRecord struct {
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
}

// serveRegister registers public clients (A24): whatever a client asks for, it gets no secret.
func (s *server) serveRegister(w http.ResponseWriter, r *http.Request) error {
	body, err := readRegistration(r)
	if err != nil {
		return err
	}
	client, err := parseRegistration(body)
	if err != nil {
		return err
	}
	ctx := r.Context()
	now := policies.CallFrom(ctx).Time
	client.ID = "dw-" + rand.Text() // A22: never like a URL
	client.Issued = now.Unix()
	var c change
	c.put(clientKey(client.ID), client, 0, now.Add(s.clientLife()))
	if err := c.commit(ctx, s.store); err != nil {
		return fmt.Errorf("keep client: %w", err)
	}
	s.record(ctx, policies.Event{
		Name: eventClientRegistered, Outcome: outcomeSuccess, Client: client.ID,
		ClientHost: strings.Join(redirectHosts(client.Redirects), " "),
	})
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusCreated, client)
	return nil
}

func readRegistration(r *http.Request) ([]byte, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, badRequest("invalid_client_metadata", "the body must be application/json")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRegistration+1))
	if err != nil {
		return nil, badRequest("invalid_client_metadata", "the body could not be read")
	}
	if len(body) > maxRegistration {
		return nil, &refusal{
			Status: http.StatusRequestEntityTooLarge, Code: "invalid_client_metadata",
			Text: fmt.Sprintf("the body is larger than %d bytes", maxRegistration),
		}
	}
	return body, nil
}

// parseRegistration checks client metadata. Names are taken exactly as RFC 7591 writes them; what is not known is
// ignored, as it must be.
func parseRegistration(body []byte) (clientRecord, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		return clientRecord{}, badRequest("invalid_client_metadata", "the body must be one JSON object")
	}
	m := metadataReader{members: members}
	client := clientRecord{
		Name:            m.text("client_name"),
		Redirects:       m.list("redirect_uris"),
		ApplicationType: m.text("application_type"),
		ClientURI:       m.uri("client_uri"),
		LogoURI:         m.uri("logo_uri"),
		TOSURI:          m.uri("tos_uri"),
		PolicyURI:       m.uri("policy_uri"),
		SoftwareID:      m.text("software_id"),
		SoftwareVersion: m.text("software_version"),
		Contacts:        slices.DeleteFunc(m.list("contacts"), func(c string) bool { return c == "" }),
	}
	m.uri("jwks_uri")
	method := m.text("token_endpoint_auth_method")
	grants, responses := m.list("grant_types"), m.list("response_types")
	asked := strings.Fields(m.text("scope"))
	if m.err != nil {
		return clientRecord{}, m.err
	}
	if err := checkRedirects(client.Redirects); err != nil {
		return clientRecord{}, err
	}
	switch {
	case !slices.Contains([]string{"", "none", "client_secret_post", "client_secret_basic"}, method):
		return clientRecord{}, badRequest("invalid_client_metadata",
			"token_endpoint_auth_method must be none: clients here are public")
	case len(grants) > 0 && !slices.Contains(grants, grantCode):
		return clientRecord{}, badRequest("invalid_client_metadata", "grant_types must hold authorization_code")
	case len(responses) > 0 && !slices.Contains(responses, "code"):
		return clientRecord{}, badRequest("invalid_client_metadata", "response_types must hold code")
	case !slices.Contains([]string{"", "web", "native"}, client.ApplicationType):
		return clientRecord{}, badRequest("invalid_client_metadata", "application_type must be web or native")
	}
	// Values that are replaced rather than refused: clients follow the answer (Q5). The scope of a registration is no
	// ceiling for later requests (Q7).
	client.AuthMethod = "none"
	client.GrantTypes = []string{grantCode, grantRefresh}
	client.ResponseTypes = []string{"code"}
	client.Scope = strings.Join(slices.DeleteFunc(asked, func(scope string) bool {
		return scope != scopeTools && scope != scopeOffline
	}), " ")
	if client.ApplicationType == "" {
		client.ApplicationType = applicationType(client.Redirects)
	}
	return client, nil
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

// uri reads a link to something of the client's (A27, S5). Nothing here follows it, and still it must be one that a
// browser could be shown: http or https, and not into a private network.
func (m *metadataReader) uri(name string) string {
	text := m.text(name)
	if text == "" || m.err != nil {
		return ""
	}
	link, err := url.Parse(text)
	if err != nil || (link.Scheme != "https" && link.Scheme != "http") || link.Host == "" || link.User != nil ||
		internalHost(link.Hostname()) {
		m.err = badRequest("invalid_client_metadata", name+" must be a public http or https URL")
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
