package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"io"
	"strings"
)

// Every secret that is handed out reads "<prefix>_<id>_<secret>": the identifier finds its record and may be
// listed, the secret is 256 random bits. Only a hash of the whole text is stored; as the secret is random, a fast
// hash is enough.
const (
	prefixKey     = "lq"
	prefixLink    = "ll"
	prefixSession = "ls"

	prefixMailLink     = "lm"
	prefixStaffLink    = "lk"
	prefixStaffSession = "lt"
	prefixCeremony     = "lc"
	prefixOpenID       = "lo"

	idBytes     = 10
	secretBytes = 32
	// maxToken is more than the longest: a prefix, a site of 32, and 16 + 52 characters of base32.
	maxToken = 128
)

// lower is base32 in lower case: no character of it needs escaping anywhere, and a double click selects it all.
var lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// mint makes a token. Its identifier begins with the given text, so that a site's tokens stand together.
func mint(random io.Reader, prefix, begin string) (id, token string, err error) {
	var b [idBytes + secretBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", "", fmt.Errorf("auth: no randomness: %w", err)
	}
	id = begin + lower.EncodeToString(b[:idBytes])
	return id, prefix + "_" + id + "_" + lower.EncodeToString(b[idBytes:]), nil
}

// tokenID returns the identifier in a token; false when it can't be one of this prefix.
func tokenID(prefix, token string) (id string, ok bool) {
	if len(token) > maxToken {
		return "", false
	}
	parts := strings.Split(token, "_")
	if len(parts) != 3 || parts[0] != prefix {
		return "", false
	}
	id, secret := parts[1], parts[2]
	if len(id) < lower.EncodedLen(idBytes) || len(secret) != lower.EncodedLen(secretBytes) {
		return "", false
	}
	return id, plain(id) && plain(secret)
}

// plain says whether s has only the characters of identifiers.
func plain(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}

func hash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// matches compares in constant time.
func matches(token string, stored []byte) bool {
	return subtle.ConstantTimeCompare(hash(token), stored) == 1
}
