package pluginhost

import (
	"bufio"
	"errors"
	"io"
	"os"
)

// maxHandshake bounds the first line of a process's standard output, in bytes. A true one has about 1,000.
const maxHandshake = 4 << 10

// passFirstLine gives the first line of stdout to line, if it is short enough, and throws away what follows.
func passFirstLine(stdout io.Reader, line *io.PipeWriter) {
	lines := bufio.NewReaderSize(stdout, maxHandshake)
	first, err := lines.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		_ = line.CloseWithError(errors.New("first line of output is too long"))
	} else {
		_, _ = line.Write(first)
		_ = line.Close()
	}
	_, _ = io.Copy(io.Discard, lines)
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
func (eof) Close() error             { return nil }

// pipe is both ends of one.
type pipe struct{ r, w *os.File }

func (p pipe) close() {
	_ = p.r.Close()
	_ = p.w.Close()
}

// newPipes makes n pipes or none.
func newPipes(n int) ([]pipe, error) {
	pipes := make([]pipe, 0, n)
	for range n {
		r, w, err := os.Pipe()
		if err != nil {
			for _, p := range pipes {
				p.close()
			}
			return nil, err
		}
		pipes = append(pipes, pipe{r, w})
	}
	return pipes, nil
}
