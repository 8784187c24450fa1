package cimd_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"durward/policies/oauth/internal/cimd"
	"durward/policies/oauth/internal/redirecturi"
)

// FuzzDocument holds what is taken of a document against what another reader makes of the same bytes: the standard library,
// which takes the last of two members. Whatever the bytes, a document that is taken is for its own URL, has redirect URIs
// that registration would take, is answered by no secret, and has one reading.
func FuzzDocument(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no documents to begin with")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var members struct {
			ID string `json:"client_id"`
		}
		if err := json.Unmarshal(text, &members); err != nil {
			f.Fatal(err)
		}
		f.Add(strings.ReplaceAll(string(text), members.ID, id))
	}
	f.Add(document(id, "token_endpoint_auth_method", "private_key_jwt", "jwks", jsonOf(`{"keys":[`+publicKey+`]}`)))
	f.Fuzz(func(t *testing.T, text string) {
		got, err := cimd.Parse(id, []byte(text), check)
		if err != nil {
			if fault := faultOf(t, err); !fault.Permanent || fault.Text == "" {
				t.Fatalf("an odd fault: %+v", fault)
			}
			return
		}
		var other map[string]any
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber() // of any size
		if err := decoder.Decode(&other); err != nil {
			t.Fatalf("taken, and not JSON: %v", err)
		}
		listed, _ := other["redirect_uris"].([]any)
		switch {
		case got.ID != id || other["client_id"] != id:
			t.Errorf("the document is %q's by one reading and %q's by another", got.ID, other["client_id"])
		case got.Name == "" || len(got.Redirects) == 0 || len(got.AuthMethods) == 0:
			t.Errorf("something is missing: %+v", got)
		case other["client_secret"] != nil || strings.HasPrefix(textOf(other["token_endpoint_auth_method"]), "client_secret"):
			t.Error("a shared secret was taken")
		case slices.Contains(got.AuthMethods, cimd.MethodKeyJWT) != (len(got.Keys.Keys) > 0 || got.KeysURI != ""):
			t.Errorf("methods %v, %d keys, keys at %q", got.AuthMethods, len(got.Keys.Keys), got.KeysURI)
		case got.KeysURI != "" && check(got.KeysURI) != nil:
			t.Errorf("keys would be fetched from %q", got.KeysURI)
		}
		for _, uri := range got.Redirects {
			if err := redirecturi.Check(uri); err != nil || !slices.Contains(listed, any(uri)) {
				t.Errorf("redirect URI %q: %v", uri, err)
			}
		}
		for _, key := range got.Keys.Keys {
			if !key.IsPublic() || !key.Valid() {
				t.Errorf("the key %q is not a public one", key.KeyID)
			}
		}
		again, err := cimd.Parse(id, []byte(text), check)
		if err != nil || again.Fingerprint() != got.Fingerprint() {
			t.Errorf("read again it is another: %v", err)
		}
	})
}

func textOf(value any) string {
	text, _ := value.(string)
	return text
}
