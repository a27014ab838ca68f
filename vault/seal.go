package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"fmt"
	"io"

	"github.com/loquet/loquet/event"
)

// keySize of every key, in bytes.
const keySize = 32

// A sealed value is this byte, a nonce of 12 bytes, and the AES-256-GCM ciphertext with its tag.
const sealedV1 = 1

// label is what a sealed value is bound to. A site's identifier has no zero byte, and the name is last, so no two
// places share a label.
func label(what string, site event.SiteID, name string) []byte {
	return []byte("loquet vault 1\x00" + what + "\x00" + string(site) + "\x00" + name)
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	return cipher.NewGCM(block)
}

func seal(key []byte, random io.Reader, value, label []byte) ([]byte, error) {
	aead, err := gcm(key)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("vault: no randomness: %w", err)
	}
	return aead.Seal(append([]byte{sealedV1}, nonce...), nonce, value, label), nil
}

func unseal(key, sealed, label []byte) ([]byte, error) {
	aead, err := gcm(key)
	if err != nil {
		return nil, err
	}
	size := 1 + aead.NonceSize()
	if len(sealed) < size || sealed[0] != sealedV1 {
		return nil, ErrUnreadable
	}
	value, err := aead.Open(nil, sealed[1:size], sealed[size:], label)
	if err != nil {
		return nil, ErrUnreadable
	}
	return value, nil
}

// SealJSON seals a value of any type that encodes to JSON.
func SealJSON[T any](ctx context.Context, v *Vault, site event.SiteID, name string, value T) ([]byte, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("vault: the value of type %T does not encode", value)
	}
	return v.Seal(ctx, site, name, encoded)
}

// OpenJSON opens what SealJSON sealed. A field that T does not know is an error, ErrUnreadable: what can't be
// read whole is not shown in part.
func OpenJSON[T any](ctx context.Context, v *Vault, site event.SiteID, name string, sealed []byte) (T, error) {
	var value T
	encoded, err := v.Open(ctx, site, name, sealed)
	if err != nil {
		return value, err
	}
	if event.Strict(encoded, &value) != nil { // whose words hold what was sealed
		return *new(T), fmt.Errorf("%w: it is not a %T", ErrUnreadable, value)
	}
	return value, nil
}
