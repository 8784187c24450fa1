package config

// checkLoops refuses a route whose MCP server is a route of this gateway under its public name: each request would be sent
// round and round. Another path of that name may well be somebody else's, behind the same proxy.
func (b *build) checkLoops(routes []*routeDraft, origins []string) {
	if len(origins) == 0 {
		return
	}
	ours := make(map[string]string, len(origins)*len(routes))
	for _, r := range routes {
		if r.Pattern == nil {
			continue
		}
		if path, ok := r.Pattern.Literal(); ok {
			for _, origin := range origins {
				ours[origin+path] = r.ID
			}
		}
	}
	for _, r := range routes {
		if r.Upstream == nil {
			continue
		}
		if id, ok := ours[OriginOf(r.Upstream)+r.Upstream.EscapedPath()]; ok {
			r.source.problem(r.at+"/x-zuplo-route/handler/options/rewritePattern", "leads back to this gateway, to its route %q: "+
				"write the URL of the MCP server itself", id)
		}
	}
}
