package main

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
)

// readPublic reads a public key in PEM, as it stands on our site.
func readPublic(text []byte) ([]byte, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	public, is := key.(*ecdsa.PublicKey)
	if !is {
		return nil, errors.New("no key on a curve")
	}
	point, err := public.ECDH()
	if err != nil {
		return nil, err
	}
	return point.Bytes(), nil
}
