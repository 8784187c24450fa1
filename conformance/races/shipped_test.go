package races

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"durward/conformance/gateway"
	"durward/runtime"
)

// The same with the policy that ships, and the operator's way of taking back what a person has allowed.
func TestOperatorTakesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.g.Read("policies.json")
	labels := 0
	exchange := func() {
		labels++
		w.g.SaveAndWait("policies.json", strings.Replace(good, `"frontendApiUrl"`,
			`"gateway": {"accessTokenTtlSeconds": `+strconv.Itoa(600+labels)+`}, "frontendApiUrl"`, 1), runtime.Applied)
	}
	for _, race := range []struct {
		name      string
		meanwhile func(*round)
		dies      bool
	}{
		{"nothing-else", func(*round) {}, false},
		{"the-policy-is-exchanged", func(*round) { exchange() }, false},
		{"the-policys-process-dies", func(r *round) { r.kill("clerk") }, true},
	} {
		t.Run(race.name, func(t *testing.T) {
			w.t = t
			for number := range rounds() {
				if race.dies && number%3 == 2 {
					exchange()
				}
				r, person := w.loginRound(race.name, number)
				inUse(r, func() { r.operatorRevokes(person) }, race.meanwhile)
			}
		})
	}
	// Nobody has seen the token when it is taken back: the first decision on it may be under way or not.
	t.Run("not-seen-yet", func(t *testing.T) {
		w.t = t
		for number := range rounds() {
			r, person := w.loginRound("not-seen-yet", number)
			stop := r.crowd(3)
			r.operatorRevokes(person)
			if !gateway.Within(waiting, func() bool { return r.asked.Load() >= 9 }) {
				t.Errorf("round %d: the callers do not get on", number)
			}
			stop()
			r.verdict(true)
		}
	})
}

// loginRound signs somebody in and answers the person's id at the identity provider.
func (w *world) loginRound(race string, number int) (r *round, person string) {
	w.t.Helper()
	c := w.g.MustLogin(w.t)
	audit := w.g.Log.Lines(func(l gateway.Line) bool { return l.Msg() == "audit" && l.Field("subject") != "" })
	if len(audit) == 0 {
		w.t.Fatal("the log does not say who signed in")
	}
	return &round{
		world: w, subject: race + "-" + strconv.Itoa(number), route: "/mcp/demo",
		credential: "Bearer " + c.Tokens.AccessToken, number: number,
	}, audit[len(audit)-1].Field("subject")
}

// operatorRevokes ends all grants of the person.
func (r *round) operatorRevokes(person string) {
	r.t.Helper()
	target := r.g.Admin + "/-/policies/clerk/grants?subject=" + url.QueryEscape(person)
	r.insist(http.StatusOK, func() (*http.Response, error) {
		request, err := http.NewRequestWithContext(context.WithoutCancel(r.t.Context()), http.MethodDelete, target, nil)
		if err != nil {
			return nil, err
		}
		return r.client.Do(request)
	})
	r.takenBack()
}
