package shapes

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

// step is one of a shape's. Its name is one of
//
//	POST /path     a request: lines of headers, an empty line, the body. A form's body is a line NAME=VALUE for each
//	               parameter; a path without an origin is at the gateway
//	authorize      the parameters that a person is sent to the authorization endpoint with, a line NAME=VALUE for each. The
//	               person allows and signs in
//	refuse         the same, and the person refuses
//	publish /path  a document of the client's host
//
// ${NAME} stands for a variable: see replay.
type step struct {
	verb, target string
	// header and body are of a request. The parameters of an authorization request, and a document, are a body.
	header http.Header
	body   string
	want   outcome
}

// outcome is what must come of a step: a status, which for an authorization request is 302 where the client is answered,
// and lines of these forms.
//
//	Header: TEXT        the header holds the text
//	page: TEXT          the consent page, or the page that refuses, holds the words
//	.member = JSON      the member of the JSON object, or the parameter of the answer to the client, is that
//	.member has JSON    the member is an array with that in it
//	.member absent      there is no such member
//	.member -> NAME     the member, which is text, is the variable's value from now on
type outcome struct {
	status string
	lines  []string
}

var begins = regexp.MustCompile(`(?m)^=> ?(.*)$`)

// readShape reads a file of testdata.
func readShape(file string) (about string, steps []step, err error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", nil, err
	}
	archive := txtar.Parse(content)
	for _, f := range archive.Files {
		s, err := readStep(f.Name, string(f.Data))
		if err != nil {
			return "", nil, fmt.Errorf("step %q: %w", f.Name, err)
		}
		steps = append(steps, s)
	}
	return string(archive.Comment), steps, nil
}

func readStep(name, text string) (step, error) {
	s := step{header: http.Header{}}
	s.verb, s.target, _ = strings.Cut(name, " ")
	done := text
	if at := begins.FindStringSubmatchIndex(text); at != nil {
		done, s.want.status = text[:at[0]], text[at[2]:at[3]]
		for line := range strings.Lines(text[at[1]:]) {
			if line = strings.TrimSpace(line); line != "" {
				s.want.lines = append(s.want.lines, line)
			}
		}
	} else if s.verb != "publish" {
		return s, fmt.Errorf("does not say what must come of it")
	}
	switch s.verb {
	case "authorize", "refuse", "publish":
		s.body = done
		return s, nil
	}
	head, body, _ := strings.Cut(done, "\n\n")
	for line := range strings.Lines(head) {
		field, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			return s, fmt.Errorf("%q is no header", line)
		}
		s.header.Add(field, value)
	}
	s.body = strings.TrimSpace(body)
	return s, nil
}
