package broker

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"
)

const (
	hashScheme = "sha256"
	saltBytes  = 16
)

var errHash = errors.New("the password hash was not made by HashPassword")

// NewPassword draws a password with 192 bits of randomness, in base64url.
func NewPassword() string {
	secret := make([]byte, 24)
	_, _ = rand.Read(secret) // never fails: the process ends instead
	return base64.RawURLEncoding.EncodeToString(secret)
}

// HashPassword returns what an account keeps instead of its password: "sha256$salt$hash". The password must be
// one of NewPassword: nobody can try out 192 bits, so the hash needn't be slow, and thousands of devices can
// come back at once after a restart. It is no place for a password that a person has thought of.
func HashPassword(password string) string {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt)
	return strings.Join([]string{hashScheme, encode(salt), encode(digest(password, salt))}, "$")
}

func checkHash(hash string) error {
	_, _, err := parseHash(hash)
	return err
}

// matches compares in a time that does not depend on where the difference is.
func matches(hash, password string) bool {
	salt, want, err := parseHash(hash)
	return err == nil && subtle.ConstantTimeCompare(digest(password, salt), want) == 1
}

func parseHash(hash string) (salt, sum []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 3 || parts[0] != hashScheme {
		return nil, nil, errHash
	}
	salt, errSalt := base64.RawURLEncoding.DecodeString(parts[1])
	sum, errSum := base64.RawURLEncoding.DecodeString(parts[2])
	if errSalt != nil || errSum != nil || len(salt) != saltBytes || len(sum) != sha256.Size {
		return nil, nil, errHash
	}
	return salt, sum, nil
}

func digest(password string, salt []byte) []byte {
	sum := sha256.Sum256(append(salt[:len(salt):len(salt)], password...))
	return sum[:]
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
