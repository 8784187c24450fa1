package architecture

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rule is one line of the plan.
type rule struct {
	name string
	// breaks answers what breaks the rule.
	breaks func(product) []string
	// example breaks it, and nothing else of it than says is to be complained of.
	example product
	says    []string
}

func rules() []rule {
	return []rule{
		{
			"every package is in a room of the plan", hasRoom,
			example("./runtime/x:", "./util:", "./cmd/durward:"),
			[]string{"./util is in no room"},
		},
		{
			"cmd imports the host, the plugins, the configuration and the policies' contract", staysInRoom("./cmd/..."),
			example("./cmd/durward: fmt ./runtime ./plugins/clerk ./config ./policies ./policies/sdk",
				"./cmd/x: ./runtime/internal/store ./policies/oauth ./schema"),
			[]string{"./cmd/x imports ./runtime/internal/store", "./cmd/x imports ./policies/oauth", "./cmd/x imports ./schema"},
		},
		{
			"plugins import policies", staysInRoom("./plugins/..."),
			example("./plugins/x: ./policies ./policies/oauth ./runtime"),
			[]string{"./plugins/x imports ./runtime"},
		},
		{
			"runtime imports the policies' contract and schema", staysInRoom("./runtime/..."),
			example("./runtime: ./runtime/internal/x ./policies ./policies/policypb ./schema ./config",
				"./runtime/internal/x: ./policies/sdk ./policies/oidclogin ./plugins/clerk ./cmd/durward"),
			[]string{"./runtime imports ./config", "./runtime/internal/x imports ./policies/sdk",
				"./runtime/internal/x imports ./policies/oidclogin", "./runtime/internal/x imports ./plugins/clerk",
				"./runtime/internal/x imports ./cmd/durward"},
		},
		{
			"runtime never reaches an authorization server, a login or a plugin",
			never([]string{"./runtime/..."}, []string{"./policies/oauth/...", "./policies/oidclogin/...", "./plugins/..."}),
			example("./runtime: ./policies/oauth ./policies", "./cmd/durward: ./plugins/clerk"),
			[]string{"./runtime reaches ./policies/oauth"},
		},
		{
			"policies import nothing of ours above them", staysInRoom("./policies/..."),
			example("./policies/sdk: ./policies ./schema", "./policies/oauth: ./runtime/internal/store"),
			[]string{"./policies/sdk imports ./schema", "./policies/oauth imports ./runtime/internal/store"},
		},
		{
			"the policies' contract reaches nothing of ours", never([]string{"./policies"}, []string{"./..."}),
			example("./policies: context ./policies/policypb"),
			[]string{"./policies reaches ./policies/policypb"},
		},
		{
			"schema imports nothing of ours", staysInRoom("./schema/..."),
			example("./schema: embed ./policies"),
			[]string{"./schema imports ./policies"},
		},
		{
			"config imports nothing of ours", staysInRoom("./config/..."),
			example("./config: embed ./schema"),
			[]string{"./config imports ./schema"},
		},
		{
			"only schema imports a JSON Schema library",
			only([]string{"./schema/..."}, "github.com/santhosh-tekuri/jsonschema/...", "github.com/google/jsonschema-go/..."),
			example("./schema: github.com/santhosh-tekuri/jsonschema/v5", "./runtime: github.com/santhosh-tekuri/jsonschema/v5"),
			[]string{"./runtime imports github.com/santhosh-tekuri/jsonschema/v5"},
		},
		{
			"only cmd imports cobra", only([]string{"./cmd/..."}, "github.com/spf13/..."),
			example("./cmd/durward: github.com/spf13/cobra", "./runtime: github.com/spf13/cobra"),
			[]string{"./runtime imports github.com/spf13/cobra"},
		},
		{
			"only the host of plugins and the author's side import go-plugin",
			only([]string{"./runtime/internal/pluginhost/...", "./policies/sdk/..."}, "github.com/hashicorp/go-plugin/..."),
			example("./policies/sdk: github.com/hashicorp/go-plugin", "./runtime: github.com/hashicorp/go-plugin/runner"),
			[]string{"./runtime imports github.com/hashicorp/go-plugin/runner"},
		},
		{
			"only the store imports a database",
			only([]string{"./runtime/internal/store/..."}, "database/sql/...", "modernc.org/...", "github.com/pressly/goose/..."),
			example("./runtime/internal/store: database/sql modernc.org/sqlite", "./policies/oauth: database/sql"),
			[]string{"./policies/oauth imports database/sql"},
		},
		{
			"only policytest imports what tests are made of",
			only([]string{"./policies/policytest/..."}, "testing/...", "net/http/httptest", "github.com/google/go-cmp/...",
				"github.com/rogpeppe/go-internal/...", "./policies/policytest/..."),
			example("./policies/policytest: testing", "./runtime: testing/fstest net/http/httptest ./policies/policytest"),
			[]string{"./runtime imports testing/fstest", "./runtime imports net/http/httptest",
				"./runtime imports ./policies/policytest"},
		},
		{
			"the host does not know how people sign in", neverSays("runtime", "OAuth"),
			product{files: []file{
				{"runtime/a_test.go", "package runtime\n// the oAUTH path\n"}, {"runtime2/b.go", "// OAuth"}, {"policies/oauth/c.go", "// OAuth"},
			}},
			[]string{"runtime/a_test.go:2 says OAuth"},
		},
		{
			"no package keeps state", keepsNoState,
			product{files: []file{
				{"a.go", "package a\nvar errA, ErrB = errors.New(\"a\"), fmt.Errorf(\"b\")\nvar _ I = T{}\n//go:embed x\nvar x string\n" +
					"var (\n//go:embed y\ny string\n)\nfunc f() { var z int }\n"},
				{"b.go", "package b\nvar cache = map[string]int{}\nvar errCount int\nvar errC = wrap(errA)\nvar (\na, b int\n)\n"},
				{"b_test.go", "package b\nvar update = flag.Bool()\n"},
				{"c.pb.go", "// Code generated by protoc-gen-go. DO NOT EDIT.\npackage c\nvar File_c int\n"},
			}},
			[]string{"b.go:2 has a package-level variable cache", "b.go:3 has a package-level variable errCount",
				"b.go:4 has a package-level variable errC", "b.go:5 has a package-level variable a",
				"b.go:5 has a package-level variable b"},
		},
		{
			"no package runs anything by itself", runsNothingByItself,
			product{files: []file{
				{"a.go", "package a\nfunc (T) init() {}\nfunc initialise() {}\n\nfunc init() {}\n"}, {"a_test.go", "package a\nfunc init() {}\n"},
			}},
			[]string{"a.go:5 has a func init"},
		},
	}
}

func TestArchitecture(t *testing.T) {
	whole := load(t)
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			if diff := cmp.Diff(r.says, r.breaks(r.example)); diff != "" {
				t.Fatalf("the rule does not see what breaks it (-want +got):\n%s", diff)
			}
			faults := r.breaks(whole)
			slices.Sort(faults) // each system's packages complain
			for _, fault := range slices.Compact(faults) {
				t.Error(fault)
			}
		})
	}
}
