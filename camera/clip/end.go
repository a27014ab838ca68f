package clip

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// trailerSize is the length of the end's length, behind it.
const trailerSize = 4

// ending is what a sealed end holds.
type ending struct {
	summary Summary
	// sizes are those of all records before it, headers included.
	sizes []uint32
	// head is what stands in place of the recorded configuration in the film.
	head []byte
}

func (e *ending) marshal() ([]byte, error) {
	summary, err := json.Marshal(e.summary)
	if err != nil {
		return nil, err
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(len(summary)))
	b = append(b, summary...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.sizes)))
	for _, size := range e.sizes {
		b = binary.BigEndian.AppendUint32(b, size)
	}
	return append(b, e.head...), nil
}

func (e *ending) unmarshal(b []byte) error {
	summary, b, ok := cut(b, 1)
	if !ok || json.Unmarshal(summary, &e.summary) != nil {
		return fmt.Errorf("%w: its end can't be read", ErrDamaged)
	}
	sizes, b, ok := cut(b, 4)
	if !ok {
		return fmt.Errorf("%w: its end can't be read", ErrDamaged)
	}
	for ; len(sizes) > 0; sizes = sizes[4:] {
		e.sizes = append(e.sizes, binary.BigEndian.Uint32(sizes))
	}
	e.head = b
	return nil
}

// cut takes a list of items of a size, after its count, from the front.
func cut(b []byte, size int) (list, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	length := int64(binary.BigEndian.Uint32(b)) * int64(size)
	if length > int64(len(b)-4) {
		return nil, nil, false
	}
	return b[4 : 4+length], b[4+length:], true
}

// layout finds the records of a finished file whose end stands at a place.
func (e *ending) layout(end segment) (*layout, error) {
	l := &layout{end: end}
	at := int64(len(magic))
	for _, size := range e.sizes {
		if size < headerSize+overhead {
			return nil, fmt.Errorf("%w: its end lists an impossible record", ErrDamaged)
		}
		l.records = append(l.records, segment{at, int(size)})
		at += int64(size)
	}
	if at != end.at || len(l.records) == 0 {
		return nil, fmt.Errorf("%w: its end lists other records", ErrDamaged)
	}
	return l, nil
}

// load reads a file's layout, and its end if it has one: from the back where possible, which takes two reads however
// long the clip is, and else from the front.
func load(file io.ReaderAt, size int64, s *sealer) (*layout, *ending, error) {
	if err := checkMagic(file, size); err != nil {
		return nil, nil, err
	}
	if l, e, err := loadBack(file, size, s); err == nil || !errors.Is(err, ErrDamaged) {
		return l, e, err
	}
	l, err := scan(file, size)
	if err != nil || l.end.size == 0 {
		return l, nil, err
	}
	e, err := readEnd(file, l.end, s)
	return l, e, err
}

// loadBack gives [ErrDamaged] if there is no end at the back.
func loadBack(file io.ReaderAt, size int64, s *sealer) (*layout, *ending, error) {
	end, err := findEnd(file, size)
	if err != nil {
		return nil, nil, err
	}
	e, err := readEnd(file, end, s)
	if err != nil {
		return nil, nil, err
	}
	l, err := e.layout(end)
	return l, e, err
}

func findEnd(file io.ReaderAt, size int64) (segment, error) {
	none := fmt.Errorf("%w: it has no end", ErrDamaged)
	if size < int64(len(magic)+headerSize+overhead+trailerSize) {
		return segment{}, none
	}
	var trailer [trailerSize]byte
	if err := readFull(file, trailer[:], size-trailerSize); err != nil {
		return segment{}, err
	}
	length := int64(binary.BigEndian.Uint32(trailer[:]))
	at := size - trailerSize - length
	if length < headerSize+overhead || length > headerSize+maxRecord || at < int64(len(magic)) {
		return segment{}, none
	}
	var header [headerSize]byte
	if err := readFull(file, header[:], at); err != nil {
		return segment{}, err
	}
	if n, err := readHeader(header[:], kindEnd, endSeq); err != nil || headerSize+int64(n) != length {
		return segment{}, none
	}
	return segment{at, int(length)}, nil
}

func readEnd(file io.ReaderAt, at segment, s *sealer) (*ending, error) {
	plain, err := readRecord(file, at, s, kindEnd, endSeq)
	if err != nil {
		return nil, err
	}
	e := &ending{}
	return e, e.unmarshal(plain)
}

func readRecord(file io.ReaderAt, at segment, s *sealer, k kind, seq uint32) ([]byte, error) {
	sealed := make([]byte, at.size)
	if err := readFull(file, sealed, at.at); err != nil {
		return nil, err
	}
	return s.open(nil, sealed, k, seq)
}
