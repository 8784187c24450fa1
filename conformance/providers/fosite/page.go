//go:build !race

package main

import (
	"html/template"
	"net/http"
	"slices"

	"github.com/ory/fosite"

	"durward/conformance/providers/internal/program"
)

const pageHTML = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sign in</title></head><body><main>
<h1>Sign in to fosite</h1>{{with .Fault}}<p role="alert">{{.}}</p>{{end}}
<form method="post" action="{{.Action}}">
<p><label>User name <input type="text" name="username" autocomplete="username"></label></p>
<p><label>Password <input type="password" name="password" autocomplete="current-password"></label></p>
<p>The application {{.Client}} will see: {{range .Scopes}}{{.}} {{end}}</p>
<button name="answer" value="allow">Sign in</button> <button name="answer" value="deny">Cancel</button>
</form></main></body></html>`

// authorize shows the page on which a person signs in and allows the client. What is wrong with the request, fosite says.
func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	if asked, ok := p.read(w, r); ok {
		show(w, r, asked, "")
	}
}

// signIn takes the form.
func (p *provider) signIn(w http.ResponseWriter, r *http.Request) {
	asked, ok := p.read(w, r)
	if !ok {
		return
	}
	ctx := r.Context()
	if r.PostFormValue("answer") != "allow" {
		p.oauth2.WriteAuthorizeError(ctx, w, asked, fosite.ErrAccessDenied)
		return
	}
	i := slices.IndexFunc(p.people, func(one program.Person) bool {
		return one.Username == r.PostFormValue("username") && one.Password == r.PostFormValue("password")
	})
	if i < 0 {
		show(w, r, asked, "There is nobody of that name and password.")
		return
	}
	if p.gone.Has(p.people[i].Subject) {
		p.oauth2.WriteAuthorizeError(ctx, w, asked, fosite.ErrAccessDenied)
		return
	}
	for _, scope := range asked.GetRequestedScopes() {
		asked.GrantScope(scope)
	}
	session := p.session(p.people[i], asked.GetGrantedScopes(), asked.GetRequestedAt())
	response, err := p.oauth2.NewAuthorizeResponse(ctx, asked, session)
	if err != nil {
		p.oauth2.WriteAuthorizeError(ctx, w, asked, err)
		return
	}
	p.oauth2.WriteAuthorizeResponse(ctx, w, asked, response)
}

// read takes the authorization request, which stands in the query of the page and of its form. If it answers false it
// has answered the browser.
func (p *provider) read(w http.ResponseWriter, r *http.Request) (fosite.AuthorizeRequester, bool) {
	asked, err := p.oauth2.NewAuthorizeRequest(r.Context(), r)
	if err != nil {
		p.oauth2.WriteAuthorizeError(r.Context(), w, asked, err)
		return nil, false
	}
	return asked, true
}

func show(w http.ResponseWriter, r *http.Request, asked fosite.AuthorizeRequester, fault string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	page := template.Must(template.New("page").Parse(pageHTML))
	_ = page.Execute(w, map[string]any{ // whoever has left need not be told
		"Fault": fault, "Action": r.URL.RequestURI(), "Client": asked.GetClient().GetID(), "Scopes": asked.GetRequestedScopes(),
	})
}
