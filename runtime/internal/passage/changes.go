package passage

import (
	"net/http"
	"strings"
)

// Change is what becomes of one header.
type Change struct {
	// Name is in canonical form.
	Name string
	// Values are what is sent. None: the header is not sent, whoever set it.
	Values []string
	// Yields says that what was sent, if it passes, stands instead: by the client, or, of an answer, by the upstream.
	Yields bool

	place int
}

// Changes are what policies of a route make of headers, one kind of message at a time. The zero value changes nothing.
type Changes struct{ list []Change }

// Set has the header sent with these values and no others, whatever was sent; without values it is not sent. place is where
// the policy stands in the route's list.
func (c *Changes) Set(place int, name string, values []string) {
	c.put(Change{Name: http.CanonicalHeaderKey(name), Values: values, place: place})
}

// Offer has the header sent with these values if nobody else sends it.
func (c *Changes) Offer(place int, name string, values []string) {
	change := Change{Name: http.CanonicalHeaderKey(name), Values: values, place: place}
	if set := c.find(name); set == nil {
		change.Yields = true
	} else if len(set.Values) > 0 {
		return
	}
	c.put(change)
}

// List answers each header once.
func (c *Changes) List() []Change { return c.list }

// put notes the change, unless a later policy has spoken of the header.
func (c *Changes) put(change Change) {
	switch set := c.find(change.Name); {
	case set == nil:
		if c.list == nil {
			c.list = make([]Change, 0, 4) // few policies set more
		}
		c.list = append(c.list, change)
	case set.place <= change.place:
		*set = change
	}
}

func (c *Changes) find(name string) *Change {
	folded := Fold(name)
	for i := range c.list {
		if Fold(c.list[i].Name) == folded {
			return &c.list[i]
		}
	}
	return nil
}

// Fold answers the canonical form of a header's name in which every character but letters and digits is a hyphen. CGI
// and WSGI make one name of all that fold to the same, so whoever may not set one of them may set none.
func Fold(name string) string {
	for i := range len(name) {
		if !plain(name[i]) {
			return http.CanonicalHeaderKey(strings.Map(func(r rune) rune {
				if r > 0x7f || !plain(byte(r)) {
					return '-'
				}
				return r
			}, name))
		}
	}
	return http.CanonicalHeaderKey(name) // no copy of one that is canonical, as those of a request are
}

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-'
}
