package cimd

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"durward/conformance/clienthost"
	"durward/conformance/gateway"
)

func TestDocuments(t *testing.T) {
	w := start(t, nil)
	t.Run("rows", func(t *testing.T) {
		for name, row := range map[string]func(t *testing.T, w *world){
			"Q26 a client that signs":             signs,
			"S43 a code outlives wrong proofs":    outlives,
			"S44 a document that changes":         changes,
			"S44 what does not matter may change": mayChange,
			"A17 kept over a sign-in":             kept,
			"A17 not kept":                        notKept,
			"A17 fetched once for all":            fetchedOnce,
			"S38 slow hosts hold nobody else up":  slowHosts,
			"A19 a host that is down":             down,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				row(t, w)
			})
		}
	})
	t.Run("A6 switched off", func(t *testing.T) { switchedOff(t, w) })
}

// signs is a client in ChatGPT's shape: its document names private_key_jwt alone and where its keys are, it signs with
// RS256, and goes on to refresh, ask about and take back what it got (Q26, S43).
func signs(t *testing.T, w *world) {
	key := clienthost.NewKey(t, "cimd-1")
	w.host.SetDocument("/signs/jwks", http.StatusOK, nil, encode(t, clienthost.Set(key)))
	a := w.publish("/signs/client.json", map[string]any{
		"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "RS256",
		"jwks_uri": w.host.URL + "/signs/jwks", "application_type": nil,
	})
	a.key = key
	p := w.Person(t, "Ada Lovelace")
	got := a.signIn(t, p)
	a.works(t, "its token", got.Access, true)
	next := a.refresh(t, got.Refresh)
	a.works(t, "its next token", next.Access, true)
	if n := w.host.Count("/signs/jwks"); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
	plain := &app{w: w, id: a.id} // the same without a proof
	if refused := plain.refresh(t, next.Refresh); refused.Status != http.StatusUnauthorized || refused.Error != "invalid_client" {
		t.Errorf("without a proof it got %+v", refused)
	}
	if revoked := a.call(t, "/oauth/revoke", url.Values{"token": {next.Refresh}}); revoked.Status != http.StatusOK {
		t.Errorf("revocation: %+v", revoked)
	}
	a.works(t, "what it took back", next.Access, false)
}

// outlives is a code that somebody without the client's key tries to redeem first: it stays good for the client (A49).
func outlives(t *testing.T, w *world) {
	key, other := clienthost.NewECKey(t, "a"), clienthost.NewECKey(t, "a")
	a := w.publish("/outlives/client.json", map[string]any{
		"token_endpoint_auth_method": "private_key_jwt", "jwks": clienthost.Set(key),
	})
	code, verifier := a.allow(t, w.Person(t, "Ada Lovelace"))
	for name, thief := range map[string]*app{
		"another key": {w: w, id: a.id, key: other}, "no proof": {w: w, id: a.id},
	} {
		if got := thief.redeem(t, code, verifier); got.Status != http.StatusUnauthorized || got.Error != "invalid_client" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	a.key = key
	once := url.Values{
		"client_id": {a.id}, "grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier},
		"client_assertion_type": {clienthost.AssertionType},
		"client_assertion":      {key.Assert(t, clienthost.Claims(a.id, w.URL, nil))},
	}
	got := a.send(t, "/oauth/token", once)
	a.works(t, "the client's own", got.Access, true)
	if again := a.send(t, "/oauth/token", once); again.Error != "invalid_client" { // replayed whole, and nothing ends by it
		t.Errorf("the same assertion again: %+v", again)
	}
	a.works(t, "after the replay", got.Access, true)
}

// changes is a document that names another host, name or key after a person has seen it: on the page, before the code is
// redeemed, and before a refresh. The person is told when they are asked again.
func changes(t *testing.T, w *world) {
	for name, changed := range map[string]map[string]any{
		"host": {"redirect_uris": []string{gateway.RedirectURI, "https://evil.example/cb"}},
		"name": {"client_name": "Another Client"},
		"keys": {"jwks": clienthost.Set(clienthost.NewEdKey(t, "b")),
			"token_endpoint_auth_methods_supported": []string{"none", "private_key_jwt"}},
	} {
		path := "/changes/" + name
		a, p := w.publish(path, nil), w.Person(t, "Ada Lovelace")
		held := a.signIn(t, p)
		code, verifier := a.allow(t, p)
		page, err := p.Open(t.Context(), a.ask(oauth2.GenerateVerifier()))
		if err != nil {
			t.Fatal(err)
		}
		w.host.Publish(path, changed)
		if at, err := p.Consent(t.Context(), page); err == nil {
			t.Errorf("%s: what was shown before was allowed: %v", name, at.Callback)
		}
		if got := a.redeem(t, code, verifier); got.Error != "invalid_grant" {
			t.Errorf("%s: the code: %+v", name, got)
		}
		a.works(t, name+": an access token in hand", held.Access, true) // for as long as it lives, 15 minutes
		if got := a.refresh(t, held.Refresh); got.Error != "invalid_grant" {
			t.Errorf("%s: the refresh token: %+v", name, got)
		}
		a.works(t, name+": an access token of what has ended", held.Access, false)
		page, err = p.Open(t.Context(), a.ask(oauth2.GenerateVerifier()))
		if err != nil || !strings.Contains(page.Text, "has changed since you last allowed it") {
			t.Errorf("%s: the person is not told: %v", name, err)
		}
		a.works(t, name+": allowed anew", a.signIn(t, p).Access, true)
	}
}

// mayChange is a document in which changes what nobody goes by.
func mayChange(t *testing.T, w *world) {
	a, p := w.publish("/may/client.json", nil), w.Person(t, "Ada Lovelace")
	held := a.signIn(t, p)
	w.host.Publish("/may/client.json", map[string]any{
		"redirect_uris": []string{"http://localhost/other", "http://127.0.0.1/callback"}, "client_uri": "https://example.com/new",
	})
	if got := a.refresh(t, held.Refresh); got.Status != http.StatusOK {
		t.Errorf("got %+v", got)
	}
}

// kept is a document that may be kept: a sign-in, from the page to the second refresh, takes one fetch.
func kept(t *testing.T, w *world) {
	const path = "/kept/client.json"
	a := &app{w: w, id: w.host.URL + path}
	w.host.SetDocument(path, http.StatusOK, http.Header{"Cache-Control": {"max-age=3600"}}, clienthost.Document(a.id, nil))
	held := a.signIn(t, w.Person(t, "Ada Lovelace"))
	for range 2 {
		held = a.refresh(t, held.Refresh)
	}
	a.works(t, "the token", held.Access, true)
	if n := w.host.Count(path); n != 1 {
		t.Errorf("%d fetches", n)
	}
}

// notKept is one that may not, and failures, which are not either.
func notKept(t *testing.T, w *world) {
	const path = "/notkept/client.json"
	a := w.publish(path, nil)
	a.signIn(t, w.Person(t, "Ada Lovelace"))
	if n := w.host.Count(path); n < 3 { // for the page, for its answer, for the code
		t.Errorf("%d fetches", n)
	}
	before := w.host.Count(path)
	w.host.SetDocument(path, http.StatusNotFound, http.Header{"Cache-Control": {"max-age=3600"}}, "")
	for range 2 {
		a.refusedPage(t, "a document that is gone", http.StatusBadRequest, "was answered with status 404, not 200")
	}
	if n := w.host.Count(path); n != before+2 {
		t.Errorf("two more requests made %d fetches", n-before)
	}
	w.host.Publish(path, nil)
	a.signIn(t, w.Person(t, "Ada Lovelace"))
}

// fetchedOnce is one that many ask for while it is on its way.
func fetchedOnce(t *testing.T, w *world) {
	const path, many = "/once/client.json", 20
	a := &app{w: w, id: w.host.URL + path}
	arrived, leave := make(chan struct{}), make(chan struct{})
	var first sync.Once
	w.host.SetHandler(path, http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		first.Do(func() { close(arrived) })
		<-leave
		out.Header().Set("Content-Type", "application/json")
		out.Header().Set("Cache-Control", "max-age=3600")
		fmt.Fprint(out, clienthost.Document(a.id, nil))
	}))
	var waiting sync.WaitGroup
	for range many {
		waiting.Go(func() {
			if _, err := w.Person(t, "Ada Lovelace").Open(t.Context(), a.ask(oauth2.GenerateVerifier())); err != nil {
				t.Error(err)
			}
		})
	}
	<-arrived
	close(leave) // who comes later finds it kept
	waiting.Wait()
	if n := w.host.Count(path); n != 1 {
		t.Errorf("%d fetches for %d people", n, many)
	}
}

// slowHosts are documents at a host that accepts connections and says nothing. It is asked for two at once and no more, all
// come to an end, and a client of another host signs in meanwhile.
func slowHosts(t *testing.T, w *world) {
	const many = 10
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, many)
	t.Cleanup(func() {
		listener.Close()
		for len(accepted) > 0 {
			(<-accepted).Close()
		}
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	began := time.Now()
	var waiting sync.WaitGroup
	for i := range many {
		waiting.Go(func() {
			a := &app{w: w, id: fmt.Sprintf("https://localhost:%s/%d", port, i)} // another host than the others' by its name
			a.refusedPage(t, "a slow host", http.StatusServiceUnavailable, "The app could not be looked up")
		})
	}
	first := <-accepted
	a := w.publish("/beside/client.json", nil)
	a.works(t, "a client beside them", a.signIn(t, w.Person(t, "Ada Lovelace")).Access, true)
	if n := len(accepted) + 1; n > 2 && time.Since(began) < 4*time.Second { // later the first have given up their places
		t.Errorf("%d connections at once to a host that answers none", n)
	}
	waiting.Wait()
	first.Close()
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("%d slow documents took %v", many, took)
	}
}

// down is a host that is not there for a while: a public client goes on with what it has, and nothing is lost.
func down(t *testing.T, w *world) {
	const path = "/down/client.json"
	a := w.publish(path, nil)
	held := a.signIn(t, w.Person(t, "Ada Lovelace"))
	w.host.SetDocument(path, http.StatusServiceUnavailable, nil, "")
	a.refusedPage(t, "while it is down", http.StatusServiceUnavailable, "was answered with status 503, not 200")
	held = a.refresh(t, held.Refresh)
	a.works(t, "refreshed meanwhile", held.Access, true)
	w.host.Publish(path, nil)
	a.works(t, "refreshed afterwards", a.refresh(t, held.Refresh).Access, true)
}

// switchedOff takes documents away from a gateway that runs: from its metadata, and from who has tokens.
func switchedOff(t *testing.T, w *world) {
	a := w.publish("/off/client.json", nil)
	held := a.signIn(t, w.Person(t, "Ada Lovelace"))
	advertised := func() bool {
		var document map[string]any
		get(t, w.URL+"/.well-known/oauth-authorization-server", &document)
		return document["client_id_metadata_document_supported"] == true
	}
	if !advertised() {
		t.Error("the metadata does not say that documents are supported")
	}
	before := w.host.Accepted()
	w.SetOption(t, "gateway", map[string]any{"cimdEnabled": false, "cimdDevelopment": w.host.Development()})
	w.Reload()
	if advertised() {
		t.Error("the metadata still says that documents are supported")
	}
	a.refusedPage(t, "switched off", http.StatusBadRequest, "not known here")
	if got := a.refresh(t, held.Refresh); got.Error != "invalid_client" {
		t.Errorf("a refresh: %+v", got)
	}
	if n := w.host.Accepted() - before; n != 0 {
		t.Errorf("%d connections to the host", n)
	}
}
