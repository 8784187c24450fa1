package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// Digest is how a secret is written in the store: SHA-256 in hex.
func Digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Matches compares a secret with a digest in constant time.
func Matches(secret, digest string) bool {
	return subtle.ConstantTimeCompare([]byte(Digest(secret)), []byte(digest)) == 1
}
