package streams

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// idHeader names an exchange to the upstream. It is no header that a gateway would keep for itself.
const idHeader = "X-Test-Exchange"

// upstream is an MCP server's stand-in. It answers with events until it is told to finish, and a call of the tool "hold"
// with nothing at all.
type upstream struct {
	*httptest.Server
	mu     sync.Mutex
	states map[string]*state
}

// state is one exchange as the upstream sees it.
type state struct {
	begun, finish, gone chan struct{}
}

func startUpstream(t *testing.T) *upstream {
	u := &upstream{states: make(map[string]*state)}
	u.Server = httptest.NewServer(http.HandlerFunc(u.serve))
	t.Cleanup(func() {
		u.CloseClientConnections()
		u.Close()
	})
	return u
}

// exchange answers the state of the exchange with this id, from either side.
func (u *upstream) exchange(id string) *state {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.states[id] == nil {
		u.states[id] = &state{make(chan struct{}), make(chan struct{}), make(chan struct{})}
	}
	return u.states[id]
}

func (u *upstream) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // only then does a server notice that its client has gone
	var message struct {
		ID     json.RawMessage
		Params struct{ Name string }
	}
	_ = json.Unmarshal(body, &message) // GET has none
	s := u.exchange(r.Header.Get(idHeader))
	close(s.begun)
	if message.Params.Name == "hold" {
		<-r.Context().Done()
		close(s.gone)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		_, _ = io.WriteString(w, tick)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-ticker.C:
		case <-s.finish:
			_, _ = fmt.Fprintf(w, "data: "+`{"jsonrpc":"2.0","id":%s,"result":{"done":true}}`+"\n\n", message.ID)
			return
		case <-r.Context().Done():
			close(s.gone)
			return
		}
	}
}

// tick is the event that says that a stream goes on.
const tick = "data: " + `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"tick"}}` + "\n\n"
