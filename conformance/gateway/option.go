package gateway

import (
	"encoding/json"
	"testing"
)

// SetOption sets an option of the policy that ships. It is called before the launch, or where a reload is to follow.
func (g *Gateway) SetOption(t testing.TB, name string, value any) {
	t.Helper()
	var document struct {
		Schema   string `json:"$schema"`
		Policies []struct {
			Name       string `json:"name"`
			PolicyType string `json:"policyType"`
			Handler    struct {
				Export  string         `json:"export"`
				Module  string         `json:"module"`
				Options map[string]any `json:"options"`
			} `json:"handler"`
		} `json:"policies"`
	}
	if err := json.Unmarshal([]byte(g.Read("policies.json")), &document); err != nil {
		t.Fatal(err)
	}
	document.Policies[0].Handler.Options[name] = value
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	g.Save("policies.json", string(text))
}
