package secrets

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"durward/conformance/gateway"
)

// waiting bounds what must happen soon, on a machine that does more.
const waiting = 30 * time.Second

// TestG10_FaultyProvider has a person sign in at a provider that fails in every way and repeats, as it does, what the
// gateway has told it in confidence. The log says which fault it was; the secrets stand nowhere.
func TestG10_FaultyProvider(t *testing.T) {
	p := newProvider(t)
	h := newHunt()
	record := &recorder{next: &http.Transport{DisableKeepAlives: true}, learned: newHunt(), gateway: func(host string) bool {
		return host != strings.TrimPrefix(p.URL, "http://")
	}}
	g := gateway.Start(t, func(g *gateway.Gateway) {
		g.Setenv("CLERK_FRONTEND_API_URL", p.URL)
		g.Transport = record
	})
	for _, f := range providerFaults() {
		t.Run(f.name, func(t *testing.T) {
			p.fault.Store(&f)
			failed := func(l gateway.Line) bool { return l.Msg() == "sign-in failed" }
			before := len(g.Log.Lines(failed))
			c, err := g.Register(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			person := g.Person(t, "")
			page, err := person.Open(t.Context(), c.AuthorizeURL(strings.Repeat("v", 43)))
			if err != nil {
				t.Fatal(err)
			}
			at, err := person.Consent(t.Context(), page)
			if err == nil && at.Callback.Get("error") == "" {
				t.Errorf("the sign-in went well: %+v", at)
			}
			if err != nil {
				h.look(t, "the page that the person sees", []byte(err.Error()))
			}
			h.look(t, "what the client is told", []byte(at.Callback.Encode()))
			if !gateway.Within(waiting, func() bool { return len(g.Log.Lines(failed)) > before }) {
				t.Fatal("the log does not say that the sign-in failed")
			}
			line := g.Log.Lines(failed)[before]
			if !strings.Contains(line.Text, `"code":"`+f.code+`"`) {
				t.Errorf("the log calls the fault otherwise than %s: %s", f.code, line.Text)
			}
		})
	}
	g.Stop()
	if answers, refusals := record.look(t, h); answers < 3*len(providerFaults()) || refusals == 0 {
		t.Errorf("of %d answers %d refused: the gateway was hardly asked", answers, refusals)
	}
	log := []byte(g.Log.Text())
	h.look(t, "the log", log)
	record.learned.look(t, "the log", log)
	if h.lookIn(t, g.Data) == 0 {
		t.Error("there are no files to look through")
	}
	record.learned.lookIn(t, g.Data)
}
