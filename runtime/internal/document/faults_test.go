package document

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type syntaxFault struct{ name, data, want string }

// syntaxFaults are the mistakes that people make, each with what they are told.
func syntaxFaults() []syntaxFault {
	return []syntaxFault{
		{"empty", "", `1:1: : is empty: a JSON object is expected`},
		{"blank", " \n\t", `1:1: : is empty: a JSON object is expected`},
		{"byte order mark", "\uFEFF{}", `1:1: : begins with a byte order mark: save it as UTF-8 without one`},
		{"UTF-16, little end first", "\xff\xfe{\x00}\x00", `1:1: : begins with the byte order mark of UTF-16: save it as UTF-8`},
		{"UTF-16, big end first", "\xfe\xff\x00{\x00}", `1:1: : begins with the byte order mark of UTF-16: save it as UTF-8`},
		{"UTF-16 without a mark", "{\x00}\x00", `1:1: : is written in UTF-16 or UTF-32: save it as UTF-8`},
		{"invalid UTF-8", "{\n \"é\": \"\xff\"}", `2:8: : is not valid UTF-8: byte 0xff does not belong here`},
		{"NUL", "{\"a\": \x00 1}", `1:7: : holds a NUL byte, which no text has`},
		{"NUL in a text", "{\"a\": \"\x00\"}", `1:8: : holds a NUL byte, which no text has`},
		{"too deep", strings.Repeat("[", 101) + strings.Repeat("]", 101), "1:101: " + strings.Repeat("/0", 100) + ": is nested more than 100 deep"},
		{"names too long", `{"` + strings.Repeat("x", 600) + `": {"` + strings.Repeat("y", 600) + `": 1}}`, "1:607: /" + strings.Repeat("x", 600) + ": the names that lead here are longer than 1024 bytes together"},
		{"comma missing between members", "{\n  \"a\": 1\n  \"b\": 2\n}", `2:9: /a: a comma is missing after this value`},
		{"comma missing between items", `["a" "b"]`, `1:5: /0: a comma is missing after this value`},
		{"comma missing after an object", "{\"a\": {}\n\"b\": 1}", `1:9: /a: a comma is missing after this value`},
		{"comma missing, next without quotes", `[1 x]`, `1:3: /0: a comma is missing after this value`},
		{"comma too many in an object", "{\n  \"a\": 1,\n}", `2:9: : a comma before } has nothing after it: remove it, or rename the file to x.jsonc, which may have it`},
		{"comma too many in an array", `[1, 2, ]`, `1:6: /1: a comma before ] has nothing after it: remove it, or rename the file to x.jsonc, which may have it`},
		{"comma before the first", `{, "a": 1}`, `1:2: : a comma with nothing before it: remove it`},
		{"comma before the first item", `[, 1]`, `1:2: /0: a value is missing before this comma`},
		{"two commas", `[1,, 2]`, `1:4: /1: a value is missing before this comma`},
		{"two commas in an object", `{"a": 1,, "b": 2}`, `1:9: : a comma with nothing before it: remove it`},
		{"quote missing at the end of a text", "{\"a\": \"x,\n\"b\": 1}", `1:7: /a: the text that begins here has no " at its end: it must end on the same line`},
		{"quote missing before a text", `{"a": x"}`, `1:7: /a: a text stands in double quotes`},
		{"quote missing after a name", "{\"a: 1,\n\"b\": 2}", `1:2: : the text that begins here has no " at its end: it must end on the same line`},
		{"quote missing after a name, before a text", `{"a: "x"}`, `1:7: : a : is missing after the name, or a quote before it is missing or one too many`},
		{"quote missing before a name", `{a": 1}`, `1:2: : a name stands in double quotes`},
		{"quote too many", `{"a": "x"y"}`, `1:10: /a: a comma is missing here, or a quote too many is before it`},
		{"no quotes around a name", `{a: 1}`, `1:2: : a name stands in double quotes`},
		{"no quotes around a text", `{"a": mcp-clerk}`, `1:7: /a: a text stands in double quotes`},
		{"no quotes around a text that begins with a digit", `{"a": 10m}`, `1:7: /a: this is no number: a text stands in double quotes`},
		{"no quotes around an address", `{"a": 127.0.0.1:9000}`, `1:7: /a: this is no number: a text stands in double quotes`},
		{"no quotes around a reference", `{"a": $env(SECRET)}`, `1:7: /a: a reference stands in double quotes: "$env(NAME)"`},
		{"single quotes", `{"a": 'x'}`, `1:7: /a: a text stands in double quotes, not in single ones`},
		{"single quotes around a name", `{'a': 1}`, `1:2: : a name stands in double quotes, not in single ones`},
		{"backquotes", "{\"a\": `x`}", `1:7: /a: a text stands in double quotes, not in backquotes`},
		{"typographic quotes", `{"a": “x”}`, `1:7: /a: “ is no quote in JSON: write "`},
		{"typographic quotes around a name", `{“a”: 1}`, `1:2: : “ is no quote in JSON: write "`},
		{"colon missing", `{"a" 1}`, `1:5: : a : is missing after this name`},
		{"colon missing before a text", `{"a" "x"}`, `1:5: : a : is missing after this name`},
		{"equals sign", `{"a" = 1}`, `1:6: : a : stands between a name and its value, no =`},
		{"name without a value", `{"a", "b": 1}`, `1:5: : this name has no value: a : and a value are missing`},
		{"last name without a value", `{"a"}`, `1:5: : this name has no value: a : and a value are missing`},
		{"colon without a value", `{"a": , "b": 1}`, `1:7: /a: a value is missing before this comma`},
		{"last colon without a value", `{"a": }`, `1:7: /a: a value is missing before this }`},
		{"colon without a name", `{: 1}`, `1:2: : a name is missing before the :`},
		{"two colons", `{"a":: 1}`, `1:6: /a: a value is expected here, not :`},
		{"colon after a value", `{"a": "b": 1}`, `1:10: /a: a : does not belong here: is a comma or a quote missing before it?`},
		{"member in an array", `["a": 1]`, `1:5: /0: a name with its value must stand in { }: this is an array`},
		{"value in an object", `{{"a": 1}}`, `1:2: : a name and a : are missing before this value, as the members of { } have names`},
		{"semicolon", `{"a": 1; "b": 2}`, `1:8: /a: a ; is no comma`},
		{"NaN", `[NaN]`, `1:2: /0: JSON has no NaN: remove the property, or write its value`},
		{"Infinity", `[-Infinity]`, `1:2: /0: JSON has no Infinity: remove the property, or write its value`},
		{"undefined", `{"a": undefined}`, `1:7: /a: JSON has no undefined: remove the property, or write its value`},
		{"None", `{"a": None}`, `1:7: /a: JSON has no None: write null`},
		{"True", `{"a": True}`, `1:7: /a: write true in small letters`},
		{"yes", `{"a": yes}`, `1:7: /a: JSON has no yes: write true or false, or put it in double quotes`},
		{"leading zero", `[007]`, `1:2: /0: a number has no 0 before its other digits`},
		{"plus", `[+1]`, `1:2: /0: a number has no + before it`},
		{"point first", `[.5]`, `1:2: /0: a number has a digit before its point`},
		{"point last", `[5.]`, `1:2: /0: a number has digits after its point`},
		{"exponent without digits", `[1e+]`, `1:2: /0: a number has digits after its e`},
		{"hexadecimal", `[0xFF]`, `1:2: /0: a number is written in decimal digits`},
		{"grouped digits", `[1_000]`, `1:2: /0: a number has no _ between its digits`},
		{"minus alone", `[-]`, `1:2: /0: this is no number: a text stands in double quotes`},
		{"two points", `[1.2.3]`, `1:2: /0: this is no number: a text stands in double quotes`},
		{"object not closed", "{\n  \"a\": {\n    \"b\": 1\n}\n\n", `4:2: /a: the file ends before the { of line 1 is closed: } is missing`},
		{"array not closed", "[\n1,", `2:3: /1: the file ends before the [ of line 1 is closed: ] is missing`},
		{"name not finished", "{\"pol", `1:2: : the text that begins here has no " at its end: it must end on the same line`},
		{"ends after a name", "{\"a\"", `1:5: : the file ends before the { of line 1 is closed: } is missing`},
		{"ends after a colon", "{\"a\": ", `1:6: /a: the file ends before the { of line 1 is closed: } is missing`},
		{"bracket of the other kind", "{\n  \"a\": [1, 2}\n}", `2:13: /a/1: this } closes nothing: the [ of line 2 is still open, and ] closes that`},
		{"brace of the other kind", "[{\"a\": 1]", `1:9: /0/a: this ] closes nothing: the { of line 1 is still open, and } closes that`},
		{"bracket in place of a name", `{]`, `1:2: : this ] closes nothing: the { of line 1 is still open, and } closes that`},
		{"bracket too many", `{}}`, `1:3: : this } closes nothing: one bracket too many, here or before`},
		{"bracket only", `]`, `1:1: : this ] closes nothing: one bracket too many, here or before`},
		{"bracket too many inside", `{"a": ]}`, `1:7: /a: a value is missing before this ]`},
		{"another language", "policies:\n  - name: clerk\n", `1:1: : this is no JSON: a file begins with {`},
		{"two documents", "{}\n{}", `2:1: : the document has ended: a file holds one JSON value`},
		{"something after the end", `{} x`, `1:4: : the document has ended: there is something after it`},
		{"comma after the end", `{},`, `1:3: : the document has ended: there is something after it`},
		{"tab in a text", "[\"a\tb\"]", `1:4: /0: a text holds no tab: write \t`},
		{"control character in a text", "[\"a\x01\"]", `1:4: /0: a text holds no control character: write \u0001`},
		{"line end in a text", "[\"a\nb\"]", `1:2: /0: the text that begins here has no " at its end: it must end on the same line`},
		{"path of Windows", `["C:\plugins"]`, `1:5: /0: a backslash must be written as \\, unless it begins one of \" \\ \/ \b \f \n \r \t \u0000`},
		{"escape of a quote", `["it\'s"]`, `1:5: /0: a backslash must be written as \\, unless it begins one of \" \\ \/ \b \f \n \r \t \u0000`},
		{"short escape", `["\u12"]`, `1:3: /0: \u goes before four hexadecimal digits, as in \u00e9`},
		{"half of a pair", `["\ud800"]`, `1:3: /0: \ud800 is half of a character only: write the character itself`},
		{"other half", `["\udc00 "]`, `1:3: /0: \udc00 is half of a character only: write the character itself`},
		{"two first halves", `["\ud800\ud800"]`, `1:3: /0: \ud800 is half of a character only: write the character itself`},
		{"text ends in a backslash", `["a\`, `1:2: /0: the text that begins here has no " at its end: it must end on the same line`},
		{"comment", "{\n  // ours\n}", `2:3: : JSON has no comments: remove it, or rename the file to x.jsonc, which may have it`},
		{"long comment", `{} /* ours */`, `1:4: : JSON has no comments: remove it, or rename the file to x.jsonc, which may have it`},
		{"hash comment", "{\n  # ours\n}", `2:3: : JSON has no comments: remove it, or rename the file to x.jsonc, which may have it after //`},
		{"slash", `{"a": 1 / 2}`, `1:9: /a: a / does not belong here`},
		{"no-break space", "{\u00a0}", `1:2: : a name in double quotes is expected here, not the invisible character U+00A0`},
		{"zero width space", "{\"a\": \u200b1}", `1:7: /a: a value is expected here, not the invisible character U+200B`},
		{"merge conflict", "{\n<<<<<<< HEAD\n}", `2:1: : this line is left over from a merge: decide which of the two versions stays`},
		{"parenthesis", `{"a": (1)}`, `1:7: /a: a value is expected here, not (`},
		{"duplicate", `{"a": 1, "b": {"a": 1}, "a": 2, "a": 3}`, "1:25: /a: duplicate property \"a\", first on line 1\n1:33: /a: duplicate property \"a\", first on line 1"},
		{"duplicate spelt with an escape", `{"id": 1, "\u0069d": 2}`, `1:11: /id: duplicate property "id", first on line 1`},
		{"twin", "{\n\"clientId\": 1,\n\"clientID\": 2,\n\"clientId\": 3, \"CLIENTID\": 4}", "4:16: /CLIENTID: differs from \"clientId\" on line 2 only in case: keep one of them\n3:1: /clientID: differs from \"clientId\" on line 2 only in case: keep one of them\n4:1: /clientId: duplicate property \"clientId\", first on line 2"},
		{"twin of other letters", "{\"Kelvin\": 1, \"\u212aelvin\": 2}", "1:15: /\u212aelvin: differs from \"Kelvin\" on line 1 only in case: keep one of them"},
		{"duplicates before a mistake", `{"a": {"b": 1, "b": 2}, c}`, "1:16: /a/b: duplicate property \"b\", first on line 1\n1:25: : a name stands in double quotes"},
		{"jsonc: hash comment", "{ # ours\n}", `1:3: : a comment begins with //, not with #`},
		{"jsonc: comment without end", "{ /* ours }", `1:3: : the comment that begins here has no */ at its end`},
		{"jsonc: comments only", "// nothing\n", `1:1: : has comments only: a JSON object is expected`},
		{"jsonc: two commas", `[1,,]`, `1:4: /1: a value is missing before this comma`},
		{"jsonc: comma alone", `[,]`, `1:2: /0: a value is missing before this comma`},
		{"jsonc: single quotes", `['a']`, `1:2: /0: a text stands in double quotes, not in single ones`},
		{"jsonc: comma after the end", `{},`, `1:3: : the document has ended: there is something after it`},
		{"jsonc: good", "// one\r\n{/* two */\"a\"/**/:[1,/*,*/],// three\n\"b\":{},}// end", ``},
	}
}

func TestFaults(t *testing.T) {
	for _, tt := range syntaxFaults() {
		t.Run(tt.name, func(t *testing.T) {
			name := "x.json"
			if strings.HasPrefix(tt.name, "jsonc: ") {
				name = "x.jsonc"
			}
			_, faults := parse(name, tt.data)
			var got []string
			for _, f := range faults {
				got = append(got, told([]byte(tt.data), f))
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("%q (-want +got):\n%s", tt.data, diff)
			}
		})
	}
}
