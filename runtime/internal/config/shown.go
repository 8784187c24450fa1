package config

import (
	"encoding/json"
	"fmt"
)

// ShownOptions are the options of a policy as they may be told: secrets that are written out blotted out, and texts that
// name variables as they are written.
func (c *Config) ShownOptions(p *Policy) (json.RawMessage, error) {
	d := optionsDiff{old: p, next: p, hide: c.all.replacer().Replace, named: true}
	shown, err := json.Marshal(d.shown(p, "", decoded(p.Options)))
	if err != nil {
		return nil, fmt.Errorf("write options of policy %q: %w", p.Name, err)
	}
	return shown, nil
}

// Shown is a text as it may be told: secrets blotted out, and the names of variables in place of what they hold.
func (c *Config) Shown(text string) string { return c.all.replacer().Replace(text) }

// placeOf is where the value at a pointer stands, or the property whose value it is.
func (s *source) placeOf(pointer string) Place {
	at := s.placed(fault{offset: s.offset(pointer, true), pointer: pointer})
	return Place{at.File, at.Line, at.Column, at.Pointer}
}
