package oidclogin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"durward/policies"
)

const (
	// keyInterval is the least time between two fetches that ask whether there are new keys.
	keyInterval = 10 * time.Second
	// maxKeySilence is how long the key set is left alone at most, whatever its Retry-After says: until then nobody
	// whose key is not known can sign in.
	maxKeySilence = time.Minute
)

// keyFetches is the transport beneath go-oidc's key set, which fetches anew for every ID token whose key it does not
// know. Here that costs the provider one fetch per keyInterval, and between them the same answer is given from memory.
// The first fetch of all does not count, nor does one that failed: so the first login after a rotation finds the new
// key (requirement C1), unless another unknown key was asked for just before.
//
// It answers good key sets only. Everything else is an error, a *policies.LoginError where the provider answered: the
// key set above wraps what it gets, but would make text of an answer.
type keyFetches struct {
	base http.RoundTripper

	mu        sync.Mutex // held while fetching: the key set has one fetch in flight at a time
	last      []byte     // the last good answer
	refetched time.Time
	refusal   *policies.LoginError // why not to ask before until
	until     time.Time
}

func (k *keyFetches) RoundTrip(r *http.Request) (*http.Response, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if wait := time.Until(k.until); wait > 0 {
		e := *k.refusal
		e.RetryAfter = wait
		return nil, &e
	}
	if k.last != nil && time.Since(k.refetched) < keyInterval {
		return k.answer(r), nil
	}
	answer, err := k.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close() // what was read of it stands
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		e := keySet.answered(answer.StatusCode, answer.Header, body)
		k.refusal, k.until = e, time.Now().Add(min(e.RetryAfter, maxKeySilence))
		return nil, e
	}
	var set struct{ Keys []json.RawMessage }
	if json.Unmarshal(body, &set) != nil || set.Keys == nil {
		return nil, keySet.failed("malformed", errors.New("the provider's answer is no key set"))
	}
	if k.last != nil {
		k.refetched = time.Now()
	}
	k.last = body
	return k.answer(r), nil
}

// answer answers a request with the last good answer.
func (k *keyFetches) answer(r *http.Request) *http.Response {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader(k.last)),
		ContentLength: int64(len(k.last)), Request: r,
	}
}
