package broker

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Passwords of devices are long and random (see NewPassword), so that a moderate number of rounds is enough,
// and thousands of devices can come back within seconds after a restart.
const (
	hashScheme = "pbkdf2-sha256"
	hashRounds = 10_000
	maxRounds  = 10_000_000
	saltBytes  = 16
)

var errHash = errors.New("the password hash was not made by HashPassword")

// NewPassword draws a password with 192 bits of randomness, in base64url.
func NewPassword() string {
	secret := make([]byte, 24)
	_, _ = rand.Read(secret) // never fails: the process ends instead
	return base64.RawURLEncoding.EncodeToString(secret)
}

// HashPassword returns what an account keeps instead of its password: "pbkdf2-sha256$rounds$salt$key".
func HashPassword(password string) string {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt)
	return strings.Join([]string{
		hashScheme, strconv.Itoa(hashRounds), encode(salt), encode(derive(password, salt, hashRounds)),
	}, "$")
}

func checkHash(hash string) error {
	_, _, _, err := parseHash(hash)
	return err
}

// matches compares in a time that does not depend on where the difference is.
func matches(hash, password string) bool {
	rounds, salt, key, err := parseHash(hash)
	if err != nil {
		return false
	}
	return subtle.ConstantTimeCompare(derive(password, salt, rounds), key) == 1
}

func parseHash(hash string) (rounds int, salt, key []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 4 || parts[0] != hashScheme {
		return 0, nil, nil, errHash
	}
	rounds, errRounds := strconv.Atoi(parts[1])
	salt, errSalt := base64.RawURLEncoding.DecodeString(parts[2])
	key, errKey := base64.RawURLEncoding.DecodeString(parts[3])
	if errors.Join(errRounds, errSalt, errKey) != nil {
		return 0, nil, nil, errHash
	}
	if rounds < 1 || rounds > maxRounds || len(salt) < saltBytes || len(key) != sha256.Size {
		return 0, nil, nil, fmt.Errorf("%w: sizes", errHash)
	}
	return rounds, salt, key, nil
}

func derive(password string, salt []byte, rounds int) []byte {
	key, err := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	if err != nil {
		panic("pbkdf2 with fixed sizes: " + err.Error()) // only for sizes that checkHash refuses
	}
	return key
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
