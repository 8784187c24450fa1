package reference

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// known is a lookup of A, B, EMPTY and a variable that holds references itself.
func known(name string) (value, fault string) {
	values := map[string]string{"A": "canary-a", "B": "canary-b", "EMPTY": "", "NESTED": "canary-$env(A)${env.B}$import(./x)", "lower": "canary-l"}
	value, set := values[name]
	if !set {
		return "", name + " is not set"
	}
	return value, ""
}

func TestExpand(t *testing.T) {
	const (
		near    = "looks like a variable and would stay as it is: write $env(NAME)"
		nearURL = "looks like a variable and would stay as it is: write ${env.NAME} or $env(NAME)"
		braces  = "${env.NAME} is resolved in rewritePattern only"
		depends = "an upstream cannot depend on the request"
		noName  = "needs a name of letters"
	)
	type want struct {
		out   string
		fault string // how the text of the only fault begins or ends; "" for none
		at    int
	}
	text := func(out string) want { return want{out: out} }
	fault := func(at int, part string) want { return want{fault: part, at: at} }
	for _, tt := range []struct {
		text string
		how  How
		want want
	}{
		{"$env(A", Free, text("$env(A")},
		{"", Resolve, text("")},
		{"plain", Resolve, text("plain")},
		{"$env(A)", Resolve, text("canary-a")},
		{"x$env(A)$env(B)$env(A)y", Resolve, text("xcanary-acanary-bcanary-ay")},
		{"$env(EMPTY)", Resolve, text("")},
		{"$env(lower)", Resolve, text("canary-l")},
		{"$env(NESTED)", Resolve, text("canary-$env(A)${env.B}$import(./x)")},
		{"$env(NESTED)", ResolveURL, text("canary-$env(A)${env.B}$import(./x)")},
		{"http://${env.A}:$env(B)/", ResolveURL, text("http://canary-a:canary-b/")},
		{"$$env(A)$", Resolve, text("$canary-a$")},

		{"$env()", Resolve, fault(0, noName)},
		{"a$env( A )", Resolve, fault(1, noName)},
		{"$env(A-B)", Resolve, fault(0, noName)},
		{"$env(ä)", Resolve, fault(0, noName)},
		{"$env($env(A))", Resolve, fault(0, noName)},
		{"$env(" + strings.Repeat("A", 129) + ")", Resolve, fault(0, "has at most 128 characters")},
		{"$env(" + strings.Repeat("A", 128) + ")", Resolve, fault(0, " is not set")},
		{"a$env(A", Resolve, fault(1, "$env( has no closing )")},
		{"$env(A $env(", Resolve, fault(0, "$env( has no closing )")},
		{"a${env.A", ResolveURL, fault(1, "${env. has no closing }")},
		{"$env(NOBODY)", Resolve, fault(0, "NOBODY is not set")},

		{"$env(A)", Refuse, fault(0, "$env(...) is not resolved here")},
		{"a${env.A}", Refuse, fault(1, "${env.NAME} is not resolved here")},
		{"$ENV(A) ${B} $import(x) $A", Refuse, text("$ENV(A) ${B} $import(x) $A")},
		{"${env.A}", Resolve, fault(0, braces)},
		{"a$import(./x.json)", Resolve, fault(1, "an import is a whole value")},
		{"a$import(./x.json)", ResolveURL, fault(1, "an import is a whole value")},
		{"http://x/${params.id}", ResolveURL, fault(9, depends)},
		{"http://x/${", ResolveURL, fault(9, depends)},

		{"$ENV(A)", Resolve, fault(0, near)},
		{"$Env(A)", ResolveURL, fault(0, nearURL)},
		{"Bearer $ENV(A)", Resolve, fault(7, near)},
		{"$env (A)", Resolve, fault(0, near)},
		{"x $env{A}", Resolve, fault(2, near)},
		{"$env[ A ]", Resolve, fault(0, near)},
		{"${env:A}", Resolve, fault(0, near)},
		{"${ENV.A}", Resolve, fault(0, near)},
		{"${env A}", Resolve, fault(0, near)},
		{"Bearer ${API_KEY}", Resolve, fault(7, near)},
		{"http://${HOST}/", ResolveURL, fault(7, nearURL)},
		{"$env:NAME", Resolve, fault(0, near)},
		{"$env.NAME", Resolve, fault(0, near)},
		{"$env NAME", Resolve, fault(0, near)},
		{"$NAME", Resolve, fault(0, near)},
		{"$(NAME)", Resolve, fault(0, near)},
		{"{{NAME}}", Resolve, fault(0, near)},
		{"{{ .Env.NAME }}", Resolve, fault(0, near)},
		{"env(NAME)", Resolve, fault(0, near)},

		{"it costs $5, $NAME, {{NAME}} and $(NAME)", Resolve, text("it costs $5, $NAME, {{NAME}} and $(NAME)")},
		{"pa$$word", Resolve, text("pa$$word")},
		{"$ecret", Resolve, text("$ecret")},
		{"$2a$10$abc", Resolve, text("$2a$10$abc")},
		{"$A", Resolve, text("$A")},
		{"${principal.email}", Resolve, text("${principal.email}")},
		{"${a}", Resolve, text("${a}")},
		{"$environment(A)", Resolve, text("$environment(A)")},
		{"$ENV(" + strings.Repeat("A", 200) + ")", Resolve, text("$ENV(" + strings.Repeat("A", 200) + ")")},
		{"^[a-z]{2}$", Resolve, text("^[a-z]{2}$")},
		{"{{}}", Resolve, text("{{}}")},
		{"$()", Resolve, text("$()")},
		{"env()", Resolve, text("env()")},
	} {
		out, _, faults := Expand(tt.text, tt.how, known)
		switch {
		case tt.want.fault == "" && (len(faults) > 0 || out != tt.want.out):
			t.Errorf("%q, treated %d, becomes %q with %v", tt.text, tt.how, out, faults)
		case tt.want.fault != "" && (len(faults) != 1 || faults[0].At != tt.want.at || !strings.Contains(faults[0].Text, tt.want.fault)):
			t.Errorf("%q, treated %d, has faults %v, want at %d %q", tt.text, tt.how, faults, tt.want.at, tt.want.fault)
		}
	}
}

// Who uses what came of a text knows which part of it comes from where.
func TestExpandTellsWhatItUsed(t *testing.T) {
	out, used, _ := Expand("ä$env(A)-${env.B}", ResolveURL, known)
	want := []Used{{Name: "A", Value: "canary-a", Written: 2, At: 2}, {Name: "B", Value: "canary-b", Written: 10, At: 11}}
	if diff := cmp.Diff(want, used); diff != "" || out != "äcanary-a-canary-b" {
		t.Errorf("became %q using (-want +got):\n%s", out, diff)
	}
}

func TestExpandTellsSeveralFaultsAndNotAll(t *testing.T) {
	_, _, faults := Expand("$env(NOBODY) $env() $env(NOONE) $env(A", Resolve, known)
	want := []Fault{{At: 0, Text: "NOBODY is not set", Name: "NOBODY"},
		{At: 13, Text: "$env() needs a name of letters, digits and _ between"},
		{At: 20, Text: "NOONE is not set", Name: "NOONE"}, {At: 32, Text: "$env( has no closing )"}}
	if diff := cmp.Diff(want, faults); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if _, _, faults = Expand(strings.Repeat("$env()", 1000), Resolve, known); len(faults) != maxFaults {
		t.Errorf("a text has %d faults, want the first %d", len(faults), maxFaults)
	}
}

// What is nothing but a reference to a name in capitals may be shown; what else there is may be a secret.
func TestIsWhole(t *testing.T) {
	for text, want := range map[string]bool{
		"$env(CLERK_CLIENT_SECRET)": true, "$env(A1)": true,
		"": false, "$env()": false, "$env(name)": false, "$env(sk_live_1)": false, "$env(A": false, "x$env(AB)": false,
		"$env(AB)x": false, "$env(AB)$env(CD)": false, "${env.AB}": false, "CANARY": false, "$env(" + strings.Repeat("A", 129) + ")": false,
	} {
		if got := IsWhole(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
