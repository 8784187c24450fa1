package runtime

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"durward/policies"
	"durward/runtime/internal/config"
	"durward/runtime/internal/watch"
)

// Who answers a request.
const (
	// ByRoute: a route takes it. What comes of it its policies and its MCP server say.
	ByRoute = "route"
	// ByPolicy: a policy serves the path itself.
	ByPolicy = "policy"
	// ByGateway: the gateway answers by itself, always in the same way.
	ByGateway = "gateway"
)

// Explanation is what a gateway with a configuration does with a request, as far as the configuration alone says it.
type Explanation struct {
	Method string `json:"method"`
	URL    string `json:"url"`
	// Problems are why nothing is served at all. Then nothing else is told.
	Problems []Problem `json:"problems,omitempty"`
	// Answered says that the configuration has something for the request: a route, a policy's path, or an answer to OPTIONS.
	Answered bool `json:"answered"`
	// By is who answers: ByRoute, ByPolicy or ByGateway.
	By string `json:"by,omitempty"`
	// Status is the HTTP status that the gateway gives by itself; 0 if it is not the gateway's to say.
	Status int `json:"status,omitempty"`
	// Reason says why, for a person.
	Reason string `json:"reason,omitempty"`
	// Hints are what was perhaps meant, and what else is worth to know.
	Hints []string `json:"hints,omitempty"`
	// Origin is the origin under which the gateway takes itself to be called.
	Origin string `json:"origin,omitempty"`
	// Route is the route that takes the request, and Policy who serves the path itself.
	Route  *ExplainedRoute  `json:"route,omitempty"`
	Policy *ExplainedPolicy `json:"policy,omitempty"`
	// Page is what a page may do, if the question is one's and comes to a route.
	Page *ExplainedPage `json:"page,omitempty"`
}

// ExplainedPage is what a route lets a page do.
type ExplainedPage struct {
	// Policy is the route's corsPolicy.
	Policy string `json:"policy"`
	// Admitted says that it may call; Header is what the answer says to its browser.
	Admitted bool        `json:"admitted"`
	Header   http.Header `json:"header,omitempty"`
}

// ExplainedRoute is a route with all that a request on it goes through.
type ExplainedRoute struct {
	ID      string   `json:"id"`
	Title   string   `json:"title,omitempty"`
	Path    string   `json:"path"`
	Methods []string `json:"methods"`
	At      Place    `json:"at"`
	// Public says that it is meant to be open to everybody.
	Public bool `json:"public"`
	// CORSPolicy says which pages may call.
	CORSPolicy string `json:"corsPolicy"`
	// Inbound are the policies that a request must pass, in their order, and Outbound those that change its answer.
	Inbound  []ExplainedPolicy `json:"inbound"`
	Outbound []ExplainedPolicy `json:"outbound"`
	// Scopes are what callers must have been allowed, by the names that the policies know.
	Scopes policies.RouteScopes `json:"scopes,omitzero"`
	// Upstream is the URL of the MCP server as the file has it, with the names of variables.
	Upstream string `json:"upstream"`
	// ForwardSearch says that the query of a request goes there too.
	ForwardSearch bool `json:"forwardSearch"`
}

// ExplainedPolicy is a policy, as it is for this request.
type ExplainedPolicy struct {
	Name string `json:"name"`
	Type string `json:"type"`
	At   Place  `json:"at"`
	// InHost says that it runs inside the gateway and has no process of its own.
	InHost bool `json:"inHost"`
	// Authenticates says that it establishes who is calling.
	Authenticates bool `json:"authenticates"`
	// Facts are what the policy derives from its options: an issuer, URLs.
	Facts []Fact `json:"facts,omitempty"`
	// Options are the options with what they import, without secrets, and with $env(NAME) in place of what variables hold.
	Options json.RawMessage `json:"options"`
}

// Fact is one thing that a policy derives from its options.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Explain tells what a gateway with the configuration in o would do with a request. It starts nothing, writes nothing, asks
// nobody, and tells no secret (G10). An error is a question that no client could ask, or a fault of the catalogue in o.
func Explain(o Options, q Question) (Explanation, error) {
	o = o.withDefaults()
	loader, err := o.loader(&watch.Reader{})
	if err != nil {
		return Explanation{}, fmt.Errorf("read catalogue: %w", err)
	}
	loaded := loader.Load()
	cfg := loaded.Config
	if cfg == nil {
		return Explanation{Method: strings.ToUpper(q.Method), URL: q.URL, Problems: publicProblems(loaded.Problems)}, nil
	}
	asked, err := q.request(cfg, o.settings(cfg))
	if err != nil {
		return Explanation{}, err
	}
	e := explainer{cfg: cfg, settings: o.settings(cfg), asked: asked}
	e.directory = newDirectory(cfg, isLoopbackListen(e.settings.listen))
	return e.explain()
}

// explainer explains one request.
type explainer struct {
	*directory
	cfg      *config.Config
	settings settings
	asked    asked
}

func (e *explainer) explain() (Explanation, error) {
	f := e.find(e.asked.Request)
	x := Explanation{Method: e.asked.Method, URL: e.asked.url.String(), Origin: f.caller.Origin, By: ByGateway}
	x.Hints = e.aboutOrigin(f)
	var err error
	switch {
	case f.refusal != nil:
		x.Status, x.Reason = f.refusal.Status, f.refusal.Text
	case f.policy != "":
		x.By, x.Answered, x.Reason = ByPolicy, true, fmt.Sprintf("policy %q serves this path itself, before any route", f.policy)
		x.Policy, err = e.policy(f.policy, nil, f.caller.Origin)
	case f.allow != nil:
		err = e.onRoute(&x, f)
	default:
		x.Status, x.Reason = http.StatusNotFound, "nothing is served at this path"
		x.Hints = append(x.Hints, e.nearest(e.asked.URL.EscapedPath())...)
	}
	return x, err
}

// onRoute tells of a request for the path of a route.
func (e *explainer) onRoute(x *Explanation, f found) (err error) {
	r := &e.cfg.Routes[f.route]
	header := make(http.Header)
	admitted := r.CORS.Policy.Admit(header, e.asked.Request, f.caller.Own())
	if e.asked.Header.Get("Origin") != "" {
		x.Page = &ExplainedPage{Policy: r.CORS.Name, Admitted: admitted, Header: header}
	}
	switch {
	case !admitted:
		x.Status = http.StatusForbidden
		x.Reason = fmt.Sprintf("corsPolicy %q of route %q at %s lets no page of this origin call", r.CORS.Name, r.ID, Place(r.At))
	case f.routed:
		x.By, x.Answered, x.Reason = ByRoute, true, fmt.Sprintf("route %q takes it", r.ID)
		x.Route, err = e.route(r, f.caller.Origin)
	case e.asked.Method == http.MethodOptions:
		x.Answered, x.Status = true, http.StatusNoContent
		x.Reason = "the gateway itself answers OPTIONS on a route's path, and asks no policy: it takes " + strings.Join(f.allow, ", ")
	default:
		x.Status = http.StatusMethodNotAllowed
		x.Reason = fmt.Sprintf("the path takes %s, and no %s", strings.Join(f.allow, ", "), e.asked.Method)
		x.Hints = append(x.Hints, e.methods(f.allow)...)
	}
	return err
}

// route tells of a route that takes the request.
func (e *explainer) route(r *config.Route, origin string) (*ExplainedRoute, error) {
	x := &ExplainedRoute{
		ID: r.ID, Title: r.Title, Path: r.Path, Methods: r.Methods, At: Place(r.At), Public: r.Public, CORSPolicy: r.CORS.Name,
		Upstream: e.cfg.Shown(r.UpstreamWritten), ForwardSearch: r.ForwardSearch,
		Scopes: r.Scopes,
	}
	var err error
	if x.Inbound, err = e.policies(r.Inbound, r, origin); err != nil {
		return nil, err
	}
	x.Outbound, err = e.policies(r.Outbound, r, origin)
	return x, err
}

// policies tells of the policies of a list.
func (e *explainer) policies(names []string, r *config.Route, origin string) ([]ExplainedPolicy, error) {
	list := []ExplainedPolicy{}
	for _, name := range names {
		p, err := e.policy(name, r, origin)
		if err != nil {
			return nil, err
		}
		list = append(list, *p)
	}
	return list, nil
}

// policy tells of a policy, on a route or, if that is nil, of one that serves the path itself.
func (e *explainer) policy(name string, r *config.Route, origin string) (*ExplainedPolicy, error) {
	p := &e.cfg.Policies[slices.IndexFunc(e.cfg.Policies, func(p config.Policy) bool { return p.Name == name })]
	options, err := e.cfg.ShownOptions(p)
	if err != nil {
		return nil, err
	}
	return &ExplainedPolicy{
		Name: p.Name, Type: p.Type, At: Place(p.At), InHost: p.Middleware != nil, Authenticates: p.Report.Authenticates,
		Facts: e.facts(p, r, origin), Options: options,
	}, nil
}

// facts are those of a policy's facts that concern the request: of several public origins the one that was called, of
// several routes the one that takes it.
func (e *explainer) facts(p *config.Policy, r *config.Route, origin string) (facts []Fact) {
	ofRoutes := make(map[string]bool, len(p.Input.Routes))
	for _, route := range p.Input.Routes {
		ofRoutes[route.ID] = true
	}
	for _, fact := range p.Report.Facts {
		name, value := fact.Name, strings.ReplaceAll(fact.Value, originOfRequest, origin)
		if what, route, ok := cutLast(name, " of "); ok && ofRoutes[route] {
			if r == nil || r.ID != route {
				continue
			}
			name = what
		}
		if e.ofOtherOrigin(value, origin) {
			continue
		}
		facts = append(facts, Fact{Name: name, Value: e.cfg.Shown(value)})
	}
	return facts
}

// originOfRequest stands in facts for the origin of a request, where none is configured.
const originOfRequest = "{origin of the request}"

// ofOtherOrigin says that a value lies at another one of the gateway's origins.
func (e *explainer) ofOtherOrigin(value, origin string) bool {
	at := func(origin string) bool { return value == origin || strings.HasPrefix(value, origin+"/") }
	return !at(origin) && slices.ContainsFunc(e.cfg.Gateway.PublicURLs, at)
}

// cutLast is strings.Cut at the last separator.
func cutLast(text, separator string) (before, after string, ok bool) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(separator):], true
}
