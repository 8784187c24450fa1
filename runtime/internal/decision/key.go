package decision

import (
	"crypto/sha256"
	"encoding/binary"
)

// Key is where a decision lies: a SHA-256 over everything that it may depend on. No input can be read from it.
type Key [sha256.Size]byte

// KeyBuilder collects the inputs of a key. Each is written with its kind and length, so different inputs never run
// together into the same key. It is used once, in one chain of calls.
type KeyBuilder struct{ buffer []byte }

// inlineKey is how many bytes of input cost no allocation. A bearer token with the rest is about half of it.
const inlineKey = 1024

// NewKey begins a key. What is small stays on the caller's stack.
func NewKey() KeyBuilder {
	return KeyBuilder{make([]byte, 0, inlineKey)}
}

// Bytes adds bytes, such as another key.
func (b KeyBuilder) Bytes(part []byte) KeyBuilder {
	return KeyBuilder{append(appendLength(b.buffer, 'b', len(part)), part...)}
}

// String adds a text. It counts as different from the same bytes.
func (b KeyBuilder) String(part string) KeyBuilder {
	return KeyBuilder{append(appendLength(b.buffer, 's', len(part)), part...)}
}

// Values adds the values of a header in their order. A header that is absent (no values) differs from an empty one.
func (b KeyBuilder) Values(parts []string) KeyBuilder {
	b.buffer = appendLength(b.buffer, 'v', len(parts))
	for _, part := range parts {
		b.buffer = append(appendLength(b.buffer, 's', len(part)), part...)
	}
	return b
}

// Sum answers the key.
func (b KeyBuilder) Sum() Key {
	return sha256.Sum256(b.buffer)
}

func appendLength(to []byte, kind byte, n int) []byte {
	return binary.AppendUvarint(append(to, kind), uint64(n))
}
