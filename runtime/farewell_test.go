package runtime

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
)

// openFront serves a handler, with a connection on which one request has been answered.
func openFront(t *testing.T, handler http.Handler) (f *front, call func() *http.Response, conn net.Conn) {
	t.Helper()
	host, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f = host.front(l, settings{}, handler)
	go f.serve()
	t.Cleanup(func() {
		f.close(context.Background())
		if <-f.ended; f.fault != nil {
			t.Errorf("the server ended with %v", f.fault)
		}
	})
	if conn, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	answers := bufio.NewReader(conn)
	call = func() *http.Response {
		t.Helper()
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("the request met a connection that was being closed: %v", err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	if call().Close {
		t.Fatal("the connection ends while the host goes on")
	}
	return f, call, conn
}

func nothing(http.ResponseWriter, *http.Request) {}

// G3: at the end an idle connection is not closed: its next answer says that it is the last.
func TestG3_FarewellTellsConnections(t *testing.T) {
	f, call, conn := openFront(t, http.HandlerFunc(nothing))
	left := make(chan struct{})
	go func() { f.leave(context.Background()); close(left) }()
	<-f.ended
	select {
	case <-left:
		t.Fatal("the farewell is over while a connection is open that was not told")
	default:
	}
	if !call().Close {
		t.Error("the answer does not say that it is the last")
	}
	<-left
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection goes on")
	}
	if _, err := net.Dial("tcp", f.listener.Addr().String()); err == nil {
		t.Error("a new connection was taken")
	}
}

// With nobody there, or nobody left, there is nothing to wait for.
func TestFarewellEndsWithTheLastConnection(t *testing.T) {
	f, _, conn := openFront(t, http.HandlerFunc(nothing))
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	f.leave(context.Background())
	f.leave(context.Background())
}

// What is silent does not hold up the end, and what is in flight is finished after it.
func TestFarewellIsBounded(t *testing.T) {
	arrived, finish := make(chan struct{}), make(chan struct{})
	calls := 0
	f, call, _ := openFront(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if calls++; calls == 2 {
			close(arrived)
			<-finish
		}
	}))
	answered := make(chan *http.Response)
	go func() { answered <- call() }()
	<-arrived
	over, cancel := context.WithCancel(context.Background())
	cancel()
	f.leave(over)
	f.server.RegisterOnShutdown(sync.OnceFunc(func() { close(finish) }))
	closed := make(chan struct{})
	go func() { f.close(context.Background()); close(closed) }()
	if answer := <-answered; answer.StatusCode != http.StatusOK || !answer.Close {
		t.Errorf("the call in flight was answered %s, last: %v", answer.Status, answer.Close)
	}
	<-closed
}
