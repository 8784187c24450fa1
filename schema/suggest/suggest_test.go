package suggest

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNearest(t *testing.T) {
	options := []string{"frontendApiUrl", "clientId", "clientSecret", "scope", "access", "pages", "gateway"}
	tests := []struct {
		name, written string
		known         []string
		want          string // "" for none
	}{
		{"a letter left out", "frontendApUrl", options, "frontendApiUrl"},
		{"a letter too many", "scoope", options, "scope"},
		{"another letter", "scobe", options, "scope"},
		{"two neighbours swapped", "socpe", options, "scope"},
		{"two swapped, which would be two replaced, in a name that may have one slip", "csope", options, "scope"},
		{"three slips in a long name", "frntendApiURLs", options, "frontendApiUrl"},
		{"four slips in a long name", "frntndApURLs", options, ""},
		{"one slip too many in a short name", "scopian", options, ""},
		{"only the case differs", "CLIENTID", options, "clientId"},
		{"joined by underscores", "frontend_api_url", options, "frontendApiUrl"},
		{"joined by dashes and a slip", "client-secrt", options, "clientSecret"},
		{"case goes before a slip", "ClientID", []string{"ClientIDs", "clientId"}, "clientId"},
		{"nothing near", "issuer", options, ""},
		{"nothing known", "issuer", nil, ""},
		{"a short name is not near another", "ab", []string{"ac", "abc"}, ""},
		{"a short name in another case", "ID", []string{"id"}, "id"},
		{"a short known name is not near a longer one", "uri", []string{"ur"}, ""},
		{"the empty name", "", []string{"a", ""}, ""},
		{"a name of dashes alone", "--", []string{"_", "-"}, ""},
		{"the name itself", "scope", options, ""},
		{"the name itself and another", "scope", append(options, "scopes"), "scopes"},
		{"the nearest of several", "clientIds", []string{"clientBidz", "clientId", "clients"}, "clientId"},
		{"equally near: the first in byte order", "scope1", []string{"scope3", "scope2", "scope4"}, "scope2"},
		{"letters beyond ASCII", "größe", []string{"grösse", "Größ", "große"}, "Größ"},
		{"what is not UTF-8", "scope\xff", options, "scope"},
		{"a name at the bound", strings.Repeat("a", maxLength-1) + "b", []string{strings.Repeat("a", maxLength)}, strings.Repeat("a", maxLength)},
		{"a name beyond the bound", strings.Repeat("a", maxLength+1), []string{strings.Repeat("a", maxLength)}, ""},
		{"a known name beyond the bound", strings.Repeat("a", maxLength), []string{strings.Repeat("a", maxLength*5)}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			known := slices.Clone(tt.known)
			// Whatever the order of what is known, the answer is the same.
			for range max(1, len(known)) {
				if got, ok := Nearest(tt.written, known); got != tt.want || ok != (tt.want != "") {
					t.Fatalf("Nearest(%q, %q) = %q, %v; want %q", tt.written, known, got, ok, tt.want)
				}
				known = append(known[min(1, len(known)):], known[:min(1, len(known))]...)
			}
			slices.Reverse(known)
			if got, _ := Nearest(tt.written, known); got != tt.want {
				t.Errorf("Nearest(%q, %q) = %q, want %q", tt.written, known, got, tt.want)
			}
		})
	}
}

// The band around the diagonal leaves out nothing: the plain form of the algorithm, which fills the whole table, agrees.
func FuzzDistance(f *testing.F) {
	f.Add("scope", "socpe")
	f.Add("frontendapiurl", "forntedapurl")
	f.Add("abcabc", "bcabca")
	f.Add("", "abc")
	f.Fuzz(func(t *testing.T, x, y string) {
		a, b := []rune(x), []rune(y)
		if len(a) > 40 || len(b) > 40 {
			return
		}
		want := plainDistance(a, b)
		var table table // what a comparison leaves in it must not disturb the next
		for limit := range 5 {
			got, near := table.distance(a, b, limit)
			if near != (want <= limit) || near && got != want {
				t.Fatalf("distance(%q, %q, %d) = %d, %v; want %d", x, y, limit, got, near, want)
			}
		}
	})
}

func plainDistance(a, b []rune) int {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
		for j := range table[i] {
			switch {
			case i == 0 || j == 0:
				table[i][j] = i + j
				continue
			case a[i-1] == b[j-1]:
				table[i][j] = table[i-1][j-1]
			default:
				table[i][j] = 1 + min(table[i-1][j-1], table[i-1][j], table[i][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				table[i][j] = min(table[i][j], table[i-2][j-2]+1)
			}
		}
	}
	return table[len(a)][len(b)]
}

// Names of a megabyte, and thousands of long ones that are all alike, are no way to keep the gateway busy.
func TestNearestIsBounded(t *testing.T) {
	known := make([]string, 10_000)
	for i := range known {
		known[i] = strings.Repeat("a", 100) + strings.Repeat("b", i%28)
	}
	started := time.Now()
	Nearest(strings.Repeat("x", 1<<20), known)
	Nearest("x", []string{strings.Repeat("x", 1<<20)})
	Nearest(strings.Repeat("a", 110), known)
	if took := time.Since(started); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}
