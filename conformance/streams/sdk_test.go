package streams

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"durward/conformance/gateway"
)

// G4: what a client makes of it. The SDK's gives its caller the error at once; without the event it would say that the
// connection broke, or wait.
func TestG4_RevokedUnderTheSDK(t *testing.T) {
	t.Parallel()
	g := gateway.Start(t, nil)
	for _, version := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(version, func(t *testing.T) {
			c := login(t, g, g.Person(t, "Ada Lovelace"), "demo")
			progressed := make(chan struct{}, 1)
			client := mcp.NewClient(&mcp.Implementation{Name: "streams", Version: "1"}, &mcp.ClientOptions{
				ProgressNotificationHandler: func(context.Context, *mcp.ProgressNotificationClientRequest) {
					select {
					case progressed <- struct{}{}:
					default:
					}
				},
			})
			session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{
				Endpoint: c.Resource, HTTPClient: &http.Client{Transport: bearer{c}}, MaxRetries: -1, DisableStandaloneSSE: true,
			}, &mcp.ClientSessionOptions{ProtocolVersion: version})
			if err != nil {
				t.Fatal(err)
			}
			failed := make(chan error, 1)
			go func() {
				params := &mcp.CallToolParams{
					Name: "count", Meta: mcp.Meta{}, Arguments: map[string]any{"steps": 86400, "intervalMs": 20},
				}
				params.SetProgressToken("p")
				_, err := session.CallTool(t.Context(), params)
				failed <- err
			}()
			<-progressed
			revoke(t, g, url.Values{"subject": {subjectOf(t, g, c)}})
			if err := <-failed; err == nil || !strings.Contains(err.Error(), revoked) {
				t.Errorf("the call ended with %v", err)
			}
			_ = session.Close() // its credential is worth nothing any more
		})
	}
}

// bearer adds a client's token.
type bearer struct{ client *gateway.Client }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.client.Tokens.AccessToken)
	return http.DefaultTransport.RoundTrip(r)
}
