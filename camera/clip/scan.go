package clip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// segment is where a record stands in the sealed file, header included.
type segment struct {
	at   int64
	size int
}

func (s segment) end() int64 { return s.at + int64(s.size) }

// plain is how many bytes the record holds.
func (s segment) plain() int64 { return int64(s.size - headerSize - overhead) }

// layout is where everything stands in a sealed file.
type layout struct {
	// records are the configuration and the fragments, numbered from 0 without a gap.
	records []segment
	// end is the sealed end, its size 0 if there is none.
	end segment
}

// whole is how many bytes of the file are whole records without an end.
func (l *layout) whole() int64 {
	if len(l.records) == 0 {
		return 0
	}
	return l.records[len(l.records)-1].end()
}

// scan finds the records of a file from its front, by their headers alone. What is left of a torn last record is
// ignored. A file in which nothing whole stands gives [ErrEmpty].
func scan(file io.ReaderAt, size int64) (*layout, error) {
	if err := checkMagic(file, size); err != nil {
		return nil, err
	}
	l := &layout{}
	at := int64(len(magic))
	for {
		next, err := l.step(file, at, size)
		if err != nil {
			return nil, err
		}
		if next == 0 {
			break
		}
		at = next
	}
	if len(l.records) == 0 {
		return nil, ErrEmpty
	}
	return l, nil
}

func checkMagic(file io.ReaderAt, size int64) error {
	var have [len(magic)]byte
	n := min(size, int64(len(magic)))
	if _, err := file.ReadAt(have[:n], 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case string(have[:n]) != magic[:n]:
		return fmt.Errorf("%w: it is not a clip", ErrDamaged)
	case n < int64(len(magic)):
		return ErrEmpty
	}
	return nil
}

// step takes in the record at a place. It returns the place of the next one, or 0 if there is none.
func (l *layout) step(file io.ReaderAt, at, size int64) (int64, error) {
	if size-at < headerSize {
		return 0, nil
	}
	var header [headerSize]byte
	if err := readFull(file, header[:], at); err != nil {
		return 0, err
	}
	if header == [headerSize]byte{} {
		// Room that a file system gave to the file before a power cut kept the contents from being written.
		return 0, nil
	}
	k, seq := l.expected(header)
	length, err := readHeader(header[:], k, seq)
	if err != nil {
		return 0, err
	}
	found := segment{at, headerSize + length}
	switch {
	case found.end() > size:
		return 0, nil
	case k == kindEnd:
		return 0, l.setEnd(file, found, size)
	}
	l.records = append(l.records, found)
	return found.end(), nil
}

// expected is the kind and number that the next record must have: its header may only choose between a fragment and
// the end.
func (l *layout) expected(header [headerSize]byte) (kind, uint32) {
	switch {
	case len(l.records) == 0:
		return kindInit, 0
	case kind(header[0]) == kindEnd:
		return kindEnd, endSeq
	}
	return kindPart, uint32(len(l.records))
}

func (l *layout) setEnd(file io.ReaderAt, found segment, size int64) error {
	if size-found.end() < trailerSize {
		return nil
	}
	var trailer [trailerSize]byte
	if err := readFull(file, trailer[:], found.end()); err != nil {
		return err
	}
	if size-found.end() > trailerSize || binary.BigEndian.Uint32(trailer[:]) != uint32(found.size) {
		return fmt.Errorf("%w: something stands behind its end", ErrDamaged)
	}
	l.end = found
	return nil
}

// readFull reads exactly len(p) bytes; fewer are an error.
func readFull(file io.ReaderAt, p []byte, at int64) error {
	n, err := file.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}
