package admin

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// entry is one file of an archive in the making.
type entry struct{ name, content string }

func archive(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestSpeed)
	})
	for _, e := range entries {
		f, err := w.Create(e.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// special is an archive whose one file is a link or the like.
func special(t *testing.T, mode fs.FileMode) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	header := &zip.FileHeader{Name: "policies.json"}
	header.SetMode(mode | 0o600)
	f, err := w.CreateHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, "/etc/passwd"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// claiming is an archive whose one file is said to hold n bytes when it is unpacked, in both places that say so.
func claiming(t *testing.T, content string, n uint32) []byte {
	t.Helper()
	data := archive(t, entry{"policies.json", content})
	was := binary.LittleEndian.AppendUint32(nil, uint32(len(content)))
	return bytes.ReplaceAll(data, was, binary.LittleEndian.AppendUint32(nil, n))
}

// What is sent as the files of a candidate comes to the host as a folder, or is refused with a text. Nothing of it is
// written, and no more of it is held than the bounds say.
func TestPlanTakesFiles(t *testing.T) {
	many := make([]entry, maxFiles+1)
	for i := range many {
		many[i] = entry{fmt.Sprintf("%d.json", i), "{}"}
	}
	broken := archive(t, entry{"policies.json", strings.Repeat("broken ", 100)})
	at := bytes.Index(broken, []byte("policies.json")) + len("policies.json")
	broken[at+4] ^= 0xff
	random := make([]byte, maxArchive+1)
	for _, c := range []struct {
		name string
		body []byte
		kind string
		code int
		text string
	}{
		{"files", archive(t, entry{"policies.json", "{}"}, entry{"more/routes.json", "[]"}), "", 200, "more/routes.json policies.json"},
		{"none", archive(t), "", 200, `""`},
		{"a type with parameters", archive(t), "application/zip; charset=binary", 200, `""`},
		{"another type", archive(t), "application/json", 415, "application/zip"},
		{"no zip", []byte("{}"), "", 400, "not a zip archive"},
		{"nothing", nil, "", 400, "not a zip archive"},
		{"half a zip", archive(t, entry{"policies.json", "{}"})[20:], "", 400, ""},
		{"too large", random, "", 413, "larger than 8 MiB"},
		{"too many files", archive(t, many...), "", 400, "more than 1000 files"},
		{"a bomb", archive(t, entry{"policies.json", strings.Repeat("x", maxContent+1)}), "", 400, "hold more than 33554432 bytes"},
		{"less than it claims", claiming(t, "12345678901", 4000), "", 400, "cannot be read"},
		{"bytes that do not fit their sum", broken, "", 400, "cannot be read"},
		{"a folder above", archive(t, entry{"../policies.json", "{}"}), "", 400, `"../policies.json" in the archive is no name`},
		{"a folder above, further in", archive(t, entry{"a/../../policies.json", "{}"}), "", 400, "is no name"},
		{"an absolute path", archive(t, entry{"/etc/policies.json", "{}"}), "", 400, "is no name"},
		{"a path of another system", archive(t, entry{`..\policies.json`, "{}"}), "", 400, "is no name"},
		{"a drive", archive(t, entry{`c:policies.json`, "{}"}), "", 400, "is no name"},
		{"no name", archive(t, entry{"", "{}"}), "", 400, "is no name"},
		{"this folder", archive(t, entry{".", "{}"}), "", 400, "is no name"},
		{"a folder", archive(t, entry{"more/", ""}), "", 400, "is no name"},
		{"a name twice", archive(t, entry{"policies.json", "{}"}, entry{"policies.json", "[]"}), "", 400, "is in the archive twice"},
		{"a file and a folder", archive(t, entry{"a", "{}"}, entry{"a/b", "[]"}), "", 400, `"a" in the archive is a file and a folder`},
		{"a link", special(t, fs.ModeSymlink), "", 400, "no plain file"},
		{"a device", special(t, fs.ModeDevice), "", 400, "no plain file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := New(Options{
				Loopback: true,
				Token:    func() string { return "" },
				Plan: func(_ context.Context, files fs.FS) (any, error) {
					var names []string
					err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
						if err == nil && !d.IsDir() {
							names = append(names, name)
							_, err = fs.ReadFile(files, name)
						}
						return err
					})
					return strings.Join(names, " "), err
				},
			})
			r := httptest.NewRequest(http.MethodPost, "/-/plan", bytes.NewReader(c.body))
			r.Host = "127.0.0.1"
			r.Header.Set("Content-Type", "application/zip")
			if c.kind != "" {
				r.Header.Set("Content-Type", c.kind)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.code || !strings.Contains(w.Body.String(), c.text) {
				t.Errorf("%d %s, want %d with %q", w.Code, w.Body, c.code, c.text)
			}
		})
	}
}

// The bound is one of all files together, and of what they hold, not of what they claim.
func TestArchiveBounds(t *testing.T) {
	content := strings.Repeat("x", 1000)
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"as much as may be", archive(t, entry{"a", content}), ""},
		{"a byte more", archive(t, entry{"a", content + "x"}), "hold more than"},
		{"a byte more in several", archive(t, entry{"a", content}, entry{"b", "x"}), "hold more than"},
		{"more than it claims", claiming(t, content, 7), "cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := openArchive(c.data, int64(len(content)))
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// What keeps the host from comparing is told; a plan is no less guarded than a reload.
func TestPlanRefuses(t *testing.T) {
	plan := func(token string, header ...string) *httptest.ResponseRecorder {
		h := New(Options{
			Loopback: true,
			Token:    func() string { return token },
			Plan:     func(context.Context, fs.FS) (any, error) { return nil, os.ErrClosed },
		})
		r := httptest.NewRequest(http.MethodPost, "/-/plan", bytes.NewReader(archive(t)))
		r.Host = "127.0.0.1"
		r.Header.Set("Content-Type", "application/zip")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	if w := plan(""); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), os.ErrClosed.Error()) {
		t.Errorf("a host that cannot: %d %s", w.Code, w.Body)
	}
	if w := plan("0123456789abcdef"); w.Code != http.StatusUnauthorized {
		t.Errorf("without the token: %d %s", w.Code, w.Body)
	}
	if w := plan("", "Origin", "http://127.0.0.1:9001"); w.Code != http.StatusForbidden {
		t.Errorf("from a page: %d %s", w.Code, w.Body)
	}
}
