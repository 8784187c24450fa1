package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func guide(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The guide's examples load, and its wrong one is refused as it says. An example is a block of code after a comment
// "<!-- FOLDER/FILE -->" or "<!-- FOLDER: output -->"; a file it does not show is that of testdata/config.
func TestGuideExamples(t *testing.T) {
	examples, outputs := map[string]map[string]string{}, map[string]string{}
	blocks := regexp.MustCompile("(?ms)^<!-- (\\w+)(?:/(\\S+)|(: output)) -->\n```\\w+\n(.*?)^```$").FindAllStringSubmatch(guide(t), -1)
	for _, block := range blocks {
		folder, file, isOutput, content := block[1], block[2], block[3] != "", block[4]
		if isOutput {
			outputs[folder] = content
			continue
		}
		if examples[folder] == nil {
			examples[folder] = validFiles(t)
			delete(examples[folder], "gateway.json")
		}
		examples[folder][file] = content
	}
	if len(examples) < 3 || len(outputs) < 1 {
		t.Fatalf("the guide has %d examples and %d outputs: are its comments right?", len(examples), len(outputs))
	}
	for folder, files := range examples {
		t.Run(folder, func(t *testing.T) {
			want, refused := outputs[folder]
			if !refused {
				want = fmt.Sprintf("config: no problems: %s, 1 route\n",
					plural(strings.Count(files["policies.json"], `"policyType"`), "policy", "policies"))
			}
			env := tableEnv()
			env["TICKETS_API_KEY"] = "canary-tickets"
			status, out := validate(t, files, env)
			if diff := cmp.Diff(want, out); diff != "" || (status != 0) != refused {
				t.Errorf("exit status %d, output (-want +got):\n%s", status, diff)
			}
		})
	}
}
