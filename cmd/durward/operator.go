package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"durward/runtime"
)

// tokenVariable holds the token for operators. There is no flag that does: other users of a machine can read flags.
const tokenVariable = "DURWARD_ADMIN_TOKEN"

// Bounds of what is asked of a gateway.
const (
	operatorTimeout = 30 * time.Second
	maxAnswer       = 64 << 20
)

// operator asks a running gateway at its admin address.
type operator struct {
	address string
	// token is "" for none, and tokenBy says where it is from.
	token, tokenBy string
	client         *http.Client
}

// operatorFlags are the flags of the verbs that ask a gateway.
type operatorFlags struct{ admin, tokenFile string }

func (f *operatorFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.admin, "admin", runtime.DefaultAdmin,
		"ask the gateway whose operators are served on `HOST:PORT` (DURWARD_ADMIN)")
	c.Flags().StringVar(&f.tokenFile, "token-file", "",
		"read adminToken, if the gateway has one, from `FILE` ("+tokenVariable+" holds it itself)")
}

// operator answers whom to ask.
func (f *operatorFlags) operator(c *cobra.Command) (*operator, error) {
	at, err := address(said(c, "admin", "DURWARD_ADMIN"))
	if err != nil {
		return nil, err
	}
	o := &operator{address: cmp.Or(at, runtime.DefaultAdmin), token: os.Getenv(tokenVariable), tokenBy: tokenVariable}
	if f.tokenFile != "" {
		data, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("read token: %w", err)
		}
		if o.token, o.tokenBy = strings.TrimSpace(string(data)), f.tokenFile; o.token == "" {
			return nil, fmt.Errorf("there is no token in %s", f.tokenFile)
		}
	}
	o.client = &http.Client{
		Timeout:       operatorTimeout,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 1}, // the zero one asks no proxy
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return o, nil
}

// ask makes a request and answers the body of an answer with status 200. Any other is an error that tells a person what
// to do.
func (o *operator) ask(ctx context.Context, method, path, contentType string, body io.Reader) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+o.address+path, body)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", o.address, err)
	}
	// The admin listener takes its own address and loopback names only, so that no page can reach it under a name. This
	// is no page, and may have been given a name.
	r.Host = "localhost"
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if o.token != "" {
		r.Header.Set("Authorization", "Bearer "+o.token)
	}
	answer, err := o.client.Do(r)
	if err != nil {
		return nil, o.unreachable(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("the answer of %s broke off: %w", o.address, err)
	}
	if len(text) > maxAnswer {
		return nil, fmt.Errorf("the answer of %s is larger than %d MiB: is it the admin address of a gateway?", o.address, maxAnswer>>20)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, o.refused(answer.StatusCode, string(text))
	}
	return text, nil
}

func (o *operator) unreachable(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("nothing listens at %s: start the gateway, or name its admin address with --admin", o.address)
	}
	if failed, ok := errors.AsType[net.Error](err); ok && failed.Timeout() {
		return fmt.Errorf("%s does not answer: is it the admin address of a gateway?", o.address)
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner // what http adds is the URL, which is said already
	}
	return fmt.Errorf("ask %s: %w", o.address, err)
}

// unknownPath is what an address answers that does not serve what was asked for.
type unknownPath struct{ address string }

func (e unknownPath) Error() string {
	return fmt.Sprintf("what answers at %s does not know this: it is no admin address, or a gateway older than this command",
		e.address)
}

func (o *operator) refused(status int, text string) error {
	switch status {
	case http.StatusUnauthorized:
		if o.token == "" {
			return fmt.Errorf("the gateway at %s wants adminToken of its gateway.json: give it with --token-file or %s",
				o.address, tokenVariable)
		}
		return fmt.Errorf("the gateway at %s does not take the token from %s: it is not adminToken of its gateway.json",
			o.address, o.tokenBy)
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return unknownPath{o.address}
	}
	var told struct {
		Description string `json:"error_description"`
	}
	if json.Unmarshal([]byte(text), &told) == nil && told.Description != "" {
		text = told.Description
	}
	line, _, _ := strings.Cut(text, "\n")
	if len(line) > 300 {
		line = line[:300] + "..."
	}
	return fmt.Errorf("the gateway at %s answered %d: %s", o.address, status, printable(line))
}

// printable is a text as a terminal may show it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}
