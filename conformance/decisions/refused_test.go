package decisions

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"net/http"
	"testing"
	"time"

	"durward/conformance/gateway"
)

// waiting bounds what must happen soon, on a machine that does more.
const waiting = 30 * time.Second

// forged makes a token of the right form that nobody was given.
func forged(t *testing.T) string {
	t.Helper()
	const kind = "dwa_"
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		t.Fatal(err)
	}
	sum := crc32.ChecksumIEEE(append([]byte(kind), raw...))
	return kind + base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(raw, sum))
}

// A client whose token has ended may well ask 32 times at once. That is one credential: it costs one call, and the
// client's address is not taken for a flood.
func TestUnknownTokenCostsOneCall(t *testing.T) {
	g := gateway.Start(t, nil)
	c := g.MustLogin(t)
	for name, token := range map[string]string{"well-formed": forged(t), "of another kind": "eyJhbGciOiJub25lIn0.e30."} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			got := counted(t, g, func() { atOnce(t, 32, c, token, http.StatusUnauthorized) })
			// A refusal is remembered for a second. On a machine so slow that this took longer, it may be asked for again.
			most := 1 + uint64(time.Since(began)/time.Second)
			if got["evaluated"] < 1 || got["evaluated"] > most || got["limited"]+got["cached"]+got["unavailable"] > 0 {
				t.Errorf("32 requests with an unknown token: decisions %v, want at most %d evaluated", got, most)
			}
		})
	}
	wantCounts(t, "a new token from the same address", counted(t, g, func() {
		times(t, 2, c, c.Tokens.AccessToken, http.StatusOK)
	}), counts{"evaluated": 1, "cached": 1})
}

type addressKey struct{}

// from sends requests as a proxy does, for the client address in the context if there is one.
type from struct{ next http.RoundTripper }

func (f from) RoundTrip(r *http.Request) (*http.Response, error) {
	if address, ok := r.Context().Value(addressKey{}).(string); ok {
		r = r.Clone(r.Context())
		r.Header.Set("X-Forwarded-For", address)
	}
	return f.next.RoundTrip(r)
}

func at(ctx context.Context, address string) context.Context {
	return context.WithValue(ctx, addressKey{}, address)
}

const flood = 60

// A flood of guesses from one address is limited. It pushes nothing out, costs nobody else anything, and does not lock
// out those at the same address who are signed in.
func TestFloodOfUnknownTokens(t *testing.T) {
	g := gateway.Start(t, func(g *gateway.Gateway) {
		g.Save("gateway.json", `{"trustedProxies": ["127.0.0.1"]}`)
		g.Transport = from{http.DefaultTransport}
	})
	flooding, elsewhere := at(t.Context(), "203.0.113.7"), at(t.Context(), "198.51.100.4")
	signedIn, unseen, neighbour := g.MustLogin(t), g.MustLogin(t), g.MustLogin(t)
	if got := call(t, flooding, signedIn, signedIn.Tokens.AccessToken); got != http.StatusOK {
		t.Fatalf("status %d", got)
	}

	began := time.Now()
	answers := map[int]uint64{}
	got := counted(t, g, func() {
		for range flood {
			answers[call(t, flooding, signedIn, forged(t))]++
			if got := call(t, flooding, signedIn, signedIn.Tokens.AccessToken); got != http.StatusOK {
				t.Errorf("a token in use at the flooding address: status %d", got)
			}
		}
	})
	refilled := uint64(time.Since(began)/time.Second)*2 + 2
	if answers[http.StatusUnauthorized] != got["evaluated"] || answers[http.StatusTooManyRequests] != got["limited"] ||
		got["evaluated"]+got["limited"] != flood || got["cached"] != flood {
		t.Errorf("decisions %v, answers %v", got, answers)
	}
	if got["evaluated"] > 20+refilled || got["limited"] == 0 {
		t.Errorf("of %d guesses the policy was asked about %d: want 20 and %d more with time", flood, got["evaluated"], refilled)
	}
	if got := call(t, elsewhere, neighbour, neighbour.Tokens.AccessToken); got != http.StatusOK {
		t.Errorf("a new token at another address: status %d", got)
	}
	if got := call(t, elsewhere, neighbour, forged(t)); got != http.StatusUnauthorized {
		t.Errorf("a guess at another address: status %d", got)
	}
	// Who is new at the flooding address waits as long as it takes, and is not turned away for good.
	if !gateway.Within(waiting, func() bool { return call(t, flooding, unseen, unseen.Tokens.AccessToken) == http.StatusOK }) {
		t.Error("a new token at the flooding address never gets through")
	}
}
