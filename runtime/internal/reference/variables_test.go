package reference

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// disk reads files from memory, and counts how often each is read.
type disk struct {
	files map[string]string
	reads map[string]int
}

func (d *disk) read(path string) Content {
	d.reads[path]++
	text, there := d.files[path]
	switch {
	case !there:
		return Content{Sum: "missing", Missing: true}
	case text == "locked":
		return Content{Sum: "unreadable", Fault: "cannot be read: permission denied"}
	}
	return Content{Data: []byte(text), Sum: "sum of " + fmt.Sprint(len(text))}
}

// variables are Variables of an environment, of files, and of .env where there is one.
func variables(env, files map[string]string) (*Variables, *disk) {
	d := &disk{files, map[string]int{}}
	o := Options{ReadFile: d.read, LookupEnv: func(name string) (string, bool) { value, set := env[name]; return value, set }}
	if _, there := files["/.env"]; there {
		o.DotEnv = "/.env"
	}
	return New(o), d
}

func TestLookup(t *testing.T) {
	long := strings.Repeat("a", MaxFile)
	for _, tt := range []struct {
		name       string
		env, files map[string]string
		want       Variable // of NAME
	}{
		{"nowhere", nil, nil, Variable{From: NotSet, Fault: "environment variable NAME is not set"}},
		{"the environment", map[string]string{"NAME": "canary"}, nil, Variable{Value: "canary", From: FromEnvironment}},
		{"the environment, empty", map[string]string{"NAME": "", "NAME_FILE": ""}, nil, Variable{From: FromEnvironment}},
		{"the environment, bytes", map[string]string{"NAME": "canary\xff"}, nil,
			Variable{From: FromEnvironment, Fault: "environment variable NAME is not valid UTF-8"}},
		{"a file", map[string]string{"NAME_FILE": "/run/../run/secret"}, map[string]string{"/run/secret": "canary"},
			Variable{Value: "canary", From: FromFile}},
		{"a file, one line end", map[string]string{"NAME_FILE": "/f"}, map[string]string{"/f": "canary\n"}, Variable{Value: "canary", From: FromFile}},
		{"a file, of Windows", map[string]string{"NAME_FILE": "/f"}, map[string]string{"/f": "canary\r\n"}, Variable{Value: "canary", From: FromFile}},
		{"a file, lines", map[string]string{"NAME_FILE": "/f"}, map[string]string{"/f": " a\nb\n\n"}, Variable{Value: " a\nb\n", From: FromFile}},
		{"a file, a return alone", map[string]string{"NAME_FILE": "/f"}, map[string]string{"/f": "a\r"}, Variable{Value: "a\r", From: FromFile}},
		{"a file, full", map[string]string{"NAME_FILE": "/f"}, map[string]string{"/f": long}, Variable{Value: long, From: FromFile}},
		{"both", map[string]string{"NAME": "canary", "NAME_FILE": "/f"}, map[string]string{"/f": "canary"},
			Variable{From: FromEnvironment, Fault: "NAME and NAME_FILE are both set: keep one of them"}},
		{"the secret in place of its file", map[string]string{"NAME_FILE": "canary"}, nil,
			Variable{From: FromFile, Fault: "NAME_FILE must hold the absolute path of a file, and does not"}},
		{"a path with NUL", map[string]string{"NAME_FILE": "/canary\x00"}, nil,
			Variable{From: FromFile, Fault: "NAME_FILE must hold the absolute path of a file, and does not"}},
		{"a file that is missing", map[string]string{"NAME_FILE": "/canary"}, nil,
			Variable{From: FromFile, Fault: "the file that NAME_FILE names does not exist"}},
		{"a file that is locked", map[string]string{"NAME_FILE": "/f"}, map[string]string{"/f": "locked"},
			Variable{From: FromFile, Fault: "the file that NAME_FILE names cannot be read: permission denied"}},
		{"a file that is too large", map[string]string{"NAME_FILE": "/f"}, map[string]string{"/f": long + "a"},
			Variable{From: FromFile, Fault: "the file that NAME_FILE names holds more than 64 KiB"}},
		{"a file that is empty", map[string]string{"NAME_FILE": "/f"}, map[string]string{"/f": "\n"},
			Variable{From: FromFile, Fault: "the file that NAME_FILE names is empty"}},
		{"a file with a mark", map[string]string{"NAME_FILE": "/f"}, map[string]string{"/f": "\uFEFFcanary"},
			Variable{From: FromFile, Fault: "the file that NAME_FILE names begins with a byte order mark: save it as UTF-8 without one"}},
		{"a file of bytes", map[string]string{"NAME_FILE": "/f"}, map[string]string{"/f": "canary\xff"},
			Variable{From: FromFile, Fault: "the file that NAME_FILE names is not valid UTF-8"}},
		{"a file with NUL", map[string]string{"NAME_FILE": "/f"}, map[string]string{"/f": "canary\x00"},
			Variable{From: FromFile, Fault: "the file that NAME_FILE names holds a NUL byte"}},

		{".env", nil, map[string]string{"/.env": "NAME=canary"}, Variable{Value: "canary", From: FromDotEnv}},
		{".env, a file", nil, map[string]string{"/.env": "NAME_FILE=/f", "/f": "canary\n"}, Variable{Value: "canary", From: FromFile}},
		{".env, a file that is missing", nil, map[string]string{"/.env": "NAME_FILE=/f"},
			Variable{From: FromFile, Fault: "the file that NAME_FILE in .env names does not exist"}},
		{".env, both", nil, map[string]string{"/.env": "NAME=a\nNAME_FILE=/f"},
			Variable{From: FromDotEnv, Fault: "NAME and NAME_FILE are both set in .env: keep one of them"}},
		{".env, after the environment", map[string]string{"NAME": "canary"}, map[string]string{"/.env": "NAME=other"},
			Variable{Value: "canary", From: FromEnvironment}},
		{".env, after the environment's file", map[string]string{"NAME_FILE": "/f"}, map[string]string{"/.env": "NAME=other", "/f": "canary"},
			Variable{Value: "canary", From: FromFile}},
		{".env, something else", nil, map[string]string{"/.env": "OTHER=other"},
			Variable{From: NotSet, Fault: "environment variable NAME is not set"}},
		{".env, broken", nil, map[string]string{"/.env": "A=1\nNAME='canary"},
			Variable{From: FromDotEnv, Fault: "NAME stands on line 2 of .env, which has a problem"}},
		{".env, its file broken", nil, map[string]string{"/.env": "NAME_FILE='canary"},
			Variable{From: FromDotEnv, Fault: "NAME_FILE stands on line 1 of .env, which has a problem"}},
		{".env, with a colon", nil, map[string]string{"/.env": "NAME: canary"},
			Variable{From: FromDotEnv, Fault: "NAME stands on line 1 of .env, which has a problem"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, _ := variables(tt.env, tt.files)
			tt.want.Name = "NAME"
			if diff := cmp.Diff(tt.want, v.Lookup("NAME")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A name that ends in _FILE would stand for the path, which is then taken for the secret. What it names is not read.
func TestLookupOfFileName(t *testing.T) {
	const remedy = "NAME_FILE names the file that holds it; a variable that holds anything else needs another name"
	const hidden = "this name ends in _FILE, and such a variable names a file: write the name without _FILE"
	for _, tt := range []struct {
		what, name string
		env, files map[string]string
		want       Variable
	}{
		{"the environment", "NAME_FILE", map[string]string{"NAME_FILE": "/canary"}, nil,
			Variable{From: FromEnvironment, Fault: "write $env(NAME): " + remedy}},
		{"also where the other is set", "NAME_FILE", map[string]string{"NAME_FILE": "/canary", "NAME": "canary"}, nil,
			Variable{From: FromEnvironment, Fault: "write $env(NAME): " + remedy}},
		{".env", "NAME_FILE", nil, map[string]string{"/.env": "NAME_FILE=/canary"},
			Variable{From: FromDotEnv, Fault: "write $env(NAME): " + remedy}},
		{"nowhere", "NAME_FILE", nil, nil, Variable{From: NotSet, Fault: "write $env(NAME): " + remedy}},
		{"in small letters", "name_FILE", map[string]string{"name_FILE": "/canary"}, nil,
			Variable{From: FromEnvironment, Fault: "write $env(name): " + strings.ReplaceAll(remedy, "NAME", "name")}},
		{"what may be a secret", "sk_live_FILE", nil, nil, Variable{From: NotSet, Fault: hidden}},
		{"nothing before it", "_FILE", map[string]string{"_FILE": "text"}, nil, Variable{Value: "text", From: FromEnvironment}},
		{"another ending", "NAME_FILES", map[string]string{"NAME_FILES": "text"}, nil, Variable{Value: "text", From: FromEnvironment}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			v, d := variables(tt.env, tt.files)
			tt.want.Name = tt.name
			if diff := cmp.Diff(tt.want, v.Lookup(tt.name)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if d.reads["/canary"] > 0 {
				t.Error("the file was read")
			}
		})
	}
}

// Of a name that is not set it is told that a .env has it which does not count, and why that does not.
func TestAside(t *testing.T) {
	const counts = ", but counts only while listen and every publicUrl are loopback addresses"
	for _, tt := range []struct{ aside, want string }{
		{"NAME=canary\n", "; .env has it" + counts},
		{"NAME_FILE=/canary\n", "; .env has NAME_FILE" + counts},
		{"NAME=canary\nNAME_FILE=/canary\n", "; .env has it" + counts},
		{"OTHER=canary\n", ""},
	} {
		v := New(Options{LookupEnv: func(string) (string, bool) { return "", false }, Aside: []byte(tt.aside)})
		want := "environment variable NAME is not set" + tt.want
		if got := v.Lookup("NAME"); got.Fault != want || got.Value != "" || len(v.Files()) != 0 {
			t.Errorf("%q: %+v, files %v, want the fault %q", tt.aside, got, v.Files(), want)
		}
	}
	v := New(Options{LookupEnv: func(string) (string, bool) { return "", false }, Aside: []byte("canary_name_FILE=/f")})
	if got := v.Lookup("canary_name").Fault; strings.Contains(got, "canary") || !strings.Contains(got, ".env") {
		t.Errorf("a name that no variable would have: %q", got)
	}
}

// What a line of .env that has a fault keeps from being known is told by that line.
func TestBroken(t *testing.T) {
	v, _ := variables(map[string]string{"SET": "canary"}, map[string]string{"/.env": "NAME='canary\nSET='canary\nGOOD=canary"})
	for name, want := range map[string]bool{"NAME": true, "SET": false, "GOOD": false, "UNKNOWN": false} {
		v.Lookup(name)
		if got := v.Broken(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Each file is read once, however often and by whichever names it is asked for, and is told of with the content that
// counted; also where there is none.
func TestFilesAreReadOnce(t *testing.T) {
	v, d := variables(map[string]string{"A_FILE": "/f", "B_FILE": "/x/../f", "C_FILE": "/missing"},
		map[string]string{"/f": "canary", "/.env": "D_FILE=/f\nE_FILE=/unused"})
	for range 2 {
		for _, name := range []string{"A", "B", "C", "D"} {
			v.Lookup(name)
		}
		d.files["/f"] = "something else"
	}
	if got := v.Lookup("D").Value; got != "canary" {
		t.Errorf("the value changed during the load: %q", got)
	}
	if diff := cmp.Diff(map[string]int{"/f": 1, "/missing": 1, "/.env": 1}, d.reads); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
	var got []string
	for _, f := range v.Files() {
		got = append(got, f.Path+" "+f.Sum+" "+f.Variable)
	}
	if diff := cmp.Diff([]string{"/.env sum of 24 ", "/f sum of 6 A", "/missing missing C"}, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// A name that is not set may be printed if it looks like one.
func TestG10_NamesThatMayBeSecrets(t *testing.T) {
	v, _ := variables(map[string]string{"lower": "x"}, nil)
	for name, shown := range map[string]string{
		"CLERK_SECRET": "CLERK_SECRET", "lower": "lower", "sk_live_7f3a9c": "", "7F3A9C": "", "q": "",
	} {
		found := v.Lookup(name)
		if found.Shown() != shown {
			t.Errorf("%s is shown as %q", name, found.Shown())
		}
		if strings.Contains(found.Fault, name) != (shown != "" && found.From == NotSet) {
			t.Errorf("%s: %s", name, found.Fault)
		}
	}
	if used := v.Used(); len(used) != 5 || used[0].Name != "7F3A9C" {
		t.Errorf("used are %v", used)
	}
}

// However short the references, what comes of them is bounded.
func TestReferencesHaveATotal(t *testing.T) {
	v, _ := variables(map[string]string{"A": strings.Repeat("a", MaxFile)}, nil)
	lookup := func(name string) (string, string) { found := v.Lookup(name); return found.Value, found.Fault }
	for range maxTotal / MaxFile {
		if out, _, faults := Expand("$env(A)", Resolve, lookup); len(faults) > 0 || len(out) != MaxFile {
			t.Fatalf("%d bytes with %v", len(out), faults)
		}
	}
	if _, _, faults := Expand("$env(A)", Resolve, lookup); len(faults) != 1 || !strings.Contains(faults[0].Text, "more than 8 MiB") {
		t.Errorf("faults: %v", faults)
	}
}
