package config

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/big"

	"durward/policies"
	"durward/runtime/internal/middleware"
	"durward/schema/jsonpointer"
)

// wholeNumbers writes every whole number in digits. Numbers have passed a schema check, so their exponents are small.
func wholeNumbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if r, ok := new(big.Rat).SetString(string(v)); ok && r.IsInt() {
			return json.Number(r.Num().String())
		}
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = wholeNumbers(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = wholeNumbers(member)
		}
		return out
	}
	return value
}

// without answers the value with null in place of everything at the pointers.
func without(value any, pointer string, secret map[string]bool) any {
	if secret[pointer] {
		return nil
	}
	switch v := value.(type) {
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = without(item, at(pointer, i), secret)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = without(member, jsonpointer.Join(pointer, name), secret)
		}
		return out
	}
	return value
}

// hash sets the policy's hashes. secrets are the pointers of the secret options that are there.
func (p *Policy) hash(options any, secrets []string) error {
	var err error
	if p.Hash, err = digest(struct {
		Type  string
		Input policies.Input
		Files []File
	}{p.Type, p.Input, p.Files}); err != nil {
		return err
	}
	secret := make(map[string]bool, len(secrets))
	for _, pointer := range secrets {
		secret[pointer] = true
	}
	p.DecisionHash, err = digest(struct {
		Type, Name string
		Options    any
		Origins    []string
		Files      []File
	}{p.Type, p.Name, without(wholeNumbers(options), "", secret), p.Input.Origins, p.Files})
	return err
}

// hashInHost sets the hash of a policy that runs inside the host, which sees neither routes nor origins.
func (p *Policy) hashInHost(in middleware.Input) (err error) {
	p.Hash, err = digest(struct {
		Type, Name string
		Input      middleware.Input
	}{p.Type, p.Name, in})
	return err
}

// hash sets the route's hash.
func (r *Route) hash() (err error) {
	r.Hash, err = digest(struct {
		ID, Title, Path, Shape string
		Methods                []string
		Upstream               string
		ForwardSearch          bool
		CORS                   string
		CORSEntry              json.RawMessage
		Inbound, Outbound      []string
		Scopes                 policies.RouteScopes
	}{
		r.ID, r.Title, r.Path, r.Pattern.Shape(), r.Methods, r.Upstream.String(), r.ForwardSearch, r.CORS.Name, r.CORS.entry,
		r.Inbound, r.Outbound, r.Scopes,
	})
	return err
}

func digest(value any) ([32]byte, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return [32]byte{}, fmt.Errorf("hash configuration: %w", err)
	}
	return sha256.Sum256(raw), nil
}
