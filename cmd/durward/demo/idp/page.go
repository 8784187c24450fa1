package idp

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

// page writes the provider's pages: no script, one style, nothing from elsewhere.
type page struct {
	template *template.Template
	policy   string // Content-Security-Policy
}

func newPage() page {
	return page{
		template: template.Must(template.New("page").Parse(pageText)),
		// No form-action: Chromium applies it to the redirects after the form as well, which end at an MCP client.
		policy: "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'sha256-" +
			base64.StdEncoding.EncodeToString(digest(pageStyle)) + "'",
	}
}

// choose asks who the person is, and hands the authorization request on with the answer.
func (p page) choose(w http.ResponseWriter, request url.Values) {
	p.write(w, http.StatusOK, map[string]any{"Request": request, "People": people()})
}

// fault says what is wrong where there is nowhere to send an error to.
func (p page) fault(w http.ResponseWriter, text string) {
	p.write(w, http.StatusBadRequest, map[string]any{"Fault": text})
}

func (p page) write(w http.ResponseWriter, status int, data map[string]any) {
	data["Style"] = template.CSS(pageStyle) //nolint:gosec // our own file
	var body bytes.Buffer
	if err := p.template.Execute(&body, data); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	// Not no-referrer: with it browsers send the form with "Origin: null".
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // the browser has left: nobody is there to be told
}
