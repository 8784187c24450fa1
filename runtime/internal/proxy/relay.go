package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// relay sends the body on as it comes. The head has been written. If the body cannot be sent whole it panics with
// http.ErrAbortHandler, so that the client sees it broken off and not ended.
func (h *handler) relay(ctx context.Context, w http.ResponseWriter, res *http.Response) {
	out := client{to: w, control: http.NewResponseController(w), stall: h.Stall}
	events := isEventStream(res.Header)
	if events && out.flush() != nil { // the head: the first event may be long in coming
		panic(http.ErrAbortHandler)
	}
	read, wrote := h.buffers.copy(&out, res.Body, res.ContentLength, events)
	switch {
	case read == nil && wrote == nil:
	case wrote == nil && drained(ctx) && events:
	case wrote != nil || ctx.Err() != nil:
		panic(http.ErrAbortHandler)
	default:
		h.warn(ctx, "upstream broke off", read)
		h.OnBroken(fmt.Errorf("read answer of upstream %s: %w", h.Upstream.Host, read))
		panic(http.ErrAbortHandler)
	}
}

// copyBody answers separately which side failed.
func copyBody(to *client, from io.Reader, buffer []byte) (read, wrote error) {
	for {
		n, err := from.Read(buffer)
		last := errors.Is(err, io.EOF)
		if n > 0 {
			if wrote := to.send(buffer[:n], !last); wrote != nil {
				return nil, wrote
			}
		}
		if last {
			return nil, nil
		}
		if err != nil {
			return err, nil
		}
	}
}

// client is the receiving end of an answer.
type client struct {
	to      http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
}

// send gives the client bytes; flush sends them off at once. Without it the server does so when the handler returns.
func (c *client) send(b []byte, flush bool) error {
	if err := c.bound(time.Now().Add(c.stall)); err != nil {
		return err
	}
	if _, err := c.to.Write(b); err != nil {
		return err
	}
	if !flush {
		return nil // the bound also holds for what the server still has to send, and ends with the request
	}
	return c.flush()
}

// flush sends off what was written, and takes the bound back: HTTP/2 would end a silent stream by it.
func (c *client) flush() error {
	if err := c.control.Flush(); err != nil {
		return err
	}
	return c.bound(time.Time{})
}

// bound sets when writes fail for want of a client that reads.
func (c *client) bound(until time.Time) error {
	if err := c.control.SetWriteDeadline(until); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// Sizes of the buffers that answers pass through. An event stream keeps its buffer for as long as it lives, mostly idle,
// and a small one costs it nothing: the connection beneath reads 4 KiB at a time anyway.
const (
	smallBuffer = 4 << 10
	largeBuffer = 32 << 10
)

type buffers struct{ small, large sync.Pool }

func newBuffers() *buffers {
	b := new(buffers)
	b.small.New = func() any { return new([smallBuffer]byte) }
	b.large.New = func() any { return new([largeBuffer]byte) }
	return b
}

// copy passes a body on through a buffer of the fitting size; length is -1 if it is not known.
func (p *buffers) copy(to *client, from io.Reader, length int64, events bool) (read, wrote error) {
	if events || length >= 0 && length <= smallBuffer {
		b := p.small.Get().(*[smallBuffer]byte)
		defer p.small.Put(b)
		return copyBody(to, from, b[:])
	}
	b := p.large.Get().(*[largeBuffer]byte)
	defer p.large.Put(b)
	return copyBody(to, from, b[:])
}
