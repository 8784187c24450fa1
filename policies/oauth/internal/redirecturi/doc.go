// Package redirecturi judges the addresses to which an authorization server sends its answers.
//
// It owns three things: which redirect URIs a client may register ([Check]), which one of them a request may use
// ([Match]), and how an answer is put on it ([Answer]). The rules are those of OAuth 2.1 and RFC 8252 section 7.3,
// narrowed to what MCP allows (A28 to A30): https anywhere, http on this machine alone, and a short list of vendors' own.
//
// It promises to work on the text as it came. Nothing is decoded, folded or normalised before it is compared, so that no
// two readers of a URI can come to two opinions of it; of a loopback address the port alone is left out.
//
// It is not for deciding whom to trust: any https host may be registered here. It resolves no name and fetches nothing.
package redirecturi
