// Package proof reads the proofs by which a courier's device signs each request, and nothing else: it needs no
// clock, no register and no network, so that the audit can check again, years later, what was accepted.
//
// A proof has the shape of RFC 9449 (DPoP), section 4.2, with its own type and one claim more: it is a compact
// JWS (RFC 7515) with the header {"typ":"loquet-proof+jwt","alg":"ES256","kid":<thumbprint>} and the claims
//
//	jti  the proof's own identifier, 16 to 64 characters of base64url, never used twice
//	htm  the request's method
//	htu  the request's address in normal form (see Normalise), without query and fragment
//	iat  when it was made, in seconds since 1970-01-01 UTC
//	bod  base64url of the SHA-256 of the request's body (of nothing, when it has none)
//
// Unlike DPoP the header names the key by its RFC 7638 thumbprint and does not carry it: the key was bound once,
// by a pairing code, and a proof is kept with each event that it justified, so it stays short. The query of an
// address is not signed; a signed request says everything in its path and its body.
package proof

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/loquet/loquet/event"
)

// Type is the "typ" of a proof's header.
const Type = "loquet-proof+jwt"

// Limits of a proof: MaxLength of the whole token in bytes, MinID and MaxID of jti in characters.
const (
	MaxLength = 2048
	MinID     = 16
	MaxID     = 64
)

// Errors that callers tell apart; details are wrapped for the logs.
var (
	// ErrMalformed: not a proof of this type, algorithm and shape.
	ErrMalformed = errors.New("the proof can't be read")
	// ErrWrongKey: it names another key, or its signature isn't by the key that it names.
	ErrWrongKey = errors.New("the proof is not by this device's key")
	// ErrMismatch: what was kept beside the proof isn't what the proof says.
	ErrMismatch = errors.New("the proof says something else than what was kept with it")
)

// Claims is what a proof says. The fields are in the order of their encoding.
type Claims struct {
	ID     string `json:"jti"`
	Method string `json:"htm"`
	URL    string `json:"htu"`
	// IssuedAt is in seconds since 1970-01-01 UTC.
	IssuedAt int64  `json:"iat"`
	Body     string `json:"bod"`
}

// Issued is when the proof was made, by the device's clock.
func (c Claims) Issued() event.Instant {
	return event.Instant(c.IssuedAt) * event.Instant(event.Second)
}

// Digest is the "bod" of a body.
func Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return encode(sum[:])
}

// KeyOf returns the key that the proof says it is by. Nothing is verified: it only finds the key to verify with.
func KeyOf(token string) (event.KeyID, error) {
	jws, err := parse(token)
	if err != nil {
		return "", err
	}
	return event.KeyID(jws.Signatures[0].Protected.KeyID), nil
}

// Verify checks that the proof is well-formed and signed by the key, and returns what it says. Whether its time,
// address and body are those of the request is for the caller. Errors: ErrMalformed, ErrWrongKey.
func Verify(publicJWK, token string) (Claims, error) {
	key, err := parseKey(publicJWK)
	if err != nil {
		return Claims{}, err
	}
	jws, err := parse(token)
	if err != nil {
		return Claims{}, err
	}
	_, id, err := KeyFrom(key)
	if err != nil {
		return Claims{}, err
	}
	if jws.Signatures[0].Protected.KeyID != string(id) {
		return Claims{}, ErrWrongKey
	}
	payload, err := jws.Verify(key)
	if err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrWrongKey, err)
	}
	return claims(payload)
}

// VerifySigned checks again what an event kept of a signed request: that its proof is by this key, and that the
// key, identifier and time beside it are the proof's own. Errors: ErrMalformed, ErrWrongKey, ErrMismatch.
func VerifySigned(publicJWK string, s event.Signed) (Claims, error) {
	c, err := Verify(publicJWK, s.JWS)
	if err != nil {
		return Claims{}, err
	}
	key, err := KeyOf(s.JWS)
	if err != nil {
		return Claims{}, err
	}
	if s.Key != key || s.ID != c.ID || s.IssuedAt != c.Issued() {
		return Claims{}, ErrMismatch
	}
	return c, nil
}

// parse reads a compact JWS without verifying it. The algorithm is pinned here, before any key is looked at.
func parse(token string) (*jose.JSONWebSignature, error) {
	if len(token) > MaxLength {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrMalformed, MaxLength)
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if err := checkHeader(jws.Signatures); err != nil {
		return nil, err
	}
	return jws, nil
}

// checkHeader allows exactly typ, alg and kid: what isn't understood must not be signed over.
func checkHeader(signatures []jose.Signature) error {
	if len(signatures) != 1 {
		return fmt.Errorf("%w: it has %d signatures", ErrMalformed, len(signatures))
	}
	h := signatures[0].Protected
	if h.ExtraHeaders[jose.HeaderType] != Type || len(h.ExtraHeaders) != 1 {
		return fmt.Errorf("%w: its type is not %s alone", ErrMalformed, Type)
	}
	if h.JSONWebKey != nil || h.Nonce != "" {
		return fmt.Errorf("%w: its header has more than typ, alg and kid", ErrMalformed)
	}
	if len(h.KeyID) != base64.RawURLEncoding.EncodedLen(sha256.Size) || !base64url(h.KeyID) {
		return fmt.Errorf("%w: kid is not a thumbprint", ErrMalformed)
	}
	return nil
}

func claims(payload []byte) (Claims, error) {
	var c Claims
	if err := event.Strict(payload, &c); err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return c, c.check()
}

// check refuses claims that Prove would not write; so the same proof has one reading everywhere.
func (c Claims) check() error {
	// Far enough for any phone, and small enough not to overflow in milliseconds.
	const farFuture = 1 << 40
	normal, err := Normalise(c.URL)
	switch {
	case !CheckID(c.ID):
		return fmt.Errorf("%w: jti is not %d to %d characters of base64url", ErrMalformed, MinID, MaxID)
	case !method(c.Method):
		return fmt.Errorf("%w: htm is not a method", ErrMalformed)
	case err != nil:
		return fmt.Errorf("%w: htu: %w", ErrMalformed, err)
	case normal != c.URL:
		return fmt.Errorf("%w: htu is not in normal form", ErrMalformed)
	case c.IssuedAt <= 0 || c.IssuedAt > farFuture:
		return fmt.Errorf("%w: iat is not a time", ErrMalformed)
	case len(c.Body) != base64.RawURLEncoding.EncodedLen(sha256.Size) || !base64url(c.Body):
		return fmt.Errorf("%w: bod is not a SHA-256", ErrMalformed)
	}
	return nil
}

// CheckID says whether jti may be the identifier of a proof.
func CheckID(jti string) bool { return len(jti) >= MinID && len(jti) <= MaxID && base64url(jti) }

func base64url(s string) bool {
	for _, r := range s {
		if !letterOrDigit(r) && r != '-' && r != '_' {
			return false
		}
	}
	return true
}

// method says whether s is a method as couriers' requests use them: upper-case letters.
func method(s string) bool {
	for _, r := range s {
		if r < 'A' || r > 'Z' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 16
}

func letterOrDigit(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}
