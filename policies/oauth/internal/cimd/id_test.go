package cimd_test

import (
	"errors"
	"testing"
	"time"

	"durward/policies/oauth/internal/cimd"
	"durward/policies/oauth/internal/egress"
)

// What is refused as a client_id before anything is looked up or fetched (A11, S34, S40).
func TestRefusedIDs(t *testing.T) {
	web := newWeb()
	documents := cimd.New(web, nobody)
	for id, want := range map[string]string{
		"http://client.example/x":           "client_id does not begin with https://",
		"https://client.example":            "client_id has no path",
		"https://client.example/":           "client_id has no path",
		"https://client.example:8443":       "client_id has no path",
		"https://client.example/../x":       "client_id has a dot segment in its path",
		"https://client.example/a/../x":     "client_id has a dot segment in its path",
		"https://client.example/a/..":       "client_id has a dot segment in its path",
		"https://client.example/./x":        "client_id has a dot segment in its path",
		"https://client.example/x/.":        "client_id has a dot segment in its path",
		"https://client.example/a/%2e%2e/x": "client_id has an encoded dot or slash in its path",
		"https://client.example/a/.%2E/x":   "client_id has an encoded dot or slash in its path",
		"https://client.example/a%2fb":      "client_id has an encoded dot or slash in its path",
		"https://client.example/a%5Cb":      "client_id has an encoded dot or slash in its path",
		"https://client.example/x?y":        "client_id has a query",
		"https://client.example/x?":         "client_id has a query",
		"https://client.example?/x":         "client_id has a query",
		"https://client.example/x#y":        "client_id has a fragment",
		"https://u:p@client.example/x":      "client_id names a user",
		"https://localhost/x":               "client_id has a host that is not a public name",
		"https://10.0.0.1/x":                "client_id has a host that is not a public address",
	} {
		_, err := documents.Get(t.Context(), time.Now(), id)
		if fault := faultOf(t, err); !fault.Permanent || fault.Text != want {
			t.Errorf("%s: %v, want: %s", id, err, want)
		}
	}
	if len(web.seen) != 0 {
		t.Errorf("fetched: %v", web.seen)
	}
}

func TestAcceptedIDs(t *testing.T) {
	for _, id := range []string{
		"https://client.example/x", "https://client.example/x/", "https://client.example:8443/a/b.json",
		"https://client.example/..x/x..", "https://client.example/a%20b", "https://client.example/.well-known/client",
		"https://client.example//x", "https://client.example/x;y", "https://8.8.8.8/x",
	} {
		web := newWeb()
		web.put(id, document(id))
		got, err := cimd.New(web, nobody).Get(t.Context(), time.Now(), id)
		if err != nil || got.ID != id {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func faultOf(t *testing.T, err error) *cimd.Fault {
	t.Helper()
	fault, ok := errors.AsType[*cimd.Fault](err)
	if !ok {
		t.Fatalf("got %v, want a fault", err)
	}
	return fault
}

// check is the judge of URLs that production has.
func check(url string) error { return egress.New(egress.Options{}).Check(url) }
