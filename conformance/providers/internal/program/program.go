// Package program is what the identity providers that are Go programs have in common: how they are told what to be, and
// when to end.
//
// It promises that a program listens on 127.0.0.1 alone, and that it ends with its standard input, so that none outlives
// the test that started it, however that test ends. It is not a provider: those are the folders fosite and zitadel.
package program

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Settings are the first line of the standard input.
type Settings struct {
	// ClientID and ClientSecret are the gateway's.
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	// Scopes are those the client is allowed.
	Scopes []string `json:"scopes"`
	// People are those who can sign in.
	People []Person `json:"people"`
	// Key and Certificate are PEM, for a provider that is served over TLS.
	Key         string `json:"key,omitempty"`
	Certificate string `json:"certificate,omitempty"`
}

// Person is somebody who can sign in.
type Person struct {
	Subject  string `json:"subject"`
	Username string `json:"username"`
	Password string `json:"password"`
	Name     string `json:"name"`
	Email    string `json:"email"`
}

// Listening is the first line that a program prints. It serves nobody before it knows where to answer.
type Listening struct {
	Issuer string `json:"issuer"`
}

// Callback is the second line of the standard input: the client's one redirect URI.
type Callback struct {
	RedirectURI string `json:"redirectUri"`
}

// Serving is the second line that a program prints.
type Serving struct {
	Serving bool `json:"serving"`
}

// Change is each further line of the standard input, until that ends. Each is answered with a Changed.
type Change struct {
	// Disable is the subject of somebody who cannot sign in from now on, and whose refresh tokens are refused.
	Disable string `json:"disable"`
}

// Changed says that a change is in force.
type Changed struct {
	Changed bool `json:"changed"`
}

// Disabled are the subjects of those who have been disabled.
type Disabled struct{ subjects sync.Map }

// Has says whether somebody has been disabled.
func (d *Disabled) Has(subject string) bool {
	_, has := d.subjects.Load(subject)
	return has
}

// Make makes a provider.
type Make func(issuer string, s Settings, c Callback, gone *Disabled) (http.Handler, error)

// Run is a program: it listens, and serves the provider that is made until the standard input ends.
func Run(provider Make) error {
	in, out := json.NewDecoder(bufio.NewReader(os.Stdin)), json.NewEncoder(os.Stdout)
	var s Settings
	if err := in.Decode(&s); err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	issuer := "http://" + listener.Addr().String()
	if err := out.Encode(Listening{issuer}); err != nil {
		return fmt.Errorf("print issuer: %w", err)
	}
	var c Callback
	if err := in.Decode(&c); err != nil {
		return fmt.Errorf("read callback: %w", err)
	}
	var gone Disabled
	handler, err := provider(issuer, s, c, &gone)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	if err := out.Encode(Serving{true}); err != nil {
		return fmt.Errorf("print that it serves: %w", err)
	}
	for {
		var change Change
		if err := in.Decode(&change); err != nil { // however the standard input ends, this ends with it
			break
		}
		gone.subjects.Store(change.Disable, true)
		if err := out.Encode(Changed{true}); err != nil {
			return fmt.Errorf("print that it has changed: %w", err)
		}
	}
	if err := server.Close(); err != nil {
		return fmt.Errorf("end: %w", err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
