package clip

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const (
	magic      = "LOQCLIP1"
	headerSize = 8
	// overhead is a nonce and a tag.
	overhead = 12 + 16
	// maxRecord is the most that a record's header can say.
	maxRecord = 1<<24 - 1
	maxPlain  = maxRecord - overhead
	// endSeq is the end's sequence number, whatever stands before it: it is found from the back of the file.
	endSeq = ^uint32(0)
)

// kind is what a record holds.
type kind byte

const (
	kindInit kind = 1 + iota
	kindPart
	kindEnd
	kindPoster
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sealer encrypts and decrypts the records of one clip.
type sealer struct {
	aead cipher.AEAD
	id   ID
}

func newSealer(id ID, key Key) (*sealer, error) {
	if err := id.Check(); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	// Nonces are drawn: a counter would repeat after a torn record was cut off and its number used again. A clip
	// has a few thousand records, far from the 2^32 that drawn nonces allow.
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &sealer{aead, id}, nil
}

// seal appends one record to dst.
func (s *sealer) seal(dst []byte, k kind, seq uint32, plain []byte) ([]byte, error) {
	if len(plain) > maxPlain {
		return nil, fmt.Errorf("a record of %d bytes is too large", len(plain))
	}
	header := makeHeader(k, seq, len(plain)+overhead)
	//nolint:gosec // nil: this cipher draws its nonces itself
	return s.aead.Seal(append(dst, header[:]...), nil, plain, s.additional(k, seq)), nil
}

// open appends to dst what a record, header included, holds.
func (s *sealer) open(dst, record []byte, k kind, seq uint32) ([]byte, error) {
	length, err := readHeader(record, k, seq)
	if err != nil {
		return nil, err
	}
	if length != len(record)-headerSize {
		return nil, fmt.Errorf("%w: a record has another length", ErrDamaged)
	}
	plain, err := s.aead.Open(dst, nil, record[headerSize:], s.additional(k, seq))
	if err != nil {
		return nil, fmt.Errorf("%w: record %d", ErrDamaged, seq)
	}
	return plain, nil
}

func (s *sealer) additional(k kind, seq uint32) []byte {
	data := append([]byte(magic), s.id...)
	data = append(data, 0, byte(k))
	return binary.BigEndian.AppendUint32(data, seq)
}

func makeHeader(k kind, seq uint32, length int) (header [headerSize]byte) {
	binary.BigEndian.PutUint32(header[:4], uint32(k)<<24|uint32(length))
	binary.BigEndian.PutUint32(header[4:], headerSum(header[:4], seq))
	return header
}

func headerSum(first []byte, seq uint32) uint32 {
	var number [4]byte
	binary.BigEndian.PutUint32(number[:], seq)
	return crc32.Update(crc32.Checksum(first, castagnoli), castagnoli, number[:])
}

// readHeader returns the length of what follows the header of a record of that kind and number.
func readHeader(header []byte, k kind, seq uint32) (int, error) {
	if len(header) < headerSize {
		return 0, fmt.Errorf("%w: a header is cut", ErrDamaged)
	}
	word := binary.BigEndian.Uint32(header)
	length := int(word & maxRecord)
	if kind(word>>24) != k || length < overhead || binary.BigEndian.Uint32(header[4:]) != headerSum(header[:4], seq) {
		return 0, fmt.Errorf("%w: the header of record %d", ErrDamaged, seq)
	}
	return length, nil
}
