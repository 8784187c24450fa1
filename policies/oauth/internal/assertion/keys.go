package assertion

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// RSA keys shorter than the least are broken, and longer ones than the most make each check a burden.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// fits says whether a key may have made a signature of that algorithm under that name. A key without a name may have any.
func fits(key jose.JSONWebKey, alg, kid string) bool {
	if key.Use != "" && key.Use != "sig" || key.Algorithm != "" && key.Algorithm != alg ||
		kid != "" && key.KeyID != "" && key.KeyID != kid {
		return false
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		bits := public.N.BitLen()
		return (strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS")) && bits >= minRSABits && bits <= maxRSABits
	case *ecdsa.PublicKey:
		curves := map[string]string{"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
		return curves[alg] == public.Curve.Params().Name
	case ed25519.PublicKey:
		return alg == string(jose.EdDSA)
	}
	return false
}
