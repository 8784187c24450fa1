package oauth

// absentRows are the requirements that do not apply to what Durward is, each with the reason.
func absentRows() []row {
	return []row{
		{id: "A55", holds: "access tokens are opaque here: there are no claims in them for which there could be rules"},
		{id: "A64", holds: "proof of possession (DPoP) is an optional extension of MCP, which this server neither offers nor advertises"},
		{id: "A65", holds: "client credentials are an optional extension of MCP: here a person allows each client, and no other grant is there (A50)"},
		{id: "A66", holds: "enterprise-managed authorization is an optional extension of MCP, which this server neither offers nor advertises"},
		{id: "Q1", holds: "it is about firewalls and routers in front of the gateway, which looks at neither user agents nor address ranges"},
		{id: "Q15", holds: "it is about what a client does not support: tokens in URLs and machine clients are not offered here to any (S64, A65)"},
		{id: "Q17", holds: "it is about a member of a client's document, application_type, that nothing here reads"},
		{id: "Q35", holds: "it is about API keys in headers of the client's, which are not promised on a route where people sign in"},
		{id: "Q51", holds: "it is about the transport of 2024-11-05, HTTP with SSE, which the gateway does not speak"},
		{id: "S61", holds: "it is about assertions of enterprise-managed authorization, which are not taken here (A66)"},
	}
}
