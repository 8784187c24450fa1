// Package page makes the HTML pages that a person sees on the way into an MCP server.
//
// It owns the templates, their style and every word on them (texts.en.json), the operator's name and logo, and the
// headers under which a page is sent. What a page shows is a view: handlers fill it in, this package makes a page of it.
//
// It promises that no page is framed, cached or scripted, fetches anything from elsewhere but the operator's logo, or says
// where its links come from (A38, S15); that every text that comes from outside is escaped, cut and marked as such, and
// that a client's name never stands without the place that its answers go to (S16, S46); and that all of a page is made
// before any of it is sent. Links and forms are relative: the pages lie side by side, below whatever base path.
//
// It is not for deciding anything: not what is asked, of whom, or what comes of the answer. It reads no request, and the
// handle and the CSRF token of a form are its callers'.
package page
