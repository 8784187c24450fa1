package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// Seal encrypts text so that only who holds the secret can read it (AES-256-GCM, key by HKDF-SHA256). use says what is
// sealed: each use has a key of its own.
func Seal(secret, use, text string) ([]byte, error) {
	aead, err := keyOf(secret, use)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, []byte(text), nil), nil
}

// Open is the inverse of Seal. The error is that of a text that was not sealed under this secret for this use.
func Open(secret, use string, sealed []byte) (string, error) {
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
