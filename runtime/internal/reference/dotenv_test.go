package reference

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDotEnv(t *testing.T) {
	const form = "is no NAME=VALUE, where NAME is of letters, digits and _"
	for _, tt := range []struct {
		line  string
		value string // of NAME
		fault string // how it begins
	}{
		{"NAME=canary", "canary", ""},
		{"  NAME=canary  ", "canary", ""},
		{"export NAME=canary", "canary", ""},
		{"NAME=", "", ""},
		{"NAME= ", "", ""},
		{"NAME= # nothing", "", ""},
		{"NAME=a#b", "a#b", ""},
		{"NAME=a #b", "a", ""},
		{"NAME=a\t#b", "a", ""},
		{"NAME=a=b==", "a=b==", ""},
		{"NAME=pa$$w$rd", "pa$$w$rd", ""},
		{"NAME=https://x.example/?a=b&c", "https://x.example/?a=b&c", ""},
		{"NAME='a b\"\\n$x ${y} #'", "a b\"\\n$x ${y} #", ""},
		{"NAME='' # empty", "", ""},
		{`NAME="a b' #"`, "a b' #", ""},
		{`NAME="\n\t\\\"" # four`, "\n\t\\\"", ""},
		{`NAME=""`, "", ""},
		{"NAME=ä", "ä", ""},
		{"NAME=canary\r", "canary", ""},

		{"NAME", "", form},
		{"=canary", "", form},
		{"1NAME=canary", "", form},
		{"NA-ME=canary", "", form},
		{"NA ME=canary", "", form},
		{"exportNAME canary", "", form},
		{strings.Repeat("A", 129) + "=canary", "", form},
		{"NAME =canary", "", "has space before the ="},
		{"NAME= canary", "", "has space behind the ="},
		{"NAME=#canary", "", "has a value that begins with #"},
		{"NAME=canary canary", "", "has a value with space in it"},
		{`NAME=can"ary`, "", "has a value with a quote"},
		{`NAME=can\ary`, "", "has a value with a quote"},
		{"NAME=`canary`", "", "has a value with a quote"},
		{"NAME=${OTHER}", "", "has ${ or $( in its value"},
		{"NAME=\"a $(canary)\"", "", "has ${ or $( in its value"},
		{`NAME="\\${OTHER}"`, "", "has ${ or $( in its value"},
		{"NAME='canary", "", "has no closing '"},
		{`NAME="canary`, "", `has no closing "`},
		{`NAME="canary\`, "", `has a \ that is none of`},
		{`NAME="canary\"`, "", `has no closing "`},
		{`NAME="can\ary"`, "", `has a \ that is none of`},
		{`NAME="a"canary`, "", "has text behind"},
		{`NAME='a' canary`, "", "has text behind"},
		{`NAME="a"#canary`, "", "has text behind"},
		{`NAME="\n"canary`, "", "has text behind"},
		{"NAME=canary\xff", "", "is not valid UTF-8"},
		{"NAME=canary\x00", "", "holds a NUL byte"},
	} {
		vars, faults := parseDotEnv([]byte("# comment\n\n" + tt.line + "\n \t\nLAST=1"))
		found, _ := vars.find("NAME")
		switch {
		case tt.fault == "" && (len(faults) > 0 || found.value != tt.value || found.broken):
			t.Errorf("%q sets %q with %v, want %q", tt.line, found.value, faults, tt.value)
		case tt.fault != "" && (len(faults) != 1 || faults[0].Line != 3 || !strings.HasPrefix(faults[0].Text, tt.fault)):
			t.Errorf("%q has faults %v, want %q", tt.line, faults, tt.fault)
		case tt.fault != "" && (strings.Contains(faults[0].Text, "canary") || found.name != "" && !found.broken):
			t.Errorf("%q: %v, %v", tt.line, faults, found)
		}
		if last, ok := vars.find("LAST"); !ok || last.value != "1" || last.line != 5 {
			t.Errorf("behind %q there is %v", tt.line, last)
		}
	}
}

func TestDotEnvAsAWhole(t *testing.T) {
	twice := "B=1\nA=2\nB='canary\nA=3\n"
	_, faults := parseDotEnv([]byte(twice))
	want := []LineFault{{3, "has no closing ': a value ends on its line"},
		{3, "sets a variable that an earlier line sets: keep one of them"},
		{4, "sets a variable that an earlier line sets: keep one of them"}}
	if diff := cmp.Diff(want, faults); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if _, faults = parseDotEnv([]byte("\uFEFFA=1")); len(faults) != 1 || !strings.Contains(faults[0].Text, "byte order mark") {
		t.Errorf("faults: %v", faults)
	}
	if _, faults = parseDotEnv([]byte(strings.Repeat("canary\n", 1000))); len(faults) != maxFaults {
		t.Errorf("%d faults, want %d", len(faults), maxFaults)
	}
	for _, content := range []string{"locked", strings.Repeat("#", MaxFile+1)} {
		v, _ := variables(nil, map[string]string{"/.env": content})
		if len(v.DotEnvFaults()) != 1 {
			t.Errorf("faults: %v", v.DotEnvFaults())
		}
	}
	if v := New(Options{DotEnv: "/.env", LookupEnv: func(string) (string, bool) { return "", false }}); len(v.DotEnvFaults()) != 1 {
		t.Errorf("who cannot read .env says nothing: %v", v.DotEnvFaults())
	}
}
