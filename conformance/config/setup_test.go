package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// writeFiles writes the files of a configuration into its folder, and follows the setup.
func writeFiles(folder string, files map[string][]byte, setup []string) error {
	for name, data := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fmt.Errorf("write configuration: %w", err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return fmt.Errorf("write configuration: %w", err)
		}
	}
	for _, line := range setup {
		if err := follow(folder, strings.Fields(line)); err != nil {
			return fmt.Errorf("setup %q: %w", line, err)
		}
	}
	return nil
}

// follow does what one line of a setup says.
func follow(folder string, words []string) error {
	if len(words) < 2 {
		return errors.New("no such line")
	}
	verb, path := words[0], filepath.Join(folder, words[1])
	switch {
	case verb == "remove" && len(words) == 2:
		return os.Remove(path)
	case verb == "chmod" && len(words) == 3:
		mode, err := strconv.ParseUint(words[1], 8, 9)
		if err != nil {
			return err
		}
		return os.Chmod(filepath.Join(folder, words[2]), os.FileMode(mode))
	case verb == "symlink" && len(words) == 4 && words[2] == "->":
		return os.Symlink(words[3], path)
	case verb == "folder" && len(words) == 2:
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return os.Mkdir(path, 0o700)
	case verb == "encode" && len(words) == 3:
		return change(path, func(data []byte) ([]byte, error) { return encode(data, words[2]) })
	case verb == "pad" && len(words) == 3:
		size, err := strconv.Atoi(words[2])
		if err != nil {
			return err
		}
		return change(path, func(data []byte) ([]byte, error) {
			return append(data, bytes.Repeat([]byte(" "), size-len(data))...), nil
		})
	case verb == "pair" && len(words) >= 4:
		days := 90
		if len(words) == 5 {
			var err error
			if days, err = strconv.Atoi(words[4]); err != nil {
				return err
			}
		}
		return writePair(path, filepath.Join(folder, words[2]), words[3], days)
	}
	return errors.New("no such line")
}

func change(path string, how func([]byte) ([]byte, error)) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if data, err = how(data); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// encode answers text in UTF-8 as other editors save it.
func encode(text []byte, encoding string) ([]byte, error) {
	switch encoding {
	case "utf-8-bom":
		return append([]byte("\uFEFF"), text...), nil
	case "utf-16":
		out := []byte{0xff, 0xfe}
		for _, unit := range utf16.Encode([]rune(string(text))) {
			out = append(out, byte(unit), byte(unit>>8))
		}
		return out, nil
	case "latin-1":
		var out []byte
		for _, r := range string(text) {
			if r > 0xff {
				return nil, fmt.Errorf("latin-1 has no %q", r)
			}
			out = append(out, byte(r))
		}
		return out, nil
	}
	return nil, errors.New("no such encoding")
}

// writePair writes a certificate for a host, which ends in so many days, and its key.
func writePair(certificate, key, host string, days int) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	end := time.Now().AddDate(0, 0, days)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: end.AddDate(0, 0, -100), NotAfter: end,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	if err := writePEM(certificate, "CERTIFICATE", der); err != nil {
		return err
	}
	return writePEM(key, "PRIVATE KEY", secret)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
