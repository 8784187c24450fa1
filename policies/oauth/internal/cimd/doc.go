// Package cimd reads client ID metadata documents (draft-ietf-oauth-client-id-metadata-document): what a client says of
// itself at the URL that is its client_id.
//
// It owns the grammar of such a URL, the reading of the document and of the client's key set, and how long either is
// kept. What it reads it reads strictly: of a document that could be taken for two, none is.
//
// It promises that a document speaks for its own URL alone, compared byte for byte (A11, A13, S39); that no shared secret
// and no private key is ever taken from one (A14, S41); that whatever redirect URI it answers has passed
// [redirecturi.Check]; that what is kept is kept as HTTP allows, between one minute and a day, in bounded memory, and a
// failure never (A17, S37); that a thing is fetched once for all who wait for it, and that this does not end because one
// of them goes away; that nobody has more than a few fetches under way at once, so that nobody keeps others from theirs; and that of every failure it says whether the document is no good or whether trying again may help.
//
// It is not for connecting to anything: its Fetcher does that, and decides what may be connected to. It trusts no document:
// whose host it comes from, and what a person thinks of that, is for its callers.
package cimd
