package oauth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/secret"
)

// repeatWindow is how long the same answer to the same page gets the same result again: a double click is one click.
const repeatWindow = 30 * time.Second

// sealedAnswer is the use under which what came of an answer is sealed, under the page's cookie.
const sealedAnswer = "durward consent answer v1"

// step is what an answer comes to: what changes in the store, where the browser goes, and what is recorded of it.
type step struct {
	onward
	change change
	event  policies.Event // none without a name
}

// onward is where a browser is sent, with the cookie of a login if it is to the identity provider.
type onward struct {
	Location string `json:"location"`
	// Cookie is the end of the cookie's name, Value what it holds, Until when it ends.
	Cookie string    `json:"cookie,omitempty"`
	Value  string    `json:"value,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

// finish uses a page up, in one transaction with what came of its answer. The record stays for a double click: what the
// browser got is in it, sealed under the cookie that only the browser has.
func (s *server) finish(w http.ResponseWriter, r *http.Request, q question, reply string, next step) error {
	ctx := r.Context()
	text, err := json.Marshal(next.onward)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	used := q.Data
	used.Answer = reply
	if used.Sealed, err = secret.Seal(q.cookie, sealedAnswer, string(text)); err != nil {
		return err
	}
	next.change.put(q.Key, used, q.Version, policies.CallFrom(ctx).Time.Add(repeatWindow))
	if err := next.change.commit(ctx, s.store); err != nil {
		return fmt.Errorf("keep answer: %w", err)
	}
	if next.event.Name != "" {
		s.record(ctx, next.event)
	}
	s.sendOn(w, r, next.onward)
	return nil
}

// answerAgain takes the second click on a page. Only the same answer gets the same again.
func (s *server) answerAgain(w http.ResponseWriter, r *http.Request, q question, reply string) error {
	if reply != q.Data.Answer {
		return usedUp()
	}
	text, err := secret.Open(q.cookie, sealedAnswer, q.Data.Sealed)
	if err != nil {
		return err
	}
	var next onward
	if err := json.Unmarshal([]byte(text), &next); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	s.sendOn(w, r, next)
	return nil
}

func (s *server) sendOn(w http.ResponseWriter, r *http.Request, next onward) {
	call := policies.CallFrom(r.Context())
	if next.Cookie != "" {
		s.setCookie(w, call.Origin, cookieLogin+next.Cookie, next.Value, next.Until.Sub(call.Time))
	}
	redirectTo(w, next.Location)
}
