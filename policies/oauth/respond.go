package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/cimd"
	"durward/policies/oauth/internal/legible"
	"durward/policies/oauth/internal/page"
)

// refusal is an answer that says no and why. Every other error of a handler is a fault: 503, to be tried again.
type refusal struct {
	Status int
	// Code is an error code of RFC 6749 section 5.2, RFC 7591 section 3.2.2 or RFC 8707 section 2.
	Code string
	// Text is for the client's developer. It quotes nothing secret.
	Text string
	// Page is what a person is told where a page is the answer; page.BadRequest, with Text in it, if empty.
	Page page.Message
	// RetryAfter is how long to wait before another try, if that is known.
	RetryAfter time.Duration
}

func (e *refusal) Error() string { return e.Code + ": " + e.Text }

func badRequest(code, text string) *refusal {
	return &refusal{Status: http.StatusBadRequest, Code: code, Text: text}
}

func forbidden(says page.Message, text string) *refusal {
	return &refusal{Status: http.StatusForbidden, Code: "access_denied", Text: text, Page: says}
}

// The refusals that forms have in common.

func foreignForm() *refusal {
	return forbidden(page.ForeignForm, "this form was sent from another site: nothing was changed")
}

func usedUp() *refusal {
	return forbidden(page.Answered, "this page has been answered already, or has waited too long")
}

// fail answers an error: a page where a person reads it, JSON elsewhere. A fault is never reported as invalid_grant or
// invalid_client (S58): clients throw away what they hold on those, and start over on a 503.
func (s *server) fail(w http.ResponseWriter, r *http.Request, at endpoint, err error) {
	no, isRefusal := errors.AsType[*refusal](err)
	if fault, ok := errors.AsType[*cimd.Fault](err); ok && !isRefusal {
		no, isRefusal = s.unread(r.Context(), fault), true
	}
	if !isRefusal {
		level := slog.LevelError
		if errors.Is(r.Context().Err(), context.Canceled) { // whoever asked has gone: nothing is wrong here
			level = slog.LevelDebug
		}
		s.logger.Log(r.Context(), level, "cannot answer",
			"path", r.URL.Path, "request_id", policies.CallFrom(r.Context()).RequestID, "error", err)
		no = &refusal{
			Status: http.StatusServiceUnavailable, Code: "temporarily_unavailable",
			Text: "the gateway cannot do this just now: please try again in a moment",
			Page: page.Unavailable, RetryAfter: 2 * time.Second,
		}
	}
	if no.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(no.RetryAfter.Seconds()))))
	}
	if at.page {
		s.showRefusal(w, r, no)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	write := writeJSON
	if at.admin {
		write = writeLine
	}
	write(w, no.Status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{no.Code, no.Text})
}

// showRefusal answers a person.
func (s *server) showRefusal(w http.ResponseWriter, r *http.Request, no *refusal) {
	err := s.pages.Refusal(w, page.Refusal{
		Status: no.Status, Message: no.Page, Code: no.Code, Text: no.Text, RetryAfter: no.RetryAfter,
		RequestID: policies.CallFrom(r.Context()).RequestID,
	})
	if err != nil {
		s.logger.ErrorContext(r.Context(), "cannot show page", "error", err)
		http.Error(w, no.Text, no.Status)
	}
}

// writeJSON answers value, which is a plain struct or map and always encodes.
func writeJSON(w http.ResponseWriter, status int, value any) {
	status, body := encoded(status, value)
	writeBody(w, status, body)
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// writeLine answers value as writeJSON does, for operators, who read it in a terminal: on a line that ends, and with
// nothing in it that a terminal would obey.
func writeLine(w http.ResponseWriter, status int, value any) {
	status, body := encoded(status, value)
	writeBody(w, status, append(legible.JSON(body), '\n'))
}

func encoded(status int, value any) (int, []byte) {
	body, err := json.Marshal(value)
	if err != nil {
		return http.StatusInternalServerError, []byte(`{"error":"server_error"}`)
	}
	return status, body
}

// allowAnyOrigin opens an answer to scripts of any origin (D7, Q39). It never allows credentials: cookies mean nothing
// at these endpoints.
func allowAnyOrigin(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After")
	if r.Method != http.MethodOptions {
		return
	}
	header.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	header.Set("Access-Control-Allow-Headers", allowedHeaders(r.Header.Get("Access-Control-Request-Headers")))
	header.Set("Access-Control-Max-Age", "600")
}

// allowedHeaders repeats the header names asked for, if they are a list of names and no more.
func allowedHeaders(asked string) string {
	const usual = "Authorization, Content-Type, Accept, MCP-Protocol-Version"
	odd := func(c rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_, ", c)
	}
	if asked == "" || len(asked) > 1024 || strings.ContainsFunc(asked, odd) {
		return usual
	}
	return asked
}
