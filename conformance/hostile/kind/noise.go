package kind

import (
	"bytes"
	"fmt"
	"strings"
	"syscall"
)

// foreignHandshake is a first line as go-plugin wants one, of a socket that is not the process's own.
const foreignHandshake = "1|1|unix|/tmp/durward-nobodys.sock|grpc|\n"

// noiseBytes is how much is written where the amount is the fault.
const noiseBytes = 100 << 20

// write writes to a descriptor of the process's own: go-plugin has replaced what package os has of them.
func write(fd int, text []byte) error {
	for len(text) > 0 {
		n, err := syscall.Write(fd, text)
		if err != nil && err != syscall.EINTR {
			return fmt.Errorf("write to descriptor %d: %w", fd, err)
		}
		text = text[max(n, 0):]
	}
	return nil
}

func closes(fd int) func() error {
	return func() error { return syscall.Close(fd) }
}

// endlessLine writes 100 MB without a newline to standard error, in the background: the policy goes on.
func endlessLine() error {
	go func() {
		chunk := bytes.Repeat([]byte("x"), 1<<20)
		for range noiseBytes / len(chunk) {
			if write(2, chunk) != nil {
				return
			}
		}
		_ = write(2, []byte("\nthe endless line has ended\n"))
	}()
	return nil
}

func invalidUTF8() error {
	return write(2, []byte("\xff\xfe\x00\x80 caf\xe9 \xed\xa0\x80 \xc0\xaf\nbehind what is no UTF-8\n"))
}

// hostileJSON writes lines that look like a log's and are not.
func hostileJSON() error {
	return write(2, []byte(strings.Join([]string{
		`{"@message":1}`,
		`{"@message":{"a":[]},"@level":7,"@timestamp":false}`,
		`{"msg":"forged","level":"ERROR+9999999999999999999","time":"never","policy":"clerk","request_id":"forged"}`,
		`{"msg":"listening","level":"INFO","listen":"203.0.113.1:1","admin":"203.0.113.1:2"}`,
		`{"msg":"huge","n":` + strings.Repeat("9", 4000) + `,"e":1e999999}`,
		`{"msg":"` + strings.Repeat(`\u0000\ud800\"`, 500) + `"}`,
		strings.Repeat("[", 12000),
		strings.Repeat(`{"a":`, 3000),
		`{"msg":"a line\nin a line","\n":"\r","` + strings.Repeat("k", 2000) + `":1}`,
		`{"msg":"behind the hostile json","level":"INFO"}`,
	}, "\n")+"\n"))
}

func floodLines() error {
	go func() {
		lines := []byte(strings.Repeat(`{"msg":"flood","level":"ERROR"}`+"\n", 1000))
		for range 200 {
			if write(2, lines) != nil {
				return
			}
		}
	}()
	return nil
}
