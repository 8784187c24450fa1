package tokens

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// verdict is what an answer comes to.
type verdict string

const (
	granted       verdict = "200"
	invalidGrant  verdict = "400 invalid_grant"
	unknownClient verdict = "401 invalid_client"
	unavailable   verdict = "503 temporarily_unavailable"
	unanswered    verdict = "no answer"
)

// answer is what the token endpoint answers, or another to which a deed is sent.
type answer struct {
	verdict verdict
	access  string
	refresh string
	err     error
}

// told reads an answer.
func told(status int, body []byte, err error) answer {
	if err != nil {
		return answer{verdict: unanswered, err: err}
	}
	var members struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Error   string `json:"error"`
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &members); err != nil {
			return answer{verdict: verdict(fmt.Sprintf("%d without JSON", status)), err: err}
		}
	}
	return answer{
		verdict: verdict(strings.TrimSuffix(fmt.Sprintf("%d %s", status, members.Error), " ")),
		access:  members.Access, refresh: members.Refresh,
	}
}

// want wants a verdict.
func (a answer) want(t *testing.T, what string, want verdict) {
	t.Helper()
	if a.verdict != want {
		t.Fatalf("%s: %s %v, want %s", what, a.verdict, a.err, want)
	}
}

// together has n callers do something at the same moment, and answers what they were answered.
func together(n int, do func(i int) answer) []answer {
	answers := make([]answer, n)
	var ready, work sync.WaitGroup
	ready.Add(n)
	for i := range n {
		work.Go(func() {
			ready.Done()
			ready.Wait()
			answers[i] = do(i)
		})
	}
	work.Wait()
	return answers
}

// tally counts the verdicts of answers.
func tally(answers []answer) map[verdict]int {
	count := map[verdict]int{}
	for _, a := range answers {
		count[a.verdict]++
	}
	return count
}

// tokensIn answers what was handed out: every access token, and each refresh token once.
func tokensIn(answers []answer) (access, refresh []string) {
	seen := map[string]bool{"": true}
	for _, a := range answers {
		if a.access != "" {
			access = append(access, a.access)
		}
		if !seen[a.refresh] {
			seen[a.refresh] = true
			refresh = append(refresh, a.refresh)
		}
	}
	return access, refresh
}
