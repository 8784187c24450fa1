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

// relay sends a body on that is no event stream. The head has been written. If the body cannot be sent whole it panics
// with http.ErrAbortHandler, so that the client sees it broken off and not ended.
func (h *handler) relay(x *exchange, res *http.Response) {
	whole, read, wrote := h.buffers.copy(x.ctx, h.client(x), res.Body, res.ContentLength, nil)
	switch {
	case whole:
	case wrote != nil:
		panic(http.ErrAbortHandler)
	case x.ctx.Err() != nil:
		x.cut(endedBy(x.ctx))
		panic(http.ErrAbortHandler)
	default:
		h.brokeOff(x, read)
	}
}

// brokeOff says that the upstream did not finish its answer, to the log and to the client.
func (h *handler) brokeOff(x *exchange, read error) {
	if x.ctx.Err() == nil {
		h.warn(x.ctx, "upstream broke off", read)
		h.OnBroken(fmt.Errorf("read answer of upstream %s: %w", h.Upstream.Host, read))
	}
	panic(http.ErrAbortHandler)
}

// copyBody sends a body on until it ends, or the stream that it is does. It answers separately which side failed. With
// ctx the call ends: what an HTTP/2 body has in memory by then, up to 4 MiB, could still be read.
func copyBody(
	ctx context.Context, to *client, from io.Reader, buffer []byte, s *stream,
) (whole bool, read, wrote error) {
	for {
		n, err := from.Read(buffer)
		if err == nil && ctx.Err() != nil {
			return false, context.Cause(ctx), nil
		}
		part, cut := s.pass(buffer[:n])
		last := errors.Is(err, io.EOF)
		if len(part) > 0 {
			if wrote := to.send(part, !last); wrote != nil {
				return false, nil, wrote
			}
		}
		switch {
		case cut:
			return false, nil, nil
		case last:
			return true, nil, nil
		case err != nil:
			return false, err, nil
		}
	}
}

// client is the receiving end of an answer.
type client struct {
	to      http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
}

func (h *handler) client(x *exchange) *client {
	return &client{to: x.w, control: http.NewResponseController(x.w), stall: h.Stall}
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

// copy passes a body on through a buffer of the fitting size; length is -1 if it is not known. s is nil if the body is no
// event stream.
func (p *buffers) copy(
	ctx context.Context, to *client, from io.Reader, length int64, s *stream,
) (whole bool, read, wrote error) {
	if s != nil || length >= 0 && length <= smallBuffer {
		b := p.small.Get().(*[smallBuffer]byte)
		defer p.small.Put(b)
		return copyBody(ctx, to, from, b[:], s)
	}
	b := p.large.Get().(*[largeBuffer]byte)
	defer p.large.Put(b)
	return copyBody(ctx, to, from, b[:], s)
}
