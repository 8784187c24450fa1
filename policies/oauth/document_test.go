package oauth_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"durward/policies/oauth"
	"durward/policies/oauth/internal/egress"
	"durward/policies/policytest"
)

// site is what the vendors of clients have on the web.
type site struct {
	*egress.Client // for Check
	mu             sync.Mutex
	bodies         map[string]string
	down           bool
	seen           []string
}

func (s *site) Get(_ context.Context, url, _ string, _ int64) (egress.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, url)
	body, ok := s.bodies[url]
	switch {
	case s.down:
		return egress.Answer{}, &egress.Error{Reason: egress.Unreachable}
	case !ok:
		return egress.Answer{}, &egress.Error{Reason: egress.BadStatus, Status: http.StatusNotFound}
	}
	header := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}}
	return egress.Answer{Header: header, Body: []byte(body)}, nil
}

func (s *site) put(url string, members map[string]any) {
	body, _ := json.Marshal(members)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bodies[url] = string(body)
}

func (s *site) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *site) fetches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

const documentID = "https://vendor.example/client.json"

// document is a plain document at documentID, changed by pairs.
func document(changes ...any) map[string]any {
	members := map[string]any{
		"client_id": documentID, "client_name": "An App", "redirect_uris": []string{redirect, "http://127.0.0.1/cb"},
	}
	for i := 0; i+1 < len(changes); i += 2 {
		members[changes[i].(string)] = changes[i+1]
	}
	return members
}

// newSite puts a world beside a site that has the plain document.
func newSite(t *testing.T, gateway string) (*world, *site) {
	t.Helper()
	w := newWorldWith(t, `{"clientId":"c","clientSecret":"canary-secret","gateway":{`+gateway+`}}`)
	vendor := &site{Client: egress.New(egress.Options{}), bodies: map[string]string{}}
	vendor.put(documentID, document())
	oauth.FetchWith(w.gateway.Policy, vendor)
	return w, vendor
}

// A client with a document goes all the way without ever having registered (A10, A18, A20).
func TestA10_DocumentClient(t *testing.T) {
	w, vendor := newSite(t, "")
	page := w.authorize(ask(documentID))
	text := html.UnescapeString(page.body)
	for _, want := range []string{"An App", "app.example", "described by <strong><bdi>vendor.example</bdi></strong>"} {
		if !strings.Contains(text, want) {
			t.Errorf("the consent page lacks %q: %s", want, text)
		}
	}
	held := w.tokensOf(documentID, w.post("/oauth/token", redemption(documentID, w.code(documentID, "alice"))))
	w.wantCall("with its token", "/mcp/demo", held.access, http.StatusOK)
	held = w.tokensOf(documentID, w.post("/oauth/token", renewal(documentID, held.refresh)))
	w.wantCall("refreshed", "/mcp/demo", held.access, http.StatusOK)
	if vendor.fetches() == 0 {
		t.Error("nothing was fetched")
	}
	if page := w.get("/oauth/grants"); !strings.Contains(page.body, "An App") {
		t.Errorf("the page of grants does not name the app: %s", page.body)
	}
	for _, record := range w.host.Store.Records() {
		if strings.HasPrefix(record.Key, "client/") {
			t.Errorf("something was registered: %s", record.Key)
		}
	}
}

// Loopback redirects of a document have any port, and the page warns of every program on the device (A20, A29, Q16).
func TestA20_LoopbackRedirectOfDocument(t *testing.T) {
	w, _ := newSite(t, "")
	page := w.authorize(ask(documentID, "redirect_uri", "http://127.0.0.1:5123/cb"))
	if text := html.UnescapeString(page.body); !strings.Contains(text,
		"Any program on the device can ask as the app of <strong><bdi>vendor.example</bdi></strong>") {
		t.Errorf("the page does not warn: %s", text)
	}
	w.wantPage("a redirect URI that the document lacks",
		w.authorize(ask(documentID, "redirect_uri", "http://127.0.0.1:5123/other")), http.StatusBadRequest)
}

// With cimdEnabled false no document is fetched, advertised or accepted.
func TestCIMDDisabled(t *testing.T) {
	w, vendor := newSite(t, `"cimdEnabled":false`)
	w.wantMessage("authorize", w.authorize(ask(documentID)), http.StatusBadRequest, "unknown_app")
	w.wantError("token", w.post("/oauth/token", redemption(documentID, "x")), http.StatusUnauthorized, "invalid_client")
	metadata := w.get("/.well-known/oauth-authorization-server").json(t)
	if _, ok := metadata["client_id_metadata_document_supported"]; ok || vendor.fetches() != 0 {
		t.Errorf("%d fetches, metadata %v", vendor.fetches(), metadata)
	}
}

// A document that is no good is told on a page, never by redirect, and to the client as invalid_client (A19, S39, S41).
func TestA19_BadDocument(t *testing.T) {
	w, vendor := newSite(t, "")
	code := w.code(documentID, "alice")
	vendor.put(documentID, document("client_id", "https://vendor.example/<b>other</b>"))
	page := w.authorize(ask(documentID))
	w.wantMessage("authorize", page, http.StatusBadRequest, "bad_document")
	const fault = "the client metadata document does not name exactly its own URL as client_id"
	if !strings.Contains(page.body, "invalid_client: "+fault) || strings.Contains(page.body, "<b>other") {
		t.Errorf("the page does not tell the app's developer: %s", page.body)
	}
	got := w.post("/oauth/token", redemption(documentID, code))
	w.wantError("token", got, http.StatusUnauthorized, "invalid_client")
	if got.json(t)["error_description"] != fault {
		t.Errorf("got %s", got.body)
	}
	refused := w.host.Audit.Named("client.refused")
	if len(refused) != 2 || refused[0].Reason != "bad_document" || refused[0].Client != documentID ||
		refused[0].ClientHost != "vendor.example" {
		t.Errorf("audit %+v", refused)
	}
	for _, odd := range []string{
		"https://localhost/x", "https://10.0.0.1/x", "https://vendor.example", "https://vendor.example/?x", "https://[::1",
		"https://vendor.example/" + strings.Repeat("x", 5000), "https://vendor.example/missing",
	} {
		w.wantMessage(odd[:min(len(odd), 60)], w.authorize(ask(odd)), http.StatusBadRequest, "bad_document")
	}
	w.wantMessage("plain http", w.authorize(ask("http://vendor.example/x")), http.StatusBadRequest, "unknown_app")
}

// A document that cannot be fetched just now is no statement about the client: 503, and what was agreed with a public
// client goes on (A19, S58).
func TestA19_UnreadDocument(t *testing.T) {
	w, vendor := newSite(t, "")
	page := w.authorize(ask(documentID))
	held := w.tokensOf(documentID, w.post("/oauth/token", redemption(documentID, w.code(documentID, "alice"))))
	code := w.codeAgain(documentID)
	vendor.setDown(true)
	got := w.authorize(ask(documentID))
	w.wantMessage("authorize", got, http.StatusServiceUnavailable, "no_document")
	if got.Header.Get("Retry-After") == "" ||
		!strings.Contains(got.body, "temporarily_unavailable: the client metadata document cannot be fetched") {
		t.Errorf("headers %v: %s", got.Header, got.body)
	}
	w.wantMessage("an answer to the page", w.consent(page, "allow"), http.StatusServiceUnavailable, "no_document")
	w.tokensOf(documentID, w.post("/oauth/token", renewal(documentID, held.refresh)))
	w.wantError("a code, for which it is not agreed how the client proves who it is",
		w.post("/oauth/token", redemption(documentID, code)), http.StatusServiceUnavailable, "temporarily_unavailable")
	encode := base64.RawURLEncoding.EncodeToString
	unsigned := encode([]byte(`{"alg":"RS256"}`)) + "." + encode([]byte(`{"iss":"`+documentID+`","sub":"`+documentID+`"}`)) + ".AA"
	assertion := url.Values{
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {unsigned},
		"grant_type": {"refresh_token"}, "client_id": {documentID}, "refresh_token": {held.refresh},
	}
	w.wantError("a client that would prove who it is", w.post("/oauth/token", assertion),
		http.StatusServiceUnavailable, "temporarily_unavailable")
	vendor.setDown(false)
	w.tokensOf(documentID, w.post("/oauth/token", redemption(documentID, code)))
	w.consent(page, "allow").location(t) // nothing was used up
}

// A document that changes takes back what was allowed, wherever it is noticed, and the person is told when they are asked
// again (A18, S44).
func TestS44_DocumentThatChanged(t *testing.T) {
	changes := map[string]map[string]any{
		"a new host": document("redirect_uris", []string{redirect, "http://127.0.0.1/cb", "https://other.example/cb"}),
		"a new name": document("client_name", "Another App"),
		"new keys": document("token_endpoint_auth_methods_supported", []string{"none", "private_key_jwt"},
			"jwks_uri", "https://vendor.example/jwks"),
	}
	const notice = "This app has changed since you last allowed it"
	for name, changed := range changes {
		w, vendor := newSite(t, "")
		page := w.authorize(ask(documentID))
		held := w.tokensOf(documentID, w.post("/oauth/token", redemption(documentID, w.code(documentID, "alice"))))
		code := w.codeAgain(documentID)
		vendor.put(documentID, changed)
		w.wantMessage(name+", on the page", w.consent(page, "allow"), http.StatusForbidden, "changed")
		if again := w.authorize(ask(documentID)); !strings.Contains(again.body, notice) ||
			strings.Contains(again.body, "You last allowed this") {
			t.Errorf("%s: the person is not told: %s", name, again.body)
		}
		w.wantError(name+", with a code", w.post("/oauth/token", redemption(documentID, code)), http.StatusBadRequest, "invalid_grant")
		w.wantError(name+", with a refresh token", w.post("/oauth/token", renewal(documentID, held.refresh)),
			http.StatusBadRequest, "invalid_grant")
		w.wantCall(name+", with an access token", "/mcp/demo", held.access, http.StatusUnauthorized)
		for _, revoked := range w.host.Audit.Named("grant.revoked") {
			if revoked.Reason != "client_changed" {
				t.Errorf("%s: audit %+v", name, revoked)
			}
		}
		again := w.authorize(ask(documentID)) // the grants are gone, and still it is known
		if !strings.Contains(again.body, notice) {
			t.Errorf("%s: the person is not told afterwards: %s", name, again.body)
		}
		w.consent(again, "allow").location(t)
		if once := w.authorize(ask(documentID)); strings.Contains(once.body, notice) {
			t.Errorf("%s: the person is told again, after allowing it", name)
		}
	}
	w, vendor := newSite(t, "") // what nobody goes by may change
	held := w.tokensOf(documentID, w.post("/oauth/token", redemption(documentID, w.code(documentID, "alice"))))
	vendor.put(documentID, document("redirect_uris", []string{redirect + "2", redirect, "http://localhost:1/x"}, "logo_uri", "https://x.example/l"))
	w.tokensOf(documentID, w.post("/oauth/token", renewal(documentID, held.refresh)))
	if page := w.authorize(ask(documentID)); strings.Contains(page.body, notice) {
		t.Error("the person is told of what does not matter")
	}
}

// A host that the operator does not want is not even asked (A21).
func TestA21_UntrustedDocument(t *testing.T) {
	for rule, fetches := range map[string]int{
		`"deny":["vendor.example"]`: 0, `"allow":["other.example"]`: 0, `"deny":["app.example"]`: 1,
	} {
		w, vendor := newSite(t, `"clients":{`+rule+`}`)
		w.wantMessage(rule, w.authorize(ask(documentID)), http.StatusBadRequest, "untrusted_app")
		if vendor.fetches() != fetches {
			t.Errorf("%s: %d fetches, want %d", rule, vendor.fetches(), fetches)
		}
	}
	w, _ := newSite(t, `"clients":{"allow":["vendor.example"]}`)
	w.formOf(w.authorize(ask(documentID)))
}

// What is kept is good by the host's clock.
func TestDocumentIsKept(t *testing.T) {
	w, vendor := newSite(t, "")
	vendor.bodies["https://vendor.example/kept.json"] = "{}"
	kept := &keeping{vendor}
	oauth.FetchWith(w.gateway.Policy, kept)
	for range 3 {
		w.formOf(w.authorize(ask(documentID)))
	}
	if vendor.fetches() != 1 {
		t.Errorf("%d fetches", vendor.fetches())
	}
	w.host.Clock.Advance(2 * time.Minute)
	w.formOf(w.authorize(ask(documentID)))
	if vendor.fetches() != 2 {
		t.Errorf("%d fetches, after it was stale", vendor.fetches())
	}
}

// keeping is a site whose answers may be kept.
type keeping struct{ *site }

func (k *keeping) Get(ctx context.Context, url, accept string, limit int64) (egress.Answer, error) {
	answer, err := k.site.Get(ctx, url, accept, limit)
	if err == nil {
		answer.Header.Set("Cache-Control", "max-age=100")
	}
	return answer, err
}

// Whoever names documents of hosts that do not answer, as many as they like, keeps nobody at another address waiting (S45).
func TestS45_SlowDocumentsKeepNobodyElseWaiting(t *testing.T) {
	w, vendor := newSite(t, "")
	slow := &slowSite{site: vendor, asked: make(chan struct{}, 20), answer: make(chan struct{})}
	oauth.FetchWith(w.gateway.Policy, slow)
	var waiting sync.WaitGroup
	const many = 17
	for i := range many {
		waiting.Go(func() {
			id := fmt.Sprintf("https://slow.example/%d", i)
			w.from("192.0.2.66", http.MethodGet, "/oauth/authorize?"+ask(id).Encode(), "")
		})
	}
	for range many - 1 { // the last waits for one of these
		<-slow.asked
	}
	if got := w.from("192.0.2.7", http.MethodGet, "/oauth/authorize?"+ask(documentID).Encode(), ""); got.StatusCode != http.StatusOK {
		t.Errorf("another: %d", got.StatusCode)
	}
	if more := len(slow.asked); more != 0 {
		t.Errorf("%d more are asked at once", more)
	}
	close(slow.answer)
	waiting.Wait()
}

// slowSite is a site beside a host that answers when it is let.
type slowSite struct {
	*site
	asked, answer chan struct{}
}

func (s *slowSite) Get(ctx context.Context, url, accept string, limit int64) (egress.Answer, error) {
	if strings.HasPrefix(url, "https://slow.example/") {
		s.asked <- struct{}{}
		<-s.answer
	}
	return s.site.Get(ctx, url, accept, limit)
}

// The exemption of development is refused beside a public origin, and its parts are told one by one.
func TestCIMDDevelopmentProblems(t *testing.T) {
	const at = "/gateway/cimdDevelopment"
	kind := oauth.Policy(policytest.NewProvider())
	for option, want := range map[string][]string{
		`{"addresses":["127.0.0.0/8","::1/128"]}`:                {},
		`{"caFile":"/ca.pem"}`:                                   {},
		`{"caFile":"ca.pem"}`:                                    {at + "/caFile"},
		`{"addresses":["127.0.0.0/8","127.0.0.0/33","1.2.3/8"]}`: {at + "/addresses/1", at + "/addresses/2"},
		`{"addresses":["::ffff:127.0.0.0/104"]}`:                 {at + "/addresses/0"},
	} {
		for origin, more := range map[string][]string{
			"": nil, "http://localhost:8080": nil, "https://127.0.0.1": nil, "http://[::1]:1": nil,
			"https://mcp.example.com": {at}, "https://localhost.example.com": {at},
		} {
			input := inputOf(`{"clientId":"c","gateway":{"cimdDevelopment":`+option+`}}`, "/mcp/demo")
			if origin != "" {
				input.Origins = []string{"http://localhost", origin}
			}
			report := kind.Validate(input)
			got := []string{}
			for _, problem := range report.Problems {
				got = append(got, problem.Pointer)
			}
			if !slices.Equal(got, slices.Concat(more, want)) {
				t.Errorf("%s at %q: %+v", option, origin, report.Problems)
			}
			if watched := slices.Contains(report.Files, "/ca.pem"); watched != strings.Contains(option, "/ca.pem") {
				t.Errorf("%s: the host is to watch %q", option, report.Files)
			}
		}
	}
}

// codeAgain has whoever is signed in allow the client once more.
func (w *world) codeAgain(client string) string {
	w.Helper()
	return w.consent(w.authorize(ask(client)), "allow").location(w.T).Query().Get("code")
}
