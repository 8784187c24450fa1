package proxy

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"durward/runtime/internal/mcp"
)

// firstRead bounds what is set aside on the word of a Content-Length alone.
const firstRead = 64 << 10

// readBody reads the whole body, or fails: with *http.MaxBytesError if it is longer than limit bytes, and if it has not
// arrived after wait.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, wait time.Duration) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	if r.ContentLength == 0 {
		return nil, nil
	}
	// One byte more than announced: then the read that fills the buffer also finds the end.
	body := make([]byte, 0, min(max(r.ContentLength, 511), firstRead)+1)
	reading := http.NewResponseController(w)
	_ = reading.SetReadDeadline(time.Now().Add(wait)) // a writer that has none is not a connection's
	defer func() { _ = reading.SetReadDeadline(time.Time{}) }()
	from := http.MaxBytesReader(w, r.Body, limit)
	for {
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if errors.Is(err, io.EOF) {
			return body, nil
		}
		if err != nil {
			return nil, err
		}
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
	}
}

// ReadBody reads the whole body for a host that must know the message before the proxy gets the request. false: it could
// not be read, and the client has its answer. The request must then be given that body anew, from memory. limit is in
// bytes, and wait is how long the body may take to arrive.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64, wait time.Duration) ([]byte, bool) {
	body, err := readBody(w, r, limit, wait)
	if err != nil {
		refuseBody(w, err, limit)
		return nil, false
	}
	return body, true
}

func refuseBody(w http.ResponseWriter, err error, limit int64) {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		mcp.WriteError(w, http.StatusRequestEntityTooLarge, nil, mcp.CodeInvalidRequest,
			"the request is larger than "+strconv.FormatInt(limit, 10)+" bytes")
		return
	}
	mcp.WriteError(w, http.StatusBadRequest, nil, mcp.CodeParse, "the request's body broke off")
}
