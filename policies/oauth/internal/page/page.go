package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"durward/policies/oauth/internal/legible"
)

//go:embed templates
var templates embed.FS

// Pages are all the pages there are. They are safe for concurrent use.
type Pages struct {
	templates map[string]*template.Template
	texts     texts
	branding  Branding
	// provider is the URL of the identity provider.
	provider string
	style    template.CSS
	// policy is the Content-Security-Policy of every page, but for where its forms may lead.
	policy string
}

// Load prepares the pages. provider is the URL by which the identity provider is known: forms lead there, and it is where
// a person stays signed in who signs out here.
func Load(brand Branding, provider string) (*Pages, error) {
	words, err := readTexts(englishTexts)
	if err != nil {
		return nil, err
	}
	style, err := templates.ReadFile("templates/style.css")
	if err != nil {
		return nil, fmt.Errorf("read page style: %w", err)
	}
	p := &Pages{
		templates: map[string]*template.Template{},
		texts:     words,
		branding:  brand,
		provider:  provider,
		style:     template.CSS(style), //nolint:gosec // our own file
	}
	for _, name := range []string{"consent", "denied", "grants", "sign-in", "signed-out", "message"} {
		parsed, err := template.New("layout.html").Funcs(words.functions()).
			ParseFS(templates, "templates/layout.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("parse page templates: %w", err)
		}
		p.templates[name] = parsed
	}
	sum := sha256.Sum256(style)
	p.policy = "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src " +
		brand.source() + "; frame-ancestors 'none'; base-uri 'none'; form-action "
	return p, nil
}

// Consent asks whether a client may have access.
func (p *Pages) Consent(w http.ResponseWriter, view Consent) error {
	view.Usual, view.More = shownAbilities(view.Usual), shownAbilities(view.More)
	return p.show(w, http.StatusOK, "consent", formTargets(p.provider, view.Client.Redirect), struct {
		Consent
		Client         shownClient
		Person, Former string
	}{view, p.texts.client(view.Client), whoIs(view.Person), whoIs(view.Former)})
}

// Denied tells a person that they may not come in, and how to go on.
func (p *Pages) Denied(w http.ResponseWriter, view Denied) error {
	return p.show(w, http.StatusForbidden, "denied", formTargets(p.provider, view.Client.Redirect), struct {
		Denied
		Client         shownClient
		Person, Reason string
	}{view, p.texts.client(view.Client), whoIs(&view.Person), p.texts.Denials[view.Reason]})
}

// Grants shows what a person has allowed.
func (p *Pages) Grants(w http.ResponseWriter, view Grants) error {
	type row struct {
		Grant
		Client shownClient
	}
	rows := make([]row, len(view.Grants))
	for i, grant := range view.Grants {
		grant.Abilities = shownAbilities(grant.Abilities)
		rows[i] = row{grant, p.texts.client(grant.Client)}
	}
	type rest Grants
	isolate(w)
	return p.show(w, http.StatusOK, "grants", "'self'", struct {
		rest
		Grants []row
		Person string
	}{rest(view), rows, whoIs(&view.Person)})
}

// SignIn offers to sign in, to whoever asks for their grants without a session. Its form is sent to "grants" with the
// answer sign-in.
func (p *Pages) SignIn(w http.ResponseWriter) error {
	isolate(w)
	return p.show(w, http.StatusOK, "sign-in", formTargets(p.provider), nil)
}

// SignedOut says that the gateway's own session has ended.
func (p *Pages) SignedOut(w http.ResponseWriter) error {
	isolate(w)
	return p.show(w, http.StatusOK, "signed-out", "'none'", struct{ Provider string }{hostOf(p.provider)})
}

// Refusal shows an error page.
func (p *Pages) Refusal(w http.ResponseWriter, view Refusal) error {
	if _, known := p.texts.Messages[view.Message]; !known {
		view.Message = BadRequest
	}
	detail := ""
	if view.Message.developers() {
		detail = view.Code + ": " + legible.Line(view.Text, maxDetail)
	}
	seconds, minutes := view.wait()
	return p.show(w, view.Status, "message", "'none'", struct {
		messageText
		Detail, RequestID string
		Seconds, Minutes  int
	}{p.texts.Messages[view.Message], detail, view.RequestID, seconds, minutes})
}

// show renders a page and sends it with the headers of every page (A38, S15). With an error nothing has been sent.
func (p *Pages) show(w http.ResponseWriter, status int, name, formTargets string, view any) error {
	var body bytes.Buffer
	if err := p.templates[name].Execute(&body, struct {
		Language string
		Style    template.CSS
		Name     string
		Logo     template.URL
		Page     any
	}{
		p.texts.Language, p.style, p.branding.Name,
		template.URL(p.branding.Logo), //nolint:gosec // ReadBranding has checked it
		view,
	}); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Content-Security-Policy", p.policy+formTargets)
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
	return nil
}

// isolate parts a page's window from the one that opened it. The pages of an authorization do without: a client on the
// web may have opened them in a window of their own, to which it must still be able to speak when the answer comes.
func isolate(w http.ResponseWriter) {
	w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
}

// formTargets says where a page's forms may lead. Chromium holds the whole chain of redirects after a form to its
// page's form-action: the provider, whatever sign-in hosts the provider uses, and the client. Hence any https, and
// beyond it only what this very request may end at.
func formTargets(uris ...string) string {
	var targets strings.Builder
	targets.WriteString("'self' https:")
	for _, uri := range uris {
		target, err := url.Parse(uri)
		switch {
		case err != nil || uri == "" || target.Scheme == "https":
		case target.Scheme == "http" && !strings.HasPrefix(target.Host, "["):
			targets.WriteString(" http://" + target.Host)
		default: // private-use schemes, and IPv6 addresses, which CSP cannot write
			targets.WriteString(" " + target.Scheme + ":")
		}
	}
	return targets.String()
}
