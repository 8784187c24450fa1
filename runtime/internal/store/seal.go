package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	keySize = 32
	// sealLabel sets the key that seals values apart from whatever else is derived from the store key. It names the
	// format of a sealed value as well: another format gets another label.
	sealLabel = "durward store values v1"
)

// sealer seals values with AES-256-GCM under random nonces, which is sound for 2^32 values of one key.
type sealer struct{ aead cipher.AEAD }

func newKey() []byte {
	key := make([]byte, keySize)
	rand.Read(key) // never fails: the process ends if the system has no randomness
	return key
}

func newSealer(key []byte) (*sealer, error) {
	derived, err := hkdf.Key(sha256.New, key, nil, sealLabel, keySize)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return &sealer{aead}, nil
}

// place is where a value is stored. A sealed value opens only there: a row that was copied over another one, or whose
// expiry was put off, does not open.
type place struct {
	policy, key      string
	version, expires int64
}

func (p place) bytes() []byte {
	b := make([]byte, 0, len(p.policy)+len(p.key)+32)
	b = binary.AppendUvarint(b, uint64(len(p.policy)))
	b = append(b, p.policy...)
	b = binary.AppendUvarint(b, uint64(len(p.key)))
	b = append(b, p.key...)
	b = binary.BigEndian.AppendUint64(b, uint64(p.version))
	return binary.BigEndian.AppendUint64(b, uint64(p.expires))
}

func (s *sealer) seal(value []byte, at place) []byte {
	return s.aead.Seal(nil, nil, value, at.bytes())
}

func (s *sealer) open(sealed []byte, at place) ([]byte, error) {
	value, err := s.aead.Open(nil, nil, sealed, at.bytes())
	if err != nil {
		return nil, errors.New("the stored value is damaged or was moved")
	}
	return value, nil
}

// checkKey makes sure that the database was written with this key, and marks a new one as written with it.
func (db *DB) checkKey(ctx context.Context, given bool) error {
	mark := place{policy: "", key: "seal"} // no record of a policy has this place: their keys hold a slash
	var sealed []byte
	err := db.write.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = 'seal'`).Scan(&sealed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		_, err := db.write.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ('seal', $1)`,
			db.seal.seal([]byte(sealLabel), mark))
		if err != nil {
			return fmt.Errorf("mark database with its key: %w", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("read mark of the key: %w", err)
	}
	if value, err := db.seal.open(sealed, mark); err == nil && string(value) == sealLabel {
		return nil
	}
	source := "the key in " + db.folder.path(keyName)
	if given {
		source = "the configured store key (store.key in gateway.json)"
	}
	return fmt.Errorf("%s is not the one that the values in %s were sealed with: give back the right key, or move the "+
		"database away to begin anew, which signs everybody out", source, db.folder.path(databaseName))
}
