package reference

import (
	"bytes"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxFile is how much a file may hold that is read here, in bytes.
const MaxFile = 64 << 10

// maxTotal bounds the bytes of all values that a load puts into its texts: each reference is short, and what it stands for
// may be long.
const maxTotal = 8 << 20

// FileSuffix makes of a variable's name the name of the one that says in which file the value is.
const FileSuffix = "_FILE"

// From is where a value comes from.
type From string

// The sources of values.
const (
	FromEnvironment From = "environment"
	FromFile        From = "file"
	FromDotEnv      From = ".env"
	NotSet          From = "not set"
)

// Options say where values come from.
type Options struct {
	// LookupEnv asks the process's environment. Required.
	LookupEnv func(name string) (string, bool)
	// ReadFile reads the file at an absolute path, of at most MaxFile bytes. nil: none can be read.
	ReadFile func(path string) Content
	// DotEnv is the absolute path of the .env file, which need not be there. "" for none that counts.
	DotEnv string
	// Aside is what a .env file holds that does not count. Of a name that is not set it is told that the file has it.
	Aside []byte
}

// Content is what a file held when it was read.
type Content struct {
	// Data is what it held; nil with a Fault.
	Data []byte
	// Sum differs from that of any other content, also where there is no Data.
	Sum string
	// Shared says that others than its owner may read or change the file.
	Shared bool
	// Missing says that there is no such file. Fault says why it cannot be read otherwise, as in "is a folder", without
	// its name.
	Missing bool
	Fault   string
}

// File is a file that was read, or looked for.
type File struct {
	// Path is absolute and clean. It may be a secret that somebody has put in the wrong place: it is not to be printed.
	Path string
	Content
	// Variable is what the file holds; "" for .env.
	Variable string
}

// Variable is what came of looking up a name.
type Variable struct {
	Name, Value string
	From        From
	// Fault says why there is no Value. It holds no value.
	Fault string
}

// Shown is the name as it may be printed. One that is not set and that no variable would have may be a secret in the wrong
// place: it is "".
func (v Variable) Shown() string {
	if v.From == NotSet && !isConventional(v.Name) {
		return ""
	}
	return v.Name
}

// Variables are what names stand for during one load. They are for one goroutine.
type Variables struct {
	options Options
	known   map[string]Variable
	files   map[string]File
	dotEnv  dotEnv
	aside   dotEnv
	faults  []LineFault
	total   int
}

// New reads .env, and nothing else before it is asked for.
func New(o Options) *Variables {
	v := &Variables{options: o, known: make(map[string]Variable), files: make(map[string]File)}
	v.aside, _ = parseDotEnv(o.Aside)
	if o.DotEnv == "" {
		return v
	}
	switch c := v.read(o.DotEnv, ""); {
	case c.Missing:
	case c.Fault != "":
		v.faults = []LineFault{{1, c.Fault}}
	default:
		v.dotEnv, v.faults = parseDotEnv(c.Data)
	}
	return v
}

// DotEnvFaults are what is wrong with .env, in the order of its lines.
func (v *Variables) DotEnvFaults() []LineFault { return v.faults }

// Files are the files that were read or looked for, in the order of their paths.
func (v *Variables) Files() []File {
	return slices.SortedFunc(maps.Values(v.files), func(a, b File) int { return strings.Compare(a.Path, b.Path) })
}

// Used are the variables that were looked up, in the order of their names.
func (v *Variables) Used() []Variable {
	return slices.SortedFunc(maps.Values(v.known), func(a, b Variable) int { return strings.Compare(a.Name, b.Name) })
}

// Lookup answers what a name stands for: the process's variable, else what the file holds that NAME_FILE names, else the
// same two of .env. Each answer counts: a load puts a bounded number of bytes into its texts.
func (v *Variables) Lookup(name string) Variable {
	found, ok := v.known[name]
	if !ok {
		found = v.find(name)
		v.known[name] = found
	}
	if v.total += len(found.Value); v.total > maxTotal {
		found.Value, found.Fault = "", "what the references of this configuration stand for is more than 8 MiB"
	}
	return found
}

func (v *Variables) find(name string) Variable {
	if found, ok := v.ofFile(name); ok {
		return found
	}
	if found, ok := v.among(name, "", FromEnvironment, v.options.LookupEnv); ok {
		return found
	}
	if e, ok := v.broken(name); ok {
		return Variable{Name: name, From: FromDotEnv,
			Fault: e.name + " stands on line " + strconv.Itoa(e.line) + " of .env, which has a problem"}
	}
	if found, ok := v.among(name, " in .env", FromDotEnv, v.inDotEnv); ok {
		return found
	}
	unset := Variable{Name: name, From: NotSet, Fault: "this environment variable is not set"}
	if shown := unset.Shown(); shown != "" {
		unset.Fault = "environment variable " + shown + " is not set"
	}
	if has := v.asideHas(unset); has != "" {
		unset.Fault += "; .env has " + has + ", but counts only while listen and every publicUrl are loopback addresses"
	}
	return unset
}

// asideHas is what a .env that does not count has of a variable that is not set, or "".
func (v *Variables) asideHas(unset Variable) string {
	if _, ok := v.aside.find(unset.Name); ok {
		return "it"
	}
	switch _, ok := v.aside.find(unset.Name + FileSuffix); {
	case !ok:
		return ""
	case unset.Shown() == "":
		return "the name of its file"
	}
	return unset.Name + FileSuffix
}

// ofFile answers what to say of a name that ends in _FILE: its value would be the path, taken for the secret. Who has a
// variable that merely ends so, and means no file, is asked to rename it, since nobody could tell the two apart.
func (v *Variables) ofFile(name string) (Variable, bool) {
	held, ok := strings.CutSuffix(name, FileSuffix)
	if !ok || held == "" {
		return Variable{}, false
	}
	found := Variable{Name: name, From: NotSet}
	if _, set := v.options.LookupEnv(name); set {
		found.From = FromEnvironment
	} else if _, set := v.dotEnv.find(name); set {
		found.From = FromDotEnv
	}
	if found.Shown() == "" {
		found.Fault = "this name ends in _FILE, and such a variable names a file: write the name without _FILE"
	} else {
		found.Fault = "write $env(" + held + "): " + name + " names the file that holds it; " +
			"a variable that holds anything else needs another name"
	}
	return found, true
}

// broken answers the line of .env that would say what a name stands for, and has a fault.
func (v *Variables) broken(name string) (entry, bool) {
	for _, either := range []string{name, name + FileSuffix} {
		if e, ok := v.dotEnv.find(either); ok && e.broken {
			return e, true
		}
	}
	return entry{}, false
}

// Broken says whether a name that was looked up has no value since its line of .env has a fault, which is one of
// DotEnvFaults.
func (v *Variables) Broken(name string) bool {
	_, broken := v.broken(name)
	return broken && v.known[name].From == FromDotEnv
}

func (v *Variables) inDotEnv(name string) (string, bool) {
	e, ok := v.dotEnv.find(name)
	return e.value, ok
}

// among looks a name up in one of the sources. where is what faults say of it.
func (v *Variables) among(name, where string, from From, lookup func(string) (string, bool)) (Variable, bool) {
	found := Variable{Name: name, From: from}
	value, set := lookup(name)
	path, named := lookup(name + FileSuffix)
	named = named && path != ""
	switch {
	case set && named:
		found.Fault = name + " and " + name + FileSuffix + " are both set" + where + ": keep one of them"
	case set && !utf8.ValidString(value):
		found.Fault = "environment variable " + name + " is not valid UTF-8"
	case set:
		found.Value = value
	case named:
		found.From = FromFile
		found.Value, found.Fault = v.fromFile(name, path, where)
	default:
		return Variable{}, false
	}
	return found, true
}

// fromFile answers what a file holds, without one line end behind it.
func (v *Variables) fromFile(name, path, where string) (value, fault string) {
	if !filepath.IsAbs(path) || strings.IndexByte(path, 0) >= 0 {
		return "", name + FileSuffix + where + " must hold the absolute path of a file, and does not"
	}
	file := v.read(filepath.Clean(path), name)
	this := "the file that " + name + FileSuffix + where + " names "
	data := bytes.TrimSuffix(file.Data, []byte("\n"))
	if len(data) < len(file.Data) {
		data = bytes.TrimSuffix(data, []byte("\r"))
	}
	switch {
	case file.Missing:
		return "", this + "does not exist"
	case file.Fault != "":
		return "", this + file.Fault
	case len(data) == 0:
		return "", this + "is empty"
	case bytes.HasPrefix(data, []byte("\uFEFF")):
		return "", this + "begins with a byte order mark: save it as UTF-8 without one"
	case !utf8.Valid(data):
		return "", this + "is not valid UTF-8"
	case bytes.IndexByte(data, 0) >= 0:
		return "", this + "holds a NUL byte"
	}
	return string(data), ""
}

// read reads a file, once.
func (v *Variables) read(path, variable string) File {
	if f, known := v.files[path]; known {
		return f
	}
	f := File{Path: path, Variable: variable, Content: Content{Fault: "cannot be read"}}
	if v.options.ReadFile != nil {
		f.Content = v.options.ReadFile(path)
	}
	if len(f.Data) > MaxFile {
		f.Data, f.Fault = nil, "holds more than 64 KiB"
	}
	v.files[path] = f
	return f
}
