package config

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Reason is one thing in which two configurations differ. It holds no secret, and of a text that comes from a variable
// only what the file says (G10).
type Reason struct {
	// What names the kind of thing: "option", "route", "upstream".
	What string
	// Where says which one: an option's JSON pointer, a route's ID; "" if there is only one.
	Where string
	// Was and Is are JSON; nil if there was or is none. A text that names variables stands as it is written.
	Was, Is json.RawMessage
	// Hidden says why Was and Is are not the whole difference: HiddenSecret, HiddenVariable or HiddenLong.
	Hidden string
}

// What Reason.Hidden says.
const (
	// HiddenSecret: a secret differs.
	HiddenSecret = "secret"
	// HiddenVariable: the file says the same, and the variable that it names holds something else.
	HiddenVariable = "variable"
	// HiddenLong: the values are too long to be told. Of two lists Was is then what was removed and Is what was added, of
	// anything else how long it is.
	HiddenLong = "long"
)

// maxTold is how long a value may be that is told, and maxShown how much of it a line shows, both in bytes.
const maxTold, maxShown = 1 << 10, 60

// String is one line: "option /ttl: 900 -> 600".
func (r Reason) String() string {
	subject := r.What
	if r.Where != "" {
		subject += " " + r.Where
	}
	return oneLine(subject + ": " + r.change())
}

func (r Reason) change() string {
	had, has := len(r.Was) > 0, len(r.Is) > 0
	how := "changed"
	switch {
	case had && !has:
		how = "removed"
	case has && !had:
		how = "added"
	}
	switch r.Hidden {
	case HiddenSecret:
		return how + " (secret)"
	case HiddenVariable:
		return fmt.Sprintf("%s, as another value comes from %s", how, shown(r.Is))
	case HiddenLong:
		if old, next, ok := lists(decoded(r.Was), decoded(r.Is)); ok {
			return listChange(old, next)
		}
		return how + " (too long to show)"
	}
	switch {
	case had && has:
		return changed(decoded(r.Was), decoded(r.Is))
	case had:
		return how + ", was " + shown(r.Was)
	case has:
		return how + " " + shown(r.Is)
	}
	return how
}

// told makes a reason of two values that differ; nil stands for none. Values that are too long are not told, but in what
// two lists differ is.
func told(what, where string, was, is any) Reason {
	r := Reason{What: what, Where: where, Was: written(was), Is: written(is)}
	if len(r.Was) <= maxTold && len(r.Is) <= maxTold {
		return r
	}
	if old, next, ok := lists(decoded(r.Was), decoded(r.Is)); ok {
		removed, added := written(itemsLess(old, next)), written(itemsLess(next, old))
		if len(removed) <= maxTold && len(added) <= maxTold {
			r.Was, r.Is, r.Hidden = removed, added, HiddenLong
			return r
		}
	}
	r.Was, r.Is, r.Hidden = size(r.Was), size(r.Is), HiddenLong
	return r
}

// size tells a value by its length in bytes.
func size(value json.RawMessage) json.RawMessage {
	if value == nil {
		return nil
	}
	return written(fmt.Sprintf("(%d bytes)", len(value)))
}

// written is a value as JSON, with < and > as themselves, since people read it.
func written(value any) json.RawMessage {
	if value == nil {
		return nil
	}
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if enc.Encode(value) != nil {
		return nil
	}
	return json.RawMessage(strings.TrimSpace(text.String()))
}
