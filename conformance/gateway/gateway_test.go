package gateway

import (
	"strings"
	"testing"
)

func TestLoginAndCall(t *testing.T) {
	g := Start(t, nil)
	c := g.MustLogin(t)
	status, body, err := c.Call(t.Context())
	if err != nil || status != 200 || !strings.Contains(body, "hello") {
		t.Fatalf("call: %d %s %v", status, body, err)
	}
}
