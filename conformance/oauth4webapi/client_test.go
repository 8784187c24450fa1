package oauth4webapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"durward/conformance/clienthost"
	"durward/conformance/gateway"
	"durward/conformance/parts"
)

// patience bounds the life of a client: far more than it takes.
const patience = 2 * time.Minute

// settings say where the gateway is, and which client to be.
type settings struct {
	Issuer   string `json:"issuer"`
	Resource string `json:"resource"`
	// Redirect is where the client is answered. Host is the origin of the web host that serves what it publishes.
	Redirect string `json:"redirect"`
	Host     string `json:"host"`
	// Message is a call that needs no session.
	Message string `json:"message"`
	// Identified is "registered", or "document" for a client metadata document.
	Identified string `json:"identified"`
	// Method is the token_endpoint_auth_method, Alg the algorithm of private_key_jwt. KeysAt is the path of jwks_uri; without
	// one the keys are given by value.
	Method string `json:"method"`
	Alg    string `json:"alg,omitempty"`
	KeysAt string `json:"keysAt,omitempty"`
}

// said is a line of the client's: it asks for something, or is the last.
type said struct {
	Publish  string          `json:"publish"`
	Document json.RawMessage `json:"document"`
	Visit    string          `json:"visit"`
	Done     bool            `json:"done"`
	Error    string          `json:"error"`
}

func TestClients(t *testing.T) {
	node, modules := parts.Node22(t), parts.Modules(t)
	w := start(t)
	for _, s := range []settings{
		{Identified: "registered", Method: "none"},
		{Identified: "registered", Method: "client_secret_basic"},
		{Identified: "registered", Method: "client_secret_post"},
		{Identified: "registered", Method: "private_key_jwt", Alg: "ES256"},
		{Identified: "registered", Method: "private_key_jwt", Alg: "PS256", KeysAt: "/keys.json"},
		{Identified: "document", Method: "none"},
		{Identified: "document", Method: "private_key_jwt", Alg: "ES384"},
		{Identified: "document", Method: "private_key_jwt", Alg: "RS256", KeysAt: "/keys.json"},
	} {
		t.Run(s.Identified+" "+s.Method+" "+s.Alg, func(t *testing.T) {
			t.Parallel()
			// Each client is of a vendor of its own: what one publishes is nothing to another.
			host := clienthost.Start(t)
			s.Issuer, s.Resource, s.Message = w.URL, w.MCP(), gateway.Echo
			s.Redirect, s.Host = gateway.RedirectURI, host.URL
			command := exec.Command(node, script(t), modules)
			command.Env = append(command.Environ(), "NODE_EXTRA_CA_CERTS="+w.caFile)
			w.live(t, host, command, s)
		})
	}
}

// live starts a client and does for it what it asks for, until it is done.
func (w *world) live(t *testing.T, host *clienthost.Host, command *exec.Cmd, s settings) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	in, err := command.StdinPipe()
	must(t, err)
	out, err := command.StdoutPipe()
	must(t, err)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	must(t, command.Start())
	defer context.AfterFunc(ctx, func() { _ = command.Process.Kill() })()
	defer func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out) // Wait must not be called before all is read
		if err := command.Wait(); err != nil || complaints.Len() > 0 {
			t.Errorf("the client ended: %v\n%s", err, complaints.String())
		}
	}()
	person := w.Person(t, "Ada Lovelace")
	questions, answers := json.NewDecoder(out), json.NewEncoder(in)
	must(t, answers.Encode(s))
	for {
		var line said
		if err := questions.Decode(&line); err != nil {
			t.Errorf("hear from the client: %v", err)
			return
		}
		answer := map[string]string{}
		switch {
		case line.Done:
			return
		case line.Error != "":
			err = errors.New(line.Error)
		case line.Publish != "":
			host.SetDocument(line.Publish, 200, nil, string(line.Document))
		case line.Visit != "":
			values, fault := person.Allow(ctx, line.Visit)
			err = fault
			answer["callback"] = s.Redirect + "?" + values.Encode()
		}
		if err != nil {
			t.Error(err)
			return
		}
		must(t, answers.Encode(answer))
	}
}

func script(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("client.mjs")
	must(t, err)
	return path
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
