package customer

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// sealedBlock is how many bytes are sealed together.
const sealedBlock = 64 << 10

// sealed is a file whose key is in memory alone: with the process, or with Remove, what it holds is gone. It is written
// once from the beginning to Finish by one goroutine, and read by any number of them after that.
type sealed struct {
	file *os.File
	aead cipher.AEAD
	// left is what does not fill a block yet, and size what was written in all.
	left []byte
	size int64
}

// newSealed makes a file in a folder. Its blocks are AES-256-GCM, each with its number as the nonce: the key is drawn
// for this file, and no block is written twice.
func newSealed(folder string) (*sealed, error) {
	key := make([]byte, 32)
	rand.Read(key) // never fails: the process dies instead
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("customer: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("customer: %w", err)
	}
	file, err := os.CreateTemp(folder, sealedNames)
	if err != nil {
		return nil, fmt.Errorf("customer: %w", err)
	}
	return &sealed{file: file, aead: aead, left: make([]byte, 0, sealedBlock)}, nil
}

// sealedNames are the names of such files, for who removes what a process left that was killed.
const sealedNames = "export-*.sealed"

func (s *sealed) nonce(block int64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, s.aead.NonceSize()-8), uint64(block))
}

// Write takes what comes next.
func (s *sealed) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := copy(s.left[len(s.left):sealedBlock], rest)
		s.left, rest, s.size = s.left[:len(s.left)+n], rest[n:], s.size+int64(n)
		if len(s.left) < sealedBlock {
			continue
		}
		if err := s.flush(); err != nil {
			return len(p) - len(rest), err
		}
	}
	return len(p), nil
}

// Finish ends the writing.
func (s *sealed) Finish() error {
	if len(s.left) == 0 {
		return nil
	}
	return s.flush()
}

func (s *sealed) flush() error {
	block := (s.size - 1) / sealedBlock
	_, err := s.file.Write(s.aead.Seal(nil, s.nonce(block), s.left, nil))
	s.left = s.left[:0]
	if err != nil {
		return fmt.Errorf("customer: %w", err)
	}
	return nil
}

// ReadAt reads what was written.
func (s *sealed) ReadAt(p []byte, at int64) (n int, err error) {
	for n < len(p) && at < s.size {
		plain, err := s.block(at / sealedBlock)
		if err != nil {
			return n, err
		}
		some := copy(p[n:], plain[at%sealedBlock:])
		n, at = n+some, at+int64(some)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (s *sealed) block(number int64) ([]byte, error) {
	length := min(sealedBlock, s.size-number*sealedBlock)
	stored := make([]byte, length+int64(s.aead.Overhead()))
	if _, err := s.file.ReadAt(stored, number*int64(sealedBlock+s.aead.Overhead())); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("customer: %w", err)
	}
	plain, err := s.aead.Open(stored[:0], s.nonce(number), stored, nil)
	if err != nil {
		return nil, fmt.Errorf("customer: a sealed file was changed: %w", err)
	}
	return plain, nil
}

// Remove ends the file. Whoever still reads it meets an error.
func (s *sealed) Remove() error {
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}
