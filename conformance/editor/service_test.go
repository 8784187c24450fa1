package editor

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"durward/conformance/gateway"
	"durward/conformance/parts"
)

// patience is how long the service may take for an answer, and for its end.
const patience = 30 * time.Second

// service is an editor that has a folder open.
type service struct {
	t       *testing.T
	program *exec.Cmd
	in      *json.Encoder
	out     *json.Decoder
}

// diagnostic is what an editor underlines: the text that is marked, and what is said of it.
type diagnostic struct{ Marked, Message string }

// completion is what an editor offers at the place of the cursor.
type completion struct{ Label, Inserts, About string }

// answer is what an editor has to say of a file, and of the place of the cursor in it.
type answer struct {
	Diagnostics []diagnostic
	Completions []completion
	Hover       string
}

// open starts an editor in a folder that holds the schemas of the binary, by the names that documentation gives them.
func open(t *testing.T) *service {
	t.Helper()
	folder := t.TempDir()
	for _, kind := range []string{"policies", "routes", "gateway"} {
		printed, err := exec.Command(gateway.Binary(t), "schema", kind).Output()
		if err != nil {
			t.Fatalf("durward schema %s: %v", kind, err)
		}
		if err := os.WriteFile(filepath.Join(folder, kind+".schema.json"), printed, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	script, err := filepath.Abs("service.mjs")
	if err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, program: exec.Command(parts.Node(t), script, parts.Modules(t), folder)}
	in, err := s.program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	s.program.Stderr = &said
	if err := s.program.Start(); err != nil {
		t.Fatalf("start the language service: %v", err)
	}
	s.in, s.out = json.NewEncoder(in), json.NewDecoder(out)
	t.Cleanup(func() {
		_ = in.Close()
		giveUp := time.AfterFunc(patience, func() { _ = s.program.Process.Kill() })
		defer giveUp.Stop()
		_, _ = io.Copy(io.Discard, out) // Wait must not be called before all is read
		if err := s.program.Wait(); err != nil {
			t.Errorf("the language service ended: %v\n%s", err, said.String())
		}
	})
	return s
}

// cursor is where a person is about to type, or points at, in a text of the tests.
const cursor = "‸"

// ask shows the editor a file. The text may hold a cursor, which is taken out.
func (s *service) ask(file, text string) answer {
	s.t.Helper()
	before, after, _ := strings.Cut(text, cursor)
	giveUp := time.AfterFunc(patience, func() { _ = s.program.Process.Kill() })
	defer giveUp.Stop()
	question := struct {
		File   string `json:"file"`
		Text   string `json:"text"`
		Offset int    `json:"offset"`
	}{file, before + after, utf16Length(before)}
	if err := s.in.Encode(question); err != nil {
		s.t.Fatalf("ask the language service: %v", err)
	}
	var a answer
	if err := s.out.Decode(&a); err != nil {
		s.t.Fatalf("hear from the language service: %v", err)
	}
	return a
}

// utf16Length is how long JavaScript thinks a text is.
func utf16Length(text string) (n int) {
	for _, r := range text {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}
