package config

import (
	"encoding/json"
	"io/fs"
	"net/netip"
	"net/url"
	"time"

	"durward/policies"
	"durward/runtime/internal/middleware"
	"durward/runtime/internal/reference"
	"durward/runtime/internal/route"
)

// The files of a configuration, as they are called in its folder.
const (
	PoliciesFile = "policies.json"
	RoutesFile   = "routes.oas.json" // or any others that end in .oas.json
	GatewayFile  = "gateway.json"    // may be missing
)

// routesEnding is how the name of every file with routes ends.
const routesEnding = ".oas.json"

// Options say what a configuration is read from and may refer to.
type Options struct {
	// FS is the folder. Required.
	FS fs.FS
	// Imports is the folder that files are imported from: the same one, held so that no name and no link leads out of it.
	// Nil: FS, which must then be such a folder itself.
	Imports fs.FS
	// Name is how the folder is printed in problems, for example "config".
	Name string
	// Types are the policy types there are.
	Types []PolicyType
	// LookupEnv resolves $env: os.LookupEnv outside of tests. Nil: no variable is set.
	LookupEnv func(string) (string, bool)
	// ReadFile reads a file of at most limit bytes by its absolute path: one that a variable NAME_FILE names, and .env. Its
	// Sum is what Content would say of the same bytes. Nil: none can be read.
	ReadFile func(path string, limit int) reference.Content
	// DotEnv is the absolute path of the .env file, which need not be there: see build.openVariables. "": there is none.
	DotEnv string
	// Listen is where the gateway listens whatever gateway.json says; "" if that is so for gateway.json, or else for the
	// default, which is a loopback address.
	Listen string
	// Admin is where operators are served whatever gateway.json says, as Listen.
	Admin string
	// Folder is the absolute path of the folder, to which the names of a certificate's files may be relative. "": they must be
	// absolute.
	Folder string
	// Now is the clock by which certificates are valid. Nil: time.Now.
	Now func() time.Time
	// Content answers a text that tells what the file at an absolute path holds, the same for the same bytes; of a file
	// that cannot be read, too. Nil: files that policies read are named and not looked at.
	Content func(path string) string
}

// PolicyType is one type of the catalogue.
type PolicyType struct {
	// Modules are the modules it is exported from, as they stand within $import(...): "@zuplo/runtime".
	Modules []string
	// Export is handler.export, Type is policyType.
	Export, Type string
	// Outbound: it is for answers, and listed under policies.outbound. Then there is Compile.
	Outbound bool
	// Schema is the JSON Schema of its options: see schema.CompileOptions.
	Schema []byte
	// Validate is policies.Type's pure Validate, called with options that have passed the schema. Nil: nothing to say.
	Validate func(policies.Input) policies.Report
	// Compile makes the policy of a type that runs inside the host, and is called in place of Validate. Nil: the type
	// runs in a process.
	Compile func(middleware.Input) (*middleware.Policy, []policies.Problem)
}

// Result is what a Load came to.
type Result struct {
	// Config is nil if and only if there are Problems.
	Config *Config
	// Problems are in the order of the files (policies, the files with routes by name, gateway), then of lines and
	// columns.
	Problems []Problem
	// Files are the names, within the folder, of every file that was read or looked for.
	Files []string
	// Listed are the names of the files with routes that the folder had: all that end in one of RoutesEndings and do not
	// begin with a dot.
	Listed []string
	// Sums are the SHA-256 in hex of what the load read of Files, "" of what was not there. One that could not be read, or
	// is too large, has none.
	Sums map[string]string
	// Outside are the files outside of the folder that the load went by, or looked for: those that hold values, and those
	// that policies read, as far as they are known: of a policy that could be asked.
	Outside []File
	// References are the variables that are named, by name.
	References []Reference
}

// File is a file outside of the configuration.
type File struct {
	// Path is absolute and clean. It may come from a variable: it is not to be printed.
	Path string
	// Content is what Options.Content or ReadFile said of it, once in a Load.
	Content string
}

// Reference is a variable that the configuration names.
type Reference struct {
	// Name may be printed: one that may be a secret in the wrong place stands here as hiddenName.
	Name string
	From reference.From
	// Places are where it is named, in the order of the files.
	Places []Place
}

// Place is where something stands, as in Problem.
type Place struct {
	File         string
	Line, Column int
	Pointer      string
}

// Config is a valid configuration. Nobody changes it.
type Config struct {
	Gateway Gateway
	// Policies are in the order of their definition, those that no route uses included.
	Policies []Policy
	// Routes are in the order of their files' names, and in each of their definition: it is the order in which they are
	// tried.
	Routes []Route
	// Notes are worth a person's attention and stop nothing.
	Notes []Problem
	// Unsafe are what should not be so in production, each with its remedy. They stop nothing either: see checkSafety.
	Unsafe []Problem
	// Files are as in Result.
	Files []string

	// secrets and all are what must not be printed: secret options and the token for operators, and with them what came
	// from variables.
	secrets, all blots
}

// Gateway is gateway.json. What the file does not say is empty: the defaults are the caller's, whose flags and variables
// beat the file.
type Gateway struct {
	Listen, Admin, Data string
	// PublicURLs are origins in normal form, "https://mcp.example.com".
	PublicURLs []string
	// TrustedProxies are masked prefixes; a single address has all its bits.
	TrustedProxies []netip.Prefix
	// PublicRoutes are the operationIds of the routes that are to be open to everybody.
	PublicRoutes []string
	// PolicyMemory is how much memory a policy's process may have, in bytes.
	PolicyMemory int64
	// AdminToken is a secret. It is set if Admin is not a loopback address.
	AdminToken string
	Limits     Limits
	Timeouts   Timeouts
	Log        Log
	// StoreKey is a secret: 32 bytes, or nil.
	StoreKey []byte
	// TLS is nil if the gateway is to speak http.
	TLS *TLS
}

// Policy is one entry of policies.json.
type Policy struct {
	// At is where it is defined.
	At         Place
	Name, Type string
	// PolicyType is the catalogue's entry.
	PolicyType *PolicyType
	// Options are handler.options with $env resolved, as canonical JSON: names sorted, no space, integers in digits.
	// They hold secrets.
	Options json.RawMessage
	// Hash changes with anything that the policy is configured with: name, type, resolved options, what the files hold
	// that it reads, the routes that use it as it sees them, the public origins. While it stays, the policy's process
	// stays (G5). That of a policy inside the host changes with its name, type and options, and with what of them comes
	// from variables.
	Hash [32]byte
	// DecisionHash changes with anything but the route of a request that a decision may depend on: Hash without secret
	// options and without the routes, which have hashes of their own. Files are in it: one may be a list of who may pass.
	DecisionHash [32]byte
	// Middleware is the policy itself, if its type runs inside the host. Then there is no Report.
	Middleware *middleware.Policy
	// Report is what Validate answered, with resolved variables and secret options blotted out of its texts. It has no
	// problems.
	Report policies.Report
	// Files are the files that the policy reads, in the order of their paths.
	Files []File
	// Input is what Validate was called with, and what Configure is to be called with.
	Input policies.Input
	// Redact takes the values of secret options out of a text that whoever knows them has written.
	Redact func(text string) string

	// secrets are the pointers, within Options, of the secret ones that are there.
	secrets []string
	// written are the texts within Options that name variables, by their pointers, as the file has them.
	written map[string]string
}

// Route is one operation of a file with routes.
type Route struct {
	// At is where it is defined.
	At Place
	// ID is the operationId, Title the summary or "".
	ID, Title string
	// Path is as the file has it, save that a literal one is as requests have it, whatever its mode. Pattern is what it means.
	// It is literal if any policy of the route authenticates.
	Path    string
	Pattern *route.Pattern
	// Methods are those that come to this route: POST, GET and DELETE unless the path has operations of their own.
	Methods []string
	// Upstream is an http or https URL without user, query and fragment. Nobody changes it.
	Upstream *url.URL
	// UpstreamWritten is the same as the file has it, with the variables that it names.
	UpstreamWritten string
	// ForwardSearch says that the request's query goes to the upstream.
	ForwardSearch bool
	// CORS says which pages may call the route.
	CORS CORS
	// Inbound and Outbound are the names of the route's policies for requests and for answers, in their order.
	Inbound, Outbound []string
	// Scopes are what callers must have been allowed. Each is known to every policy of Inbound that looks at scopes, and if
	// there are any, one does.
	Scopes policies.RouteScopes
	// Public says that the route is open to everybody, as gateway.json has it.
	Public bool
	// Hash changes with anything above, save UpstreamWritten.
	Hash [32]byte
}
