package browser

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/cdp"
	"github.com/go-rod/rod/lib/launcher"
	"github.com/go-rod/rod/lib/launcher/flags"

	"durward/conformance/parts"
)

// chromium is the one process that all tests share.
var chromium process

func TestMain(m *testing.M) {
	code := m.Run()
	if err := chromium.end(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// process is Chromium, started for the first test that needs it.
type process struct {
	once    sync.Once
	browser *rod.Browser
	err     error
	cmd     *exec.Cmd
	folder  string
}

// get answers the browser, or ends the test for want of it.
func (p *process) get(t *testing.T) *rod.Browser {
	t.Helper()
	path := parts.Chromium(t)
	p.once.Do(func() { p.err = p.start(path) })
	if p.err != nil {
		t.Fatalf("start Chromium: %v", p.err)
	}
	return p.browser
}

// start runs Chromium and speaks to it over pipes: no port is open, and it ends by itself when this process does.
func (p *process) start(path string) error {
	folder, err := os.MkdirTemp("", "durward-chromium")
	if err != nil {
		return err
	}
	p.folder = folder
	certificate, err := certificateHash()
	if err != nil {
		return err
	}
	l := launcher.New().Headless(true).NoSandbox(true).UserDataDir(folder).
		Delete(flags.RemoteDebuggingPort).Set("remote-debugging-pipe").
		// Sites are apart from each other, as in everybody's browser: rod would switch that off.
		Delete("disable-site-isolation-trials").Set("disable-features", "TranslateUI").
		Set("hide-scrollbars").Set("disable-gpu").Set("disable-quic").Set("disable-component-update").
		// Names of this suite are this machine, and there is no other: nothing leaves it.
		Set("no-proxy-server").
		Set("host-resolver-rules", "MAP *."+site+" 127.0.0.1, MAP *."+foreignSite+" 127.0.0.1, "+
			"MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost").
		// Trusts the certificate of the suite's servers and no other.
		Set("ignore-certificate-errors-spki-list", certificate)

	commands, write, err := os.Pipe()
	if err != nil {
		return err
	}
	read, answers, err := os.Pipe()
	if err != nil {
		return err
	}
	p.cmd = exec.Command(path, l.FormatArgs()...)
	p.cmd.ExtraFiles = []*os.File{commands, answers} // its descriptors 3 and 4
	if err := p.cmd.Start(); err != nil {
		return err
	}
	_, _ = commands.Close(), answers.Close() // the process holds its own
	client := cdp.New().Start(&pipes{in: bufio.NewReaderSize(read, 1<<20), out: write})
	p.browser = rod.New().Client(client).NoDefaultDevice()
	return p.browser.Connect()
}

// end has Chromium end, waits for it, and removes what it wrote.
func (p *process) end() error {
	if p.cmd == nil || p.cmd.Process == nil {
		return nil
	}
	if p.browser == nil || p.browser.Close() != nil {
		_ = p.cmd.Process.Kill() // it does not listen
	}
	_ = p.cmd.Wait() // how it ended tells nothing about the gateway
	return os.RemoveAll(p.folder)
}

// pipes carry the DevTools protocol: each message ends with a zero byte.
type pipes struct {
	in  *bufio.Reader
	mu  sync.Mutex
	out io.Writer
}

// Send implements cdp.WebSocketable.
func (p *pipes) Send(message []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.out.Write(append(bytes.Clone(message), 0))
	return err
}

// Read implements cdp.WebSocketable.
func (p *pipes) Read() ([]byte, error) {
	message, err := p.in.ReadBytes(0)
	if err != nil {
		return nil, err
	}
	return message[:len(message)-1], nil
}
