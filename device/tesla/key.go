package tesla

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/teslamotors/vehicle-command/pkg/protocol"
)

// Key is the key that signs what is sent to cars. Whoever has it can open every car that it was added to.
type Key struct {
	private protocol.ECDHPrivateKey
	public  []byte
}

// OpenKey reads the key in a file, and makes it (mode 0600) where there is none.
func OpenKey(path string) (*Key, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := makeKey(path); err != nil {
			return nil, fmt.Errorf("make the key for cars: %w", err)
		}
	}
	private, err := protocol.LoadPrivateKey(path)
	if err != nil {
		return nil, fmt.Errorf("read the key for cars: %w", err)
	}
	public, err := protocol.LoadPublicKey(path)
	if err != nil {
		return nil, fmt.Errorf("read the key for cars: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("read the key for cars: %w", err)
	}
	return &Key{private, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}, nil
}

// makeKey never replaces a key: what it was added to would be lost.
func makeKey(path string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = pem.Encode(file, &pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	return errors.Join(err, file.Sync(), file.Close())
}

// PublicPath is where Tesla and its cars look for the public key on our own site.
const PublicPath = "/.well-known/appspecific/com.tesla.3p.public-key.pem"

// Public is the public key as it stands at PublicPath.
func (k *Key) Public() []byte { return k.public }
