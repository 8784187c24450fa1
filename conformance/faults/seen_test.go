package faults

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"durward/conformance/gateway"
)

// texts is what the pages say, from where they have it.
type texts struct {
	Messages map[string]struct{ Heading, Text, Advice string }
	Words    map[string]string
}

func readTexts(t *testing.T) (all texts) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(gateway.Root(), "policies", "oauth", "internal", "page", "texts.en.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(file, &all); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{setup, unreachable, unverified} {
		if all.Messages[name].Heading == "" {
			t.Fatalf("there is no message %q", name)
		}
	}
	return all
}

// wait answers how header and page say that it may work again in so many seconds. None: neither says anything.
func (all texts) wait(seconds int) (header, words string) {
	if seconds == 0 {
		return "", ""
	}
	name, count := "seconds", seconds
	if seconds > 120 {
		name, count = "minutes", seconds/60
	}
	return strconv.Itoa(seconds), strings.Replace(all.Words["message.retry."+name], "{"+name+"}", strconv.Itoa(count), 1)
}

// answer is what the gateway answered.
type answer struct {
	status int
	header http.Header
	body   string
}

// answers keeps what the gateway's callback answers.
type answers struct {
	next http.RoundTripper
	mu   sync.Mutex
	kept []answer
}

// RoundTrip implements http.RoundTripper.
func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	got, err := a.next.RoundTrip(r)
	if err != nil || r.URL.Path != "/oauth/callback" {
		return got, err
	}
	body, err := io.ReadAll(got.Body)
	if err != nil {
		return nil, err
	}
	got.Body = io.NopCloser(bytes.NewReader(body))
	header := got.Header.Clone()
	if to, err := url.Parse(header.Get("Location")); err == nil && to.Query().Has("code") {
		header.Del("Location") // the client's own code is its to have
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kept = append(a.kept, answer{got.StatusCode, header, string(body)})
	return got, nil
}

// take answers the one answer since it was last called.
func (a *answers) take(t *testing.T) answer {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.kept) != 1 {
		t.Fatalf("%d answers of the callback, want 1", len(a.kept))
	}
	got := a.kept[0]
	a.kept = nil
	return got
}
