package oauth

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
	"unicode"
	"unicode/utf8"

	"durward/policies"
)

//go:embed templates
var templates embed.FS

// pages are the HTML pages, without scripts, images and links to anywhere.
type pages struct {
	templates *template.Template
	style     template.CSS
	// styleSource allows exactly that style in a Content-Security-Policy.
	styleSource string
	branding    branding
}

func loadPages(brand branding) (*pages, error) {
	style, err := templates.ReadFile("templates/style.css")
	if err != nil {
		return nil, fmt.Errorf("read page style: %w", err)
	}
	parsed, err := template.ParseFS(templates, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse page templates: %w", err)
	}
	sum := sha256.Sum256(style)
	return &pages{
		templates:   parsed,
		style:       template.CSS(style), //nolint:gosec // our own file
		styleSource: "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
		branding:    brand,
	}, nil
}

// Name is the client's name as it may be shown: one line, bounded, without characters that change how others are read.
func (v consentView) Name() string {
	if name := shown(v.Client.Name, 60); name != "" {
		return name
	}
	return "An app without a name"
}

// Host is where the answer goes, which unlike the name cannot be made up.
func (v consentView) Host() string {
	if target, err := url.Parse(v.Client.Redirect); err == nil {
		return target.Host
	}
	return ""
}

// Device says that the answer goes to an app on the person's own machine.
func (v consentView) Device() bool { return !strings.HasPrefix(v.Client.Redirect, "https://") }

// Target is the redirect URI, shortened.
func (v consentView) Target() string { return shown(v.Client.Redirect, 160) }

// Who names the person whose session would be used.
func (v consentView) Who() string {
	if v.Person == nil {
		return ""
	}
	for _, text := range []string{v.Person.Email, v.Person.Name, v.Person.Subject} {
		if text = shown(text, 80); text != "" {
			return text
		}
	}
	return ""
}

func (s *server) showConsent(w http.ResponseWriter, view consentView) error {
	targets := formTargets(s.provider.Issuer(), view.Client.Redirect)
	return s.show(w, http.StatusOK, "consent.html", "form-action "+targets, struct {
		consentView
		Style  template.CSS
		Action string
	}{view, s.pages.style, consentPath})
}

// showDenied tells somebody who may not come in.
func (s *server) showDenied(w http.ResponseWriter, view deniedView) error {
	return s.showPlain(w, http.StatusForbidden, "denied.html", formTargets(s.provider.Issuer(), view.Client.Redirect), view)
}

// showGrants shows what a person has allowed.
func (s *server) showGrants(w http.ResponseWriter, view grantsView) error {
	return s.showPlain(w, http.StatusOK, "grants.html", "'self'", view)
}

// showSignIn offers to sign in, to whoever asks for their grants without a session.
func (s *server) showSignIn(w http.ResponseWriter) error {
	return s.showPlain(w, http.StatusOK, "signin.html", formTargets(s.provider.Issuer()), nil)
}

// showSignedOut says that the session has ended.
func (s *server) showSignedOut(w http.ResponseWriter) error {
	return s.showPlain(w, http.StatusOK, "signedout.html", "'none'", nil)
}

func (s *server) showPlain(w http.ResponseWriter, status int, name, targets string, view any) error {
	return s.show(w, status, name, "form-action "+targets, struct {
		View  any
		Style template.CSS
	}{view, s.pages.style})
}

// showRefusal shows an error page. The request's id is what the operator finds it by.
func (s *server) showRefusal(w http.ResponseWriter, r *http.Request, no *refusal) {
	err := s.show(w, no.Status, "message.html", "form-action 'none'", struct {
		Style                 template.CSS
		Text, Code, RequestID string
	}{s.pages.style, sentence(no.Text), no.Code, policies.CallFrom(r.Context()).RequestID})
	if err != nil {
		s.logger.ErrorContext(r.Context(), "cannot show page", "error", err)
		http.Error(w, no.Text, no.Status)
	}
}

// show renders a page that is never framed, cached or scripted (A38, S15). The referrer policy is same-origin because
// with no-referrer browsers send "Origin: null" with our own form.
func (s *server) show(w http.ResponseWriter, status int, name, formAction string, data any) error {
	var page bytes.Buffer
	if err := s.pages.templates.ExecuteTemplate(&page, name, data); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src "+s.pages.styleSource+"; "+formAction+
		"; frame-ancestors 'none'; base-uri 'none'")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes())
	return nil
}

// formTargets says where the consent form may lead. Chromium holds the whole chain of redirects after a form to its
// page's form-action: the provider, whatever sign-in hosts the provider uses, and the client. Hence any https, and
// beyond it only what this very request may end at.
func formTargets(uris ...string) string {
	var targets strings.Builder
	targets.WriteString("'self' https:")
	for _, uri := range uris {
		target, err := url.Parse(uri)
		switch {
		case err != nil || target.Scheme == "https":
		case target.Scheme == "http" && !strings.HasPrefix(target.Host, "["):
			targets.WriteString(" http://" + target.Host)
		default: // private-use schemes, and IPv6 addresses, which CSP cannot write
			targets.WriteString(" " + target.Scheme + ":")
		}
	}
	return targets.String()
}

// sentence makes of an error's text one that a person reads: a capital letter first and a full stop last.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[size:], ".") + "."
}

// shown makes text from outside fit to be shown: control and formatting characters (right-to-left overrides among them)
// are dropped, runs of space become one, and what is longer than limit runes is cut.
func shown(text string, limit int) string {
	clean := strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case !unicode.IsPrint(c):
			return -1
		}
		return c
	}, text)
	runes := []rune(strings.Join(strings.Fields(clean), " "))
	if len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return string(runes)
}
