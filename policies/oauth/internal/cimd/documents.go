package cimd

import (
	"context"
	"mime"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"durward/policies/oauth/internal/egress"
	"durward/policies/oauth/internal/limit"
)

// What is fetched and kept.
const (
	maxDocument   = 5 << 10 // bytes (A16)
	maxKeys       = 64 << 10
	keptDocuments = 1000
	keptKeySets   = 200
	// perAsker is how many fetches are under way at once on one's word, and maxWait how long who has as many waits for one
	// more. Whoever names slow hosts all the time keeps nobody waiting but themselves, and an office still has places while
	// one vendor's host is slow.
	perAsker = 16
	maxWait  = 5 * time.Second
	// otherKeys is how long a key set counts as all there is: a key that it lacks is not asked for sooner.
	otherKeys = time.Minute
)

// Fetcher is what documents and key sets are fetched with: an *egress.Client.
type Fetcher interface {
	// Check says whether a URL may be fetched at all.
	Check(url string) error
	// Get fetches a URL that answers with at most limit bytes.
	Get(ctx context.Context, url, accept string, limit int64) (egress.Answer, error)
}

// Documents are the metadata documents and the key sets of clients. It is safe for concurrent use.
type Documents struct {
	fetcher   Fetcher
	asker     func(context.Context) string
	documents *cache[Document]
	keys      *cache[jose.JSONWebKeySet]
}

// New makes an empty cache in front of a fetcher. asker answers on whose word a call is made: of each few fetches are under
// way at once.
func New(fetcher Fetcher, asker func(context.Context) string) *Documents {
	askers := limit.NewAtOnce(perAsker)
	return &Documents{
		fetcher: fetcher, asker: asker,
		documents: newCache[Document](theDocument, keptDocuments, askers),
		keys:      newCache[jose.JSONWebKeySet](theKeys, keptKeySets, askers),
	}
}

// Get answers the document of the client id at the time now. The error is a *Fault or, if ctx ended, its error.
func (d *Documents) Get(ctx context.Context, now time.Time, id string) (Document, error) {
	if fault := checkID(id, d.fetcher.Check); fault != nil {
		return Document{}, fault
	}
	q := question[Document]{Now: now, Asker: d.asker(ctx), URL: id, Enough: func(kept[Document]) bool { return true }}
	return d.documents.get(ctx, q, func(ctx context.Context) (Document, time.Duration, error) {
		answer, err := d.fetcher.Get(ctx, id, "application/json", maxDocument)
		if err != nil {
			return Document{}, 0, unfetched(theDocument, err)
		}
		if !isJSON(answer.Header.Get("Content-Type")) {
			return Document{}, 0, wrong(theDocument, "is not served as application/json")
		}
		document, err := Parse(id, answer.Body, d.fetcher.Check)
		return document, lifetime(answer.Header, now), err
	})
}

// CheckKeys says whether a client's key set may be fetched from a URL at all. The error is a permanent *Fault.
func (d *Documents) CheckKeys(uri string) error {
	if err := d.fetcher.Check(uri); err != nil {
		return wrong("jwks_uri", "%s", textOf(err))
	}
	return nil
}

// Keys answers the key set at a document's KeysURI at the time now, as new as it takes to have a key with the id kid: one
// that is kept and lacks it is fetched again, but not within a minute. With kid "" any will do. The error is as Get's.
func (d *Documents) Keys(ctx context.Context, now time.Time, uri, kid string) (jose.JSONWebKeySet, error) {
	enough := func(k kept[jose.JSONWebKeySet]) bool {
		return kid == "" || len(k.value.Key(kid)) > 0 || now.Before(k.fetched.Add(otherKeys))
	}
	q := question[jose.JSONWebKeySet]{Now: now, Asker: d.asker(ctx), URL: uri, Enough: enough}
	return d.keys.get(ctx, q, func(ctx context.Context) (jose.JSONWebKeySet, time.Duration, error) {
		answer, err := d.fetcher.Get(ctx, uri, "application/jwk-set+json, application/json", maxKeys)
		if err != nil {
			return jose.JSONWebKeySet{}, 0, unfetched(theKeys, err)
		}
		set, err := ParseKeys(answer.Body)
		if err != nil {
			return jose.JSONWebKeySet{}, 0, wrong(theKeys, "%v", err)
		}
		return set, lifetime(answer.Header, now), nil
	})
}

// isJSON says whether a media type is application/json or one built on it (A13).
func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	return media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
}
