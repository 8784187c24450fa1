package oauth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strings"
)

// kind is the prefix by which people and secret scanners tell our secrets apart.
type kind string

const (
	accessToken   kind = "dwa_"
	refreshToken  kind = "dwr_"
	authCode      kind = "dwc_"
	consentCookie kind = "dwt_"
	loginCookie   kind = "dwl_"
	sessionCookie kind = "dws_"
	clientSecret  kind = "dwk_"
)

// A secret is its kind and 48 characters of base64url: 32 random bytes, then the CRC-32 (IEEE, big endian) of kind and
// random bytes. The checksum guards nothing; it lets a scanner be sure of a find and a server refuse noise unasked.
const (
	randomBytes  = 32
	secretLength = 48
)

// mint makes a new secret.
func (k kind) mint() string {
	raw := make([]byte, randomBytes, randomBytes+crc32.Size)
	_, _ = rand.Read(raw) // it never fails: see crypto/rand
	return string(k) + base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(raw, k.checksum(raw)))
}

// valid says whether secret has this kind's form and checksum. It says nothing of whether it was ever issued.
func (k kind) valid(secret string) bool {
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

func (k kind) checksum(raw []byte) uint32 {
	return crc32.ChecksumIEEE(append([]byte(k), raw...))
}

// unguessable answers 256 random bits for values that pass through others' hands: state, nonce, verifier.
func unguessable() string {
	raw := make([]byte, randomBytes)
	_, _ = rand.Read(raw)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// digest is how a secret is written in the store: SHA-256 in hex.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// What is sealed under a secret, each under a key of its own.
const (
	sealedSuccessor = "durward refresh token successor v1"
	sealedAnswer    = "durward consent answer v1"
)

// sealUnder encrypts text so that only who holds the secret can read it (AES-256-GCM, key by HKDF-SHA256).
func sealUnder(secret, use, text string) ([]byte, error) {
	aead, err := keyOf(secret, use)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, []byte(text), nil), nil
}

// openUnder is the inverse of sealUnder.
func openUnder(secret, use string, sealed []byte) (string, error) {
	aead, err := keyOf(secret, use)
	if err != nil {
		return "", err
	}
	text, err := aead.Open(nil, nil, sealed, nil)
	if err != nil {
		return "", fmt.Errorf("open sealed text: %w", err)
	}
	return string(text), nil
}

func keyOf(secret, use string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, use, 32)
	if err != nil {
		return nil, fmt.Errorf("derive sealing key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make sealing cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make sealing cipher: %w", err)
	}
	return aead, nil
}
