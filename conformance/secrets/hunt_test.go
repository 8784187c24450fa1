package secrets

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"durward/conformance/gateway"
)

// canary is the secret that stands at the named place. All begin alike, so that one that turns up in a place of which
// nobody thought is found too.
func canary(place string) string { return gateway.Canary + "-" + place }

// digits is the canary where a number stands.
const digits = "73911551208467"

// hunt knows what must not be seen, by every form in which it may be written.
type hunt struct {
	mu    sync.Mutex
	forms map[string]string // what it is a form of
}

// newHunt looks for the canaries, wherever they stand.
func newHunt() *hunt {
	h := &hunt{forms: map[string]string{}}
	h.add("canary", gateway.Canary)
	h.add("canary in digits", digits)
	return h
}

// add has the hunt look for a secret as it is, in hex, and in base64 at each place among other text: a client's secret
// travels as the end of "id:secret" in base64.
func (h *hunt) add(what, secret string) {
	if len(secret) < 8 {
		return // it would be found by chance
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, form := range append(inBase64(secret), secret, hex.EncodeToString([]byte(secret))) {
		h.forms[form] = what
	}
}

// inBase64 answers what of a text is the same in base64 whatever stands around it.
func inBase64(text string) (forms []string) {
	for shift := range 3 {
		shifted := append(make([]byte, shift), text...)
		whole := len(shifted) / 3 * 4
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			// The first group holds what stood before.
			if form := encoding.EncodeToString(shifted)[min(shift, 1)*4 : whole]; len(form) >= 8 {
				forms = append(forms, form)
			}
		}
	}
	return forms
}

// look reports every secret that text holds. where says what the text is.
func (h *hunt) look(t *testing.T, where string, text []byte) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []string
	for form, what := range h.forms {
		if at := bytes.Index(text, []byte(form)); at >= 0 && !slices.Contains(found, what) {
			found = append(found, what)
			t.Errorf("G10: %s holds a secret (%s): …%q…", where, what, text[max(0, at-80):min(len(text), at+len(form)+20)])
		}
	}
}

// lookIn looks through every file below a folder, and answers how many bytes that were.
func (h *hunt) lookIn(t *testing.T, folder string) (size int) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		size += len(content)
		h.look(t, "file "+strings.TrimPrefix(path, folder), content)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return size
}

func TestTheHuntFinds(t *testing.T) {
	const secret = "canary-7f3a9c-client-secret"
	h := newHunt()
	h.add("secret", secret)
	for name, text := range map[string]string{
		"as it is":            "x" + secret + "y",
		"quoted":              `{"error":"\"` + secret + `\""}`,
		"hex":                 hex.EncodeToString([]byte(secret)),
		"basic credentials":   base64.StdEncoding.EncodeToString([]byte("client_1:" + secret)),
		"one further":         base64.StdEncoding.EncodeToString([]byte("client_12:" + secret)),
		"two further":         base64.URLEncoding.EncodeToString([]byte("client_123:" + secret + "?")),
		"the canary's digits": "code " + digits,
	} {
		found := false
		for form := range h.forms {
			found = found || strings.Contains(text, form)
		}
		if !found {
			t.Errorf("%s: not found in %q", name, text)
		}
	}
}
