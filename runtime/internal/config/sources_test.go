package config

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// oneRoute is a file with one route.
func oneRoute(path, id string) *fstest.MapFile {
	return &fstest.MapFile{Data: fmt.Appendf(nil, `{"openapi": "3.1.0", "paths": {
  %q: {"post": {
    "operationId": %q,
    "x-zuplo-route": {
      "handler": {"export": "McpProxyHandler", "module": "$import(@zuplo/runtime)", "options": {"rewritePattern": "http://127.0.0.1:9/"}},
      "policies": {"inbound": ["login"]}}}}}}`, path, id)}
}

// Every file with routes is read, by name byte by byte, whatever the order of the folder; other names are nobody's.
func TestRoutesOfSeveralFiles(t *testing.T) {
	folder := validFolder(t)
	delete(folder, RoutesFile)
	folder["b.oas.json"] = oneRoute("/b", "in-b")
	folder["B.oas.json"] = oneRoute("/upper", "in-upper")
	folder["a.oas.json"] = oneRoute("/a", "in-a")
	for _, name := range []string{".#a.oas.json", "._b.oas.json", "a.oas.json.bak", "c.json", "below/d.oas.json"} {
		folder[name] = &fstest.MapFile{Data: []byte("nothing to read")}
	}
	var got []string
	result := load(t, folder, baseEnv())
	if result.Config == nil {
		t.Fatal(result.Problems)
	}
	for _, r := range result.Config.Routes {
		got = append(got, r.ID)
	}
	if diff := cmp.Diff([]string{"in-upper", "in-a", "in-b"}, got); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	got = nil
	for _, r := range result.Config.Policies[0].Input.Routes {
		got = append(got, r.ID)
	}
	if diff := cmp.Diff([]string{"in-upper", "in-a", "in-b"}, got); diff != "" {
		t.Errorf("routes as their policy sees them (-want +got):\n%s", diff)
	}
}

// What two files say of one thing names both.
func TestRoutesTwiceInTwoFiles(t *testing.T) {
	folder := validFolder(t)
	delete(folder, RoutesFile)
	folder["a.oas.json"] = oneRoute("/one", "one")
	folder["b.oas.json"] = oneRoute("/one/", "one")
	folder["c.oas.json"] = oneRoute("/one", "three")
	folder["d.oas.json"] = oneRoute("/four", "four")
	folder["d.oas.json"].Data = []byte(strings.Replace(string(folder["d.oas.json"].Data), "3.1.0", "3.0.0", 1))
	want := []string{
		`config/b.oas.json:2:3: /paths/~1one~1: differs from path "/one" in a.oas.json on line 2 in its last slash only: keep one of them`,
		`config/b.oas.json:3:20: /paths/~1one~1/post/operationId: another operation has this operationId, in a.oas.json on line 3`,
		`config/c.oas.json:2:3: /paths/~1one: matches the same requests as path "/one" in a.oas.json on line 2`,
		`config/d.oas.json:1:13: /openapi: must be a version 3.1, such as "3.1.0"`,
	}
	var got []string
	for _, p := range load(t, folder, baseEnv()).Problems {
		got = append(got, p.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// A variable of any of the files is blotted out everywhere.
func TestVariablesOfEveryRoutesFileAreRedacted(t *testing.T) {
	folder := validFolder(t)
	folder["z.oas.json"] = oneRoute("/z", "z")
	folder["z.oas.json"].Data = []byte(strings.Replace(string(folder["z.oas.json"].Data), "http://127.0.0.1:9/", "http://$env(CLIENT_ID).example/", 1))
	config := mustLoad(t, folder, baseEnv())
	if shown := config.all.replacer().Replace("at canary-client-id"); shown != "at $env(CLIENT_ID)" {
		t.Errorf("shown: %s", shown)
	}
}

// Without any, one is missed; and in a folder that cannot be listed, reading tells why.
func TestNoRoutesFile(t *testing.T) {
	folder := validFolder(t)
	delete(folder, RoutesFile)
	for name, files := range map[string]fs.FS{"none": folder, "no list": onlyOpen{folder}} {
		result := newLoader(t, folder, baseEnv()).Of(files, "config").Load()
		if len(result.Problems) != 1 || result.Problems[0].String() != "config/routes.oas.json:1:1: /: there is no such file, nor any other whose name ends in .oas.json or .oas.jsonc" {
			t.Errorf("%s: %v", name, result.Problems)
		}
	}
}

// onlyOpen is a folder that cannot be listed.
type onlyOpen struct{ folder fs.FS }

func (o onlyOpen) Open(name string) (fs.File, error) {
	if name == "." {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return o.folder.Open(name)
}

// A file under a name that is nearly right is told of, and so is a link that leads nowhere: a gateway.json that may be
// missing must not be passed over where somebody has put one.
func TestFilesThatAreNearlyThere(t *testing.T) {
	folder := validFolder(t)
	folder["policy.json"] = folder[PoliciesFile]
	delete(folder, PoliciesFile)
	folder[GatewayFile] = &fstest.MapFile{Data: []byte("../shared/gateway.json"), Mode: fs.ModeSymlink}
	var got []string
	for _, p := range load(t, folder, baseEnv()).Problems {
		got = append(got, p.String())
	}
	want := []string{
		`config/policies.json:1:1: /: there is no such file: is it "policy.json"?`,
		"config/gateway.json:1:1: /: cannot be read: it is a link, and what it leads to is not there",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
