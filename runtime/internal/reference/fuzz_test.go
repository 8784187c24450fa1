package reference

import (
	"runtime"
	"strings"
	"testing"
)

// Bounds of what is allocated: each byte of input may cost some, and each call a few for itself.
const perByte, perCall = 64, 16 << 10

// allocated answers how many bytes do allocates. Others who allocate meanwhile count, too, so the least of some tries does.
func allocated(do func()) (least uint64) {
	var before, after runtime.MemStats
	for try := range 3 {
		runtime.ReadMemStats(&before)
		do()
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; try == 0 || n < least {
			least = n
		}
	}
	return least
}

// No text makes Expand panic, or allocate more than the text and its values are worth; no fault repeats what a variable
// holds, and what it holds is not searched.
func FuzzExpand(f *testing.F) {
	for _, seed := range []string{"", "a$env(A)b${env.B}", "$env(NESTED)", "$env(", "$env()", "$ENV(A)", "${A_B}", "$NAME", "{{NAME}}",
		"$import(./x)", "$$$$", "$env(NOBODY)${env.NOONE}", "$env[A]${env:A}$env{A}", "ä$env(EMPTY)\xff"} {
		f.Add(seed)
		f.Add(strings.Repeat(seed, 2000))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for how := Free; how <= ResolveURL; how++ {
			values := 0
			lookup := func(name string) (string, string) {
				value, fault := known(name)
				values += len(value)
				return value, fault
			}
			out, used, faults := Expand(text, how, lookup)
			if len(faults) > maxFaults {
				t.Fatalf("%d faults", len(faults))
			}
			for _, fault := range faults {
				if fault.At < 0 || fault.At > len(text) || fault.Text == "" {
					t.Fatalf("a fault at %d: %q", fault.At, fault.Text)
				}
				if strings.Contains(fault.Text, "canary") && !strings.Contains(text, "canary") {
					t.Fatalf("G10: a value is printed: %s", fault.Text)
				}
			}
			if len(faults) == 0 {
				checkUsed(t, text, out, used)
			}
			if how < Resolve && len(faults) == 0 && out != text {
				t.Fatalf("%q became %q without being resolved", text, out)
			}
			once := values
			if got, most := allocated(func() { Expand(text, how, lookup) }), uint64(perByte*(len(text)+once)+perCall); got > most {
				t.Fatalf("%d bytes of text and %d of values cost %d", len(text), once, got)
			}
		}
	})
}

// checkUsed takes the result apart: it is the text with each reference replaced by its value, and nothing else replaced.
func checkUsed(t *testing.T, text, out string, used []Used) {
	t.Helper()
	written, made := 0, 0
	for _, u := range used {
		between := u.Written - written
		if between < 0 || out[made:u.At] != text[written:u.Written] {
			t.Fatalf("%q became %q, in which %q does not begin at %d", text, out, u.Name, u.At)
		}
		if value, _ := known(u.Name); value != u.Value || !strings.HasPrefix(out[u.At:], value) {
			t.Fatalf("%q became %q, in which %s is not at %d", text, out, u.Name, u.At)
		}
		written = u.Written + strings.IndexAny(text[u.Written:], ")}") + 1
		made = u.At + len(u.Value)
	}
	if text[written:] != out[made:] {
		t.Fatalf("%q became %q, which ends otherwise", text, out)
	}
}

// No bytes make the reading of .env panic, or cost more than they are worth; no fault repeats any of them; and a value
// that is read and written in quotes again is read as the same.
func FuzzDotenv(f *testing.F) {
	for _, seed := range []string{"", "A=1\nB='x y'\nexport C=\"\\n\\t\\\\\\\"\" # c\r\n", "A=1\nA=2", "=", "A", "A=\"", "A='\nB=1",
		"\uFEFFA=1", "A=${B}", "A=\xff", strings.Repeat("A=\n", 100), strings.Repeat("\n", 100)} {
		f.Add([]byte(seed))
		f.Add([]byte(strings.Repeat(seed, 2000)))
	}
	quote := strings.NewReplacer("\n", `\n`, "\t", `\t`, `\`, `\\`, `"`, `\"`)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > MaxFile {
			return // is not read
		}
		vars, faults := parseDotEnv(data)
		lines := strings.Count(string(data), "\n") + 1
		for _, fault := range faults {
			if fault.Line < 1 || fault.Line > lines || fault.Text == "" {
				t.Fatalf("a fault on line %d: %q", fault.Line, fault.Text)
			}
		}
		for _, e := range vars {
			if !IsName(e.name) || e.line < 1 || e.line > lines {
				t.Fatalf("the variable %q on line %d", e.name, e.line)
			}
			if e.broken || strings.Contains(e.value, "${") || strings.Contains(e.value, "$(") || strings.Contains(e.value, "\r") {
				continue
			}
			again, faults := parseDotEnv([]byte(e.name + `="` + quote.Replace(e.value) + `"`))
			if found, ok := again.find(e.name); !ok || found.value != e.value || len(faults) > 0 {
				t.Fatalf("%q is %q when written again: %v", e.value, found.value, faults)
			}
		}
		if got, most := allocated(func() { parseDotEnv(data) }), uint64(perByte*len(data)+perCall); got > most {
			t.Fatalf("%d bytes cost %d", len(data), got)
		}
	})
}
