package oauth

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"durward/policies"
)

//go:embed templates
var templates embed.FS

// pages are the HTML pages: without scripts, and without anything from elsewhere but the operator's logo. Their links
// and forms are relative: all that a browser is shown lies side by side, below whatever base path.
type pages struct {
	templates map[string]*template.Template
	texts     texts
	branding  branding
	style     template.CSS
	// policy is the Content-Security-Policy of every page, but for where its forms may lead.
	policy string
}

func loadPages(brand branding) (*pages, error) {
	words, err := readTexts(englishTexts)
	if err != nil {
		return nil, err
	}
	style, err := templates.ReadFile("templates/style.css")
	if err != nil {
		return nil, fmt.Errorf("read page style: %w", err)
	}
	p := &pages{
		templates: map[string]*template.Template{},
		texts:     words,
		branding:  brand,
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

func (s *server) showConsent(w http.ResponseWriter, view consentView) error {
	return s.show(w, http.StatusOK, "consent", formTargets(s.provider.Issuer(), view.Client.Redirect), struct {
		consentView
		Client         shownClient
		Person, Former string
	}{view, s.pages.texts.client(view.Client), whoIs(view.Person), whoIs(view.Former)})
}

// showDenied tells a person that they may not come in, and how to go on.
func (s *server) showDenied(w http.ResponseWriter, view deniedView) error {
	targets := formTargets(s.provider.Issuer(), view.Client.Redirect)
	return s.show(w, http.StatusForbidden, "denied", targets, struct {
		deniedView
		Client         shownClient
		Person, Reason string
	}{view, s.pages.texts.client(view.Client), whoIs(&view.Person), s.pages.texts.Denials[view.Reason]})
}

// showGrants shows what a person has allowed.
func (s *server) showGrants(w http.ResponseWriter, view grantsView) error {
	type row struct {
		grantView
		Client shownClient
	}
	rows := make([]row, len(view.Grants))
	for i, grant := range view.Grants {
		rows[i] = row{grant, s.pages.texts.client(grant.Client)}
	}
	s.isolate(w)
	return s.show(w, http.StatusOK, "grants", "'self'", struct {
		grantsView
		Grants []row
		Person string
	}{view, rows, whoIs(&view.Person)})
}

// showSignIn offers to sign in, to whoever asks for their grants without a session.
func (s *server) showSignIn(w http.ResponseWriter) error {
	s.isolate(w)
	return s.show(w, http.StatusOK, "sign-in", formTargets(s.provider.Issuer()), nil)
}

// showSignedOut says that the gateway's own session has ended.
func (s *server) showSignedOut(w http.ResponseWriter) error {
	s.isolate(w)
	return s.show(w, http.StatusOK, "signed-out", "'none'", struct{ Provider string }{hostOf(s.provider.Issuer())})
}

// showRefusal shows an error page. The request's id is what the operator finds it by.
func (s *server) showRefusal(w http.ResponseWriter, r *http.Request, no *refusal) {
	page := struct {
		messageText
		Detail, RequestID string
		Seconds, Minutes  int
	}{RequestID: policies.CallFrom(r.Context()).RequestID}
	kind := no.Page
	if _, known := s.pages.texts.Messages[kind]; !known {
		kind = msgBadRequest
	}
	page.messageText = s.pages.texts.Messages[kind]
	switch kind {
	case msgBadRequest, msgBadDocument, msgNoDocument: // somebody who makes the app can mend it
		page.Detail = no.Code + ": " + shown(no.Text, maxShownDetail)
	}
	if no.RetryAfter > 0 {
		seconds := int(math.Ceil(no.RetryAfter.Seconds()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		if no.RetryAfter > 2*time.Minute {
			page.Minutes = int(math.Ceil(no.RetryAfter.Minutes()))
		} else {
			page.Seconds = max(2, seconds) // the text speaks of several
		}
	}
	if err := s.show(w, no.Status, "message", "'none'", page); err != nil {
		s.logger.ErrorContext(r.Context(), "cannot show page", "error", err)
		http.Error(w, no.Text, no.Status)
	}
}

// show renders a page that is never framed, cached or scripted, and does not say where its links come from (A38, S15).
func (s *server) show(w http.ResponseWriter, status int, name, formTargets string, page any) error {
	var body bytes.Buffer
	if err := s.pages.templates[name].Execute(&body, struct {
		Language string
		Style    template.CSS
		Name     string
		Logo     template.URL
		Page     any
	}{
		s.pages.texts.Language, s.pages.style, s.pages.branding.Name,
		template.URL(s.pages.branding.Logo), //nolint:gosec // readBranding has checked it
		page,
	}); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Content-Security-Policy", s.pages.policy+formTargets)
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
	return nil
}

// isolate parts a page's window from the one that opened it. The pages of an authorization do without: a client on the
// web may have opened them in a window of their own, to which it must still be able to speak when the answer comes.
func (*server) isolate(w http.ResponseWriter) {
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
