package proof

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/loquet/loquet/event"
)

// maxKey is the most bytes that a public key may have as a JWK; one as browsers export it has about 200.
const maxKey = 1024

// required are the members of an elliptic curve key that RFC 7638, section 3.2, takes into its thumbprint, in
// that order.
type required struct {
	Curve string `json:"crv"`
	Type  string `json:"kty"`
	X     string `json:"x"`
	Y     string `json:"y"`
}

// Key reads a public P-256 key as a JWK (RFC 7517) and returns its one canonical form, which is what RFC 7638
// hashes, with its thumbprint. A private key is refused. Error: ErrMalformed.
func Key(publicJWK string) (jwk string, id event.KeyID, err error) {
	key, err := parseKey(publicJWK)
	if err != nil {
		return "", "", err
	}
	return KeyFrom(key)
}

func parseKey(publicJWK string) (*ecdsa.PublicKey, error) {
	if len(publicJWK) > maxKey {
		return nil, fmt.Errorf("%w: the key is longer than %d bytes", ErrMalformed, maxKey)
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON([]byte(publicJWK)); err != nil {
		return nil, fmt.Errorf("%w: the key: %w", ErrMalformed, err)
	}
	key, ok := jwk.Key.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: the key is not a public key on P-256", ErrMalformed)
	}
	return key, nil
}

// KeyFrom is Key for a key that is in memory already.
func KeyFrom(key *ecdsa.PublicKey) (jwk string, id event.KeyID, err error) {
	if key == nil || key.Curve != elliptic.P256() {
		return "", "", fmt.Errorf("%w: the key is not a public key on P-256", ErrMalformed)
	}
	point, err := key.Bytes()
	if err != nil {
		return "", "", fmt.Errorf("%w: the key: %w", ErrMalformed, err)
	}
	// SEC 1, section 2.3.3: one byte for "uncompressed", then both coordinates.
	x, y := point[1:33], point[33:]
	canonical, err := json.Marshal(required{"P-256", "EC", encode(x), encode(y)})
	if err != nil {
		return "", "", err
	}
	sum := sha256.Sum256(canonical)
	return string(canonical), event.KeyID(encode(sum[:])), nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
