package secret

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// Kind is the prefix by which people and secret scanners tell our secrets apart.
type Kind string

// The kinds there are.
const (
	AccessToken   Kind = "dwa_"
	RefreshToken  Kind = "dwr_"
	Code          Kind = "dwc_" // an authorization code
	ConsentCookie Kind = "dwt_" // binds a page with a question to the browser that was asked
	LoginCookie   Kind = "dwl_" // binds the way to the identity provider to the browser that consented
	SessionCookie Kind = "dws_"
	ClientSecret  Kind = "dwk_"
)

// A secret is its kind and 48 characters of base64url: 32 random bytes, then the CRC-32 (IEEE, big endian) of kind and
// random bytes. The checksum guards nothing; it lets a scanner be sure of a find and a server refuse noise unasked.
const (
	randomBytes  = 32
	secretLength = 48
)

// Mint makes a new secret.
func (k Kind) Mint() string {
	raw := make([]byte, randomBytes, randomBytes+crc32.Size)
	_, _ = rand.Read(raw) // it never fails: see crypto/rand
	return string(k) + base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(raw, k.checksum(raw)))
}

// Valid says whether secret has this kind's form and checksum. It says nothing of whether it was ever issued.
func (k Kind) Valid(secret string) bool {
	text, ok := strings.CutPrefix(secret, string(k))
	if !ok || len(text) != secretLength {
		return false
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != randomBytes+crc32.Size {
		return false
	}
	return binary.BigEndian.Uint32(raw[randomBytes:]) == k.checksum(raw[:randomBytes])
}

func (k Kind) checksum(raw []byte) uint32 {
	return crc32.ChecksumIEEE(append([]byte(k), raw...))
}

// Unguessable answers 256 random bits for values that pass through others' hands: state, nonce, verifier.
func Unguessable() string {
	raw := make([]byte, randomBytes)
	_, _ = rand.Read(raw)
	return base64.RawURLEncoding.EncodeToString(raw)
}
