package policypb

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"durward/policies"
)

// EncodeDescription gives the message of a description.
func EncodeDescription(d policies.Description) *Description {
	return &Description{Type: d.Type, Options: d.Options}
}

// DecodeDescription reads a description: a type's name and a schema that is JSON.
func DecodeDescription(m *Description) (policies.Description, error) {
	if m.GetType() == "" {
		return policies.Description{}, errors.New("decode description: type is missing")
	}
	if !json.Valid(m.GetOptions()) {
		return policies.Description{}, errors.New("decode description: options schema is not JSON")
	}
	return policies.Description{Type: m.GetType(), Options: m.GetOptions()}, nil
}

// EncodeInput gives the message of an input.
func EncodeInput(in policies.Input) *Input {
	return &Input{
		Name:    in.Name,
		Options: in.Options,
		Routes: each(in.Routes, func(r policies.Route) *Route {
			return &Route{Id: r.ID, Path: r.Path, Title: text(r.Title), Scopes: encodeScopes(r.Scopes)}
		}),
		Origins: in.Origins,
	}
}

// DecodeInput reads an input: a name, options that are JSON, routes with an id and a path.
func DecodeInput(m *Input) (policies.Input, error) {
	if m.GetName() == "" {
		return policies.Input{}, errors.New("decode input: name is missing")
	}
	if !json.Valid(m.GetOptions()) {
		return policies.Input{}, errors.New("decode input: options are not JSON")
	}
	in := policies.Input{Name: m.GetName(), Options: m.GetOptions(), Origins: m.GetOrigins()}
	for _, r := range m.GetRoutes() {
		if r.GetId() == "" || r.GetPath() == "" {
			return policies.Input{}, errors.New("decode input: a route has no id or no path")
		}
		in.Routes = append(in.Routes, policies.Route{
			ID: r.GetId(), Path: r.GetPath(), Title: r.GetTitle(), Scopes: decodeScopes(r.GetScopes()),
		})
	}
	return in, nil
}

func encodeScopes(s policies.RouteScopes) *RouteScopes {
	if s.IsZero() {
		return nil
	}
	return &RouteScopes{Route: s.Route, Methods: encodeScopeLists(s.Methods), Tools: encodeScopeLists(s.Tools)}
}

func encodeScopeLists(lists map[string][]string) map[string]*ScopeList {
	if len(lists) == 0 {
		return nil
	}
	out := make(map[string]*ScopeList, len(lists))
	for name, scopes := range lists {
		out[name] = &ScopeList{Scopes: scopes}
	}
	return out
}

// decodeScopes reads what a route asks of its callers. It is from the host, which has checked the names.
func decodeScopes(m *RouteScopes) policies.RouteScopes {
	return policies.RouteScopes{
		Route: m.GetRoute(), Methods: decodeScopeLists(m.GetMethods()), Tools: decodeScopeLists(m.GetTools()),
	}
}

func decodeScopeLists(m map[string]*ScopeList) map[string][]string {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string][]string, len(m))
	for name, list := range m {
		out[name] = list.GetScopes()
	}
	return out
}

// EncodeReport gives the message of a report.
func EncodeReport(r policies.Report) *Report {
	m := &Report{
		Problems: each(r.Problems, encodeProblem),
		Notes:    each(r.Notes, encodeProblem),
		Paths: each(r.Paths, func(p policies.Path) *Path {
			return &Path{Path: p.Path, Admin: p.Admin, Option: text(p.Option)}
		}),
		Authenticates: r.Authenticates,
		Scopes:        r.Scopes,
		Files:         r.Files,
		Facts: each(r.Facts, func(f policies.Fact) *Fact {
			return &Fact{Name: text(f.Name), Value: text(f.Value)}
		}),
	}
	if len(r.Vary) > 0 {
		m.Vary = make(map[string]*Vary, len(r.Vary))
	}
	for route, v := range r.Vary {
		m.Vary[route] = &Vary{
			Headers: v.Headers, Origin: v.Origin, ClientAddress: v.ClientAddress, Methods: v.Methods, Names: v.Names,
		}
	}
	return m
}

func encodeProblem(p policies.Problem) *Problem {
	return &Problem{Pointer: text(p.Pointer), Text: text(p.Text), Route: text(p.Route)}
}

// DecodeReport reads a report. Texts are bounded, pointers are "" or begin with a slash, paths are absolute and literal,
// as are those of files, names of headers are tokens and become canonical.
func DecodeReport(m *Report) (policies.Report, error) {
	if m == nil {
		return policies.Report{}, fmt.Errorf("decode report: %w", errMissing)
	}
	r := policies.Report{Authenticates: m.GetAuthenticates(), Scopes: m.GetScopes()}
	var err error
	if r.Problems, err = decodeProblems(m.GetProblems()); err != nil {
		return policies.Report{}, fmt.Errorf("decode report: %w", err)
	}
	if r.Notes, err = decodeProblems(m.GetNotes()); err != nil {
		return policies.Report{}, fmt.Errorf("decode report: %w", err)
	}
	if err := checkTexts(r.Scopes...); err != nil {
		return policies.Report{}, fmt.Errorf("decode report: scope: %w", err)
	}
	for _, p := range m.GetPaths() {
		if !isLiteralPath(p.GetPath()) {
			return policies.Report{}, errors.New("decode report: a path is not absolute and literal")
		}
		if err := checkTexts(p.GetOption()); err != nil || !isPointer(p.GetOption()) {
			return policies.Report{}, errors.New("decode report: the option of a path is not a JSON pointer")
		}
		r.Paths = append(r.Paths, policies.Path{Path: p.GetPath(), Admin: p.GetAdmin(), Option: p.GetOption()})
	}
	for _, name := range m.GetFiles() {
		if err := checkTexts(name); err != nil {
			return policies.Report{}, fmt.Errorf("decode report: file: %w", err)
		}
		if !strings.HasPrefix(name, "/") {
			return policies.Report{}, errors.New("decode report: the path of a file is not absolute")
		}
		r.Files = append(r.Files, name)
	}
	for _, f := range m.GetFacts() {
		if err := checkTexts(f.GetName(), f.GetValue()); err != nil {
			return policies.Report{}, fmt.Errorf("decode report: fact: %w", err)
		}
		r.Facts = append(r.Facts, policies.Fact{Name: f.GetName(), Value: f.GetValue()})
	}
	if r.Vary, err = decodeVary(m.GetVary()); err != nil {
		return policies.Report{}, fmt.Errorf("decode report: %w", err)
	}
	return r, nil
}

func decodeProblems(list []*Problem) ([]policies.Problem, error) {
	var out []policies.Problem
	for _, p := range list {
		if err := checkTexts(p.GetPointer(), p.GetText(), p.GetRoute()); err != nil {
			return nil, fmt.Errorf("problem: %w", err)
		}
		if !isPointer(p.GetPointer()) {
			return nil, errors.New("a problem's pointer is not a JSON pointer")
		}
		out = append(out, policies.Problem{Pointer: p.GetPointer(), Text: p.GetText(), Route: p.GetRoute()})
	}
	return out, nil
}

// isPointer tells a JSON pointer by how it begins. Whether it leads anywhere is for who follows it.
func isPointer(text string) bool { return text == "" || strings.HasPrefix(text, "/") }

func decodeVary(m map[string]*Vary) (map[string]policies.Vary, error) {
	if len(m) == 0 {
		return nil, nil
	}
	out := make(map[string]policies.Vary, len(m))
	for route, v := range m {
		headers := each(v.GetHeaders(), http.CanonicalHeaderKey)
		for _, name := range headers {
			if !isToken(name) {
				return nil, errors.New("vary names an invalid header")
			}
		}
		out[route] = policies.Vary{
			Headers:       headers,
			Origin:        v.GetOrigin(),
			ClientAddress: v.GetClientAddress(),
			Methods:       v.GetMethods(),
			Names:         v.GetNames(),
		}
	}
	return out, nil
}

func isLiteralPath(path string) bool {
	return strings.HasPrefix(path, "/") && len(path) <= MaxText &&
		!strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '?' || r == '#' })
}
