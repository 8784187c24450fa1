package oauth

import (
	"context"
	"net/http"

	"durward/policies"
	"durward/policies/oauth/internal/limit"
)

type askerKey struct{}

// withAsker keeps in the context of a request whom it counts against, wherever something is limited: the address that it
// came from. What pages of other sites have browsers there send counts apart. Anybody has a page, and somebody behind an
// address that many share has it open: it must use up nothing that is theirs.
func withAsker(r *http.Request) *http.Request {
	asker := limit.Address(policies.CallFrom(r.Context()).ClientAddress)
	if byForeignPage(r) {
		asker += " by pages"
	}
	return r.WithContext(context.WithValue(r.Context(), askerKey{}, asker))
}

// askerOf answers whom a request counts against, "" outside of one.
func askerOf(ctx context.Context) string {
	asker, _ := ctx.Value(askerKey{}).(string)
	return asker
}

// byForeignPage says that a page of another site had a browser send the request. Browsers tell (Fetch Metadata, Origin), and
// no page can keep them from it. Whoever follows a link to a page of ours does it themselves, wherever the link stands.
func byForeignPage(r *http.Request) bool {
	if r.Header.Get("Sec-Fetch-Site") == "none" || r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Dest") == "document" {
		return false
	}
	return !sameOrigin(r)
}
