package config

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxPEM bounds the files of a certificate, in bytes. A long chain has some thousand.
const maxPEM = 256 << 10

// maxShownPath is how many bytes the path of a file may have that cannot be read and is shown all the same. An ECDSA
// or RSA key in base64 has more.
const maxShownPath = 128

// TLS is the certificate of the listener for clients.
type TLS struct {
	// CertFile and KeyFile are absolute.
	CertFile, KeyFile string
	// Certificate is the pair, which belong together. Its Leaf is set.
	Certificate tls.Certificate
}

// readTLS answers the certificate, or nil. What files hold is never told, but for a certificate's names and times, which
// every client sees.
func (b *build) readTLS(origins []string) *TLS {
	s := b.gateway
	if _, there := get(s.value, "tls").(map[string]any); !there {
		return nil
	}
	b.checkOriginsUnderTLS()
	cert, certPEM := b.readPEM("/tls/certFile", text(s.value, "tls", "certFile"))
	key, keyPEM := b.readPEM("/tls/keyFile", text(s.value, "tls", "keyFile"))
	if isSwapped(certPEM, keyPEM) {
		s.problem("/tls/certFile", "holds a private key, and keyFile a certificate: exchange them")
		return nil
	}
	certOK := certPEM != nil && b.checkPEM("/tls/certFile", certPEM, isCertificate, "certificate", "keyFile")
	keyOK := keyPEM != nil && b.checkPEM("/tls/keyFile", keyPEM, isKey, "private key", "certFile")
	if !certOK || !keyOK {
		return nil
	}
	leaf, ok := b.readLeaf(certPEM)
	if !ok {
		return nil
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil { // its text may speak of the key
		if soundKey(keyPEM) {
			s.problem("/tls/keyFile", "holds another key than that of the certificate in certFile: put both files of the pair there")
		} else {
			s.problem("/tls/keyFile", "holds a private key that cannot be read: it is cut off or damaged, or of an unknown kind")
		}
		return nil
	}
	pair.Leaf = leaf
	b.noteCertificate(leaf, origins)
	return &TLS{CertFile: cert, KeyFile: key, Certificate: pair}
}

// isSwapped tells whether the certificate's file holds a key alone, and the key's file a certificate alone.
func isSwapped(certPEM, keyPEM []byte) bool {
	return holds(certPEM, isKey) && !holds(certPEM, isCertificate) && holds(keyPEM, isCertificate) && !holds(keyPEM, isKey)
}

// holds tells whether a file has a block of PEM that is wanted.
func holds(content []byte, wanted func(string) bool) bool {
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if wanted(block.Type) {
			return true
		}
	}
	return false
}

// checkOriginsUnderTLS refuses public origins that a listener with TLS does not have.
func (b *build) checkOriginsUnderTLS() {
	const fault = `must be https, since the gateway itself speaks https ("tls")`
	isPlain := func(value any) bool {
		origin, _ := value.(string)
		return strings.HasPrefix(origin, "http://")
	}
	switch origins := get(b.gateway.value, "publicUrl").(type) {
	case string:
		if isPlain(origins) {
			b.gateway.problem("/publicUrl", fault)
		}
	case []any:
		for i, origin := range origins {
			if isPlain(origin) {
				b.gateway.problem(at("/publicUrl", i), fault)
			}
		}
	}
}

// readPEM reads a file of the pair, and has it watched. content is nil if it cannot be used. Its name is not printed: it may
// be what was meant to be in the file.
func (b *build) readPEM(pointer, name string) (path string, content []byte) {
	if name == "" {
		return "", nil // the schema has said so
	}
	if strings.Contains(name, "-----BEGIN") {
		b.gateway.hide(pointer)
		b.gateway.problem(pointer, "must be the name of a file, and not what is in it")
		return "", nil
	}
	path = name
	if !filepath.IsAbs(path) {
		path = filepath.Join(b.options.Folder, path)
	}
	if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) || b.options.ReadFile == nil {
		b.gateway.problem(pointer, "must be the absolute path of a file")
		return "", nil
	}
	path = filepath.Clean(path)
	file := b.options.ReadFile(path, maxPEM)
	b.files[path] = File{Path: path, Content: file.Sum}
	b.sharedKey = b.sharedKey || file.Shared && pointer == "/tls/keyFile"
	if file.Data == nil && len(name) > maxShownPath {
		b.gateway.hide(pointer)
	}
	switch {
	case file.Missing:
		if filepath.IsAbs(name) {
			b.gateway.problem(pointer, "there is no such file")
		} else {
			b.gateway.problem(pointer, "there is no such file in %s, where a relative name leads", b.options.Folder)
		}
	case file.Fault != "":
		b.gateway.problem(pointer, "the file %s", file.Fault)
	case len(file.Data) == 0:
		b.gateway.problem(pointer, "the file is empty")
	default:
		return path, file.Data
	}
	return path, nil
}

// checkPEM refuses a file that does not hold what it should.
func (b *build) checkPEM(pointer string, content []byte, wanted func(string) bool, what, other string) bool {
	found, encrypted, foreign := false, false, false
	for rest := content; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		encrypted = encrypted || block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["Proc-Type"] == "4,ENCRYPTED"
		found = found || wanted(block.Type)
		foreign = foreign || isCertificate(block.Type) || isKey(block.Type)
	}
	switch {
	case encrypted && what == "private key":
		b.gateway.problem(pointer, "holds an encrypted key: decrypt it, and protect the file by its mode")
	case found:
		return true
	case foreign:
		b.gateway.problem(pointer, "holds no %s: is it the file for %s?", what, other)
	default:
		b.gateway.problem(pointer, "holds no %s as PEM, which begins with -----BEGIN", what)
	}
	return false
}

func isCertificate(kind string) bool { return kind == "CERTIFICATE" }

func isKey(kind string) bool { return kind == "PRIVATE KEY" || strings.HasSuffix(kind, " PRIVATE KEY") }

// readLeaf answers the gateway's own certificate, which is the first, once all can be read.
func (b *build) readLeaf(content []byte) (leaf *x509.Certificate, ok bool) {
	for n := 1; ; {
		var block *pem.Block
		if block, content = pem.Decode(content); block == nil {
			return leaf, true
		}
		if !isCertificate(block.Type) {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			b.gateway.problem("/tls/certFile", "certificate %d in the file cannot be read: it is cut off or damaged", n)
			return nil, false
		}
		if n++; leaf == nil {
			leaf = c
		}
	}
}

// soundKey tells whether the first private key in a file can be read.
func soundKey(content []byte) bool {
	for {
		var block *pem.Block
		if block, content = pem.Decode(content); block == nil {
			return false
		}
		if !isKey(block.Type) {
			continue
		}
		_, pkcs8 := x509.ParsePKCS8PrivateKey(block.Bytes)
		_, pkcs1 := x509.ParsePKCS1PrivateKey(block.Bytes)
		_, ec := x509.ParseECPrivateKey(block.Bytes)
		return pkcs8 == nil || pkcs1 == nil || ec == nil
	}
}

// noteCertificate notes what clients will object to. It is unsafe, too, where no client can take it for the gateway's own: a
// proxy before the gateway may know it by another name.
func (b *build) noteCertificate(leaf *x509.Certificate, origins []string) {
	const minute = "2006-01-02 15:04 MST"
	switch now := b.options.Now(); {
	case now.After(leaf.NotAfter):
		b.noteUnsafe("/tls/certFile", fmt.Sprintf("the certificate has expired, at %s: clients refuse it", leaf.NotAfter.UTC().Format(minute)))
	case now.Before(leaf.NotBefore):
		b.noteUnsafe("/tls/certFile", fmt.Sprintf("the certificate is not valid before %s: until then clients refuse it",
			leaf.NotBefore.UTC().Format(minute)))
	}
	var missing []string
	for _, origin := range origins {
		if u, err := url.Parse(origin); err == nil && leaf.VerifyHostname(u.Hostname()) != nil {
			missing = append(missing, u.Hostname())
		}
	}
	if len(missing) == 0 {
		return
	}
	text := fmt.Sprintf("the certificate is not for %s, which publicUrl names: clients refuse it there", strings.Join(missing, " and "))
	proxies, _ := get(b.gateway.value, "trustedProxies").([]any)
	if len(missing) == len(origins) && len(proxies) == 0 {
		b.noteUnsafe("/tls/certFile", text)
	} else {
		b.gateway.note("/tls/certFile", "%s", text)
	}
}

// noteUnsafe notes of gateway.json what is not safe in production.
func (b *build) noteUnsafe(pointer, text string) {
	b.gateway.note(pointer, "%s", text)
	b.gateway.danger(pointer, text)
}

// same tells whether two certificates are one, and are shown with the same ones above them.
func (t *TLS) same(other *TLS) bool {
	return t == other || t != nil && other != nil && t.CertFile == other.CertFile && t.KeyFile == other.KeyFile &&
		slices.EqualFunc(t.Certificate.Certificate, other.Certificate.Certificate, bytes.Equal)
}

// String is what tells a certificate from another, as an operator may look for it: until when it is good first, since what
// is long is cut.
func (t *TLS) String() string {
	leaf, above := t.Certificate.Leaf, ""
	if n := len(t.Certificate.Certificate) - 1; n > 0 {
		above = fmt.Sprintf(", with %d more", n)
	}
	return fmt.Sprintf("until %s, serial %x", leaf.NotAfter.UTC().Format(time.RFC3339), leaf.SerialNumber) + above
}
