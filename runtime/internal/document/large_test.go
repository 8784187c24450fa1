//go:build !race

// Documents as large as they may be. The race detector would take many times as long over their bytes, and changes what is
// allocated.

package document

import (
	"fmt"
	"strings"
	"testing"
)

// What a hostile file costs is bounded by its size, whatever is in it.
func TestMemory(t *testing.T) {
	const mebi = 1 << 20
	long := strings.Repeat("n", mebi)
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, data := range map[string]string{
		"numbers":                   "[" + strings.Repeat("1,", 2*mebi) + "1]",
		"empty texts":               "[" + strings.Repeat(`"",`, mebi) + `""]`,
		"empty objects":             "[" + strings.Repeat("{},", mebi) + "{}]",
		"nested too deep":           strings.Repeat(`{"a":`, mebi),
		"nested as deep as can be":  "[" + strings.Repeat(strings.Repeat("[", 98)+strings.Repeat("]", 98)+",", mebi/200) + "0]",
		"line ends":                 strings.Repeat("\n", 4*mebi) + "{}",
		"line ends and a duplicate": `{"a":1,` + strings.Repeat("\n", 4*mebi) + `"a":1}`,
		"a long name with children": `{"` + long + `":[` + strings.Repeat("{},", 1000) + `{}]}`,
		"many duplicates":           `{` + strings.Repeat(`"":1,`, 100_000) + `"":1}`,
		"many different duplicates": `{` + many(50_000, `"%[1]d":1,"%[1]d":2,`) + `"":1}`,
		"many twins":                `{` + many(50_000, `"a%[1]d":1,"A%[1]d":2,`) + `"":1}`,
		"many names":                `{` + many(200_000, `"%d":1,`) + `"":1}`,
		"many names with escapes":   `{` + many(200_000, `"\n%d":1,`) + `"":1}`,
		"names within names":        strings.Repeat(`{"`+strings.Repeat("x", 100)+`":`, 100),
		"duplicates with long names": `{"` + strings.Repeat("x", MaxPath-2) + `":{` +
			strings.Repeat(`"":1,`, 100_000) + `"":1}}`,
		"a long text":             `"` + strings.Repeat("x", 4*mebi) + `"`,
		"escapes":                 `["` + strings.Repeat(`\u00e9`, mebi/2) + `"]`,
		"a long text without end": `["` + strings.Repeat("x", 4*mebi),
		"too large":               strings.Repeat(" ", 17*mebi),
		"tiny":                    "{}",
	} {
		cost := allocated(func() { parse("x.json", data) })
		t.Logf("%-28s %9d bytes, %5.1f for each", name, len(data), float64(cost)/float64(len(data)))
		if limit := perByte*len(data) + fixed; cost > uint64(limit) {
			t.Errorf("%s: %d bytes cost %d, more than %d", name, len(data), cost, limit)
		}
	}
}

// Whether something counts is not looked for among all that does not: there may be a million.
func TestManyDropped(t *testing.T) {
	const many = 200_000
	data := []byte(`{"n":[` + strings.Repeat("1,", many) + `1]` + strings.Repeat(`,"a":1`, many) + "}")
	doc, _ := Parse(data, Options{Name: "a.json", MaxBytes: len(data)})
	for at := range data {
		doc.Token(at)
	}
}
