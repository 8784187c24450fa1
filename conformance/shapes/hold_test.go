package shapes

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// result is what came of a step.
type result struct {
	status int
	header http.Header
	// object is a JSON object, or what the client was told at its redirect URI.
	object map[string]any
	// text is an answer's body, or the words of a page.
	text string
}

// hold holds what came of a step against what must.
func (r *replay) hold(got result, want outcome) {
	r.t.Helper()
	if strconv.Itoa(got.status) != want.status {
		r.t.Fatalf("status %d, want %s: %s", got.status, want.status, got.text)
	}
	for _, line := range want.lines {
		if fault := r.fault(got, line); fault != "" {
			r.t.Errorf("%s: %s", line, fault)
		}
	}
}

// fault says what is wrong with what came of a step, by one line of what must.
func (r *replay) fault(got result, line string) string {
	r.t.Helper()
	if text, ok := strings.CutPrefix(line, "page: "); ok {
		if text = r.fill(text); !strings.Contains(got.text, text) {
			return got.text
		}
		return ""
	}
	member, ok := strings.CutPrefix(line, ".")
	if !ok {
		name, text, _ := strings.Cut(line, ": ")
		if value := strings.Join(got.header.Values(name), "\n"); !strings.Contains(value, r.fill(text)) {
			return value
		}
		return ""
	}
	name, rest, _ := strings.Cut(member, " ")
	value, there := got.object[name]
	if rest == "absent" {
		if there {
			return fmt.Sprintf("is %v", value)
		}
		return ""
	}
	if !there {
		return fmt.Sprintf("is not there: %v", got.object)
	}
	how, what, _ := strings.Cut(rest, " ")
	switch how {
	case "->":
		text, ok := value.(string)
		if !ok {
			return fmt.Sprintf("%v is no text", value)
		}
		r.values[what] = text
		return ""
	case "=", "has":
		return r.compare(value, how, what)
	}
	return "is written in no form that there is"
}

func (r *replay) compare(value any, how, text string) string {
	r.t.Helper()
	var want any
	if err := json.Unmarshal([]byte(r.fill(text)), &want); err != nil {
		return err.Error()
	}
	list, _ := value.([]any)
	holds := slices.ContainsFunc(list, func(one any) bool { return cmp.Equal(one, want) })
	if how == "=" {
		holds = cmp.Equal(value, want)
	}
	if !holds {
		return fmt.Sprintf("is %v", value)
	}
	return ""
}

// noNull wants no null in an answer.
func noNull(t *testing.T, at string, value any) {
	t.Helper()
	switch v := value.(type) {
	case nil:
		t.Errorf("%s is null", at)
	case map[string]any:
		for name, member := range v {
			noNull(t, at+"/"+name, member)
		}
	case []any:
		for i, member := range v {
			noNull(t, at+"/"+strconv.Itoa(i), member)
		}
	}
}
