package config

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"durward/runtime/internal/reference"
	"durward/schema/jsonpointer"
)

// blotted stands for a secret.
const blotted = "(secret)"

// maxReasons bounds what is told of one policy's options.
const maxReasons = 100

// optionsDiff tells in which options two policies differ: of objects by member, of everything else as a whole.
type optionsDiff struct {
	old, next *Policy
	hide      func(string) string
	// named has secrets that are references alone be told by them.
	named   bool
	reasons []Reason
	more    int
}

func (d *optionsDiff) compare() {
	d.value("", decoded(d.old.Options), decoded(d.next.Options))
	if d.more > 0 {
		d.reasons = append(d.reasons, Reason{What: strconv.Itoa(d.more) + " more options"})
	}
}

// value compares what stands at the pointer; nil stands for nothing.
func (d *optionsDiff) value(pointer string, was, is any) {
	if reflect.DeepEqual(was, is) {
		return
	}
	old, wasObject := was.(map[string]any)
	next, isObject := is.(map[string]any)
	if (wasObject || was == nil) && (isObject || is == nil) && len(old)+len(next) > 0 && !d.secret(pointer) {
		names := maps.Clone(old)
		if names == nil {
			names = make(map[string]any, len(next))
		}
		maps.Copy(names, next)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			d.value(jsonpointer.Join(pointer, name), old[name], next[name])
		}
		return
	}
	if len(d.reasons) == maxReasons {
		d.more++
		return
	}
	was, is = d.shown(d.old, pointer, was), d.shown(d.next, pointer, is)
	r := told("option", pointer, was, is)
	switch {
	case !reflect.DeepEqual(was, is):
	case slices.ContainsFunc(slices.Concat(d.old.secrets, d.next.secrets), func(secret string) bool {
		return secret == pointer || strings.HasPrefix(secret, pointer+"/")
	}):
		r.Hidden = HiddenSecret
	default:
		r.Hidden = HiddenVariable
	}
	if d.secret(pointer) {
		r.Hidden = HiddenSecret
	}
	d.reasons = append(d.reasons, r)
}

// secret tells whether what stands at the pointer is a secret to either.
func (d *optionsDiff) secret(pointer string) bool {
	return slices.Contains(d.old.secrets, pointer) || slices.Contains(d.next.secrets, pointer)
}

// shown is a value as it may be told: without secrets, and with texts that name variables as they are written.
func (d *optionsDiff) shown(p *Policy, pointer string, value any) any {
	if value != nil && d.secret(pointer) {
		if d.named && reference.IsWhole(p.written[pointer]) {
			return p.written[pointer]
		}
		return blotted
	}
	switch v := value.(type) {
	case string:
		if text, named := p.written[pointer]; named {
			v = text
		}
		return d.hide(v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = d.shown(p, at(pointer, i), item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = d.shown(p, jsonpointer.Join(pointer, name), member)
		}
		return out
	}
	return value
}

// decoded reads canonical JSON.
func decoded(raw json.RawMessage) (value any) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&value) != nil {
		return nil
	}
	return value
}
