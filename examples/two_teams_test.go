package examples_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"durward/plugins/clerk"
	"durward/policies"
)

// The example's page and the guide name what has to be entered at Clerk, and where things lie, as the policies have it.
func TestTwoTeamsAreWhereTheGuideSays(t *testing.T) {
	var file struct {
		Policies []struct {
			Name    string
			Handler struct{ Options json.RawMessage }
		}
	}
	var settings struct{ PublicURL string }
	var routes struct {
		Paths map[string]struct {
			Post struct {
				OperationID string
				Route       struct {
					Policies struct{ Inbound []string }
				} `json:"x-zuplo-route"`
			}
		}
	}
	for name, into := range map[string]any{"policies.json": &file, "gateway.json": &settings, "routes.oas.json": &routes} {
		if err := json.Unmarshal([]byte(read(t, "two-teams/"+name)), into); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	guide, page := read(t, "../docs/clerk.md"), read(t, "two-teams/README.md")
	redirects := map[string]bool{}
	for _, p := range file.Policies {
		input := policies.Input{Name: p.Name, Options: p.Handler.Options, Origins: []string{settings.PublicURL}}
		for path, item := range routes.Paths {
			if item.Post.Route.Policies.Inbound[0] == p.Name {
				input.Routes = append(input.Routes, policies.Route{ID: item.Post.OperationID, Path: path})
			}
		}
		said := 0
		for _, fact := range clerk.Type().Validate(input).Facts {
			name, _, _ := strings.Cut(fact.Name, " of ")
			switch name {
			case "callback URL":
				redirects[fact.Value] = true
				if !strings.Contains(page, "`"+fact.Value+"`") {
					t.Errorf("the example's page does not name the redirect URI %s", fact.Value)
				}
			case "issuer", "metadata URL", "resource":
			default:
				continue
			}
			said++
			if !strings.Contains(guide, "`"+fact.Value+"`") {
				t.Errorf("docs/clerk.md does not name the %s %s", fact.Name, fact.Value)
			}
		}
		if said != 4 {
			t.Errorf("policy %s says %d of redirect URI, issuer, metadata and resource", p.Name, said)
		}
	}
	if len(redirects) != 2 {
		t.Errorf("redirect URIs: %v", redirects)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
