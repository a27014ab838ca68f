package clip

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"

	"github.com/loquet/loquet/camera"
)

// writer appends the records of one clip.
type writer struct {
	file   File
	sealer *sealer
	codec  camera.Codec
	init   []byte
	table  table
	layout layout
}

// buffers are what writing a fragment needs for a moment. They are shared by all recorders, of which few write at
// the same time.
type buffers struct {
	plain   seekablebuffer.Buffer
	sealed  []byte
	payload []byte
}

var pool = sync.Pool{New: func() any { return new(buffers) }}

// newWriter begins a clip in an empty file, with its configuration.
func newWriter(file File, id ID, key Key, codec camera.Codec, init []byte) (*writer, error) {
	s, err := newSealer(id, key)
	if err != nil {
		return nil, err
	}
	w := &writer{file: file, sealer: s, codec: codec, init: init}
	record, err := s.seal([]byte(magic), kindInit, 0, init)
	if err != nil {
		return nil, err
	}
	if _, err := file.Write(record); err != nil {
		return nil, err
	}
	w.layout.records = []segment{{int64(len(magic)), len(record) - len(magic)}}
	return w, nil
}

// write appends a fragment as one record, by one call.
func (w *writer) write(p *part) error {
	b := pool.Get().(*buffers)
	defer pool.Put(b)
	b.plain.Reset()
	seq := uint32(len(w.layout.records))
	if err := p.marshal(&b.plain, seq); err != nil {
		return err
	}
	plain := b.plain.Bytes()
	sealed, err := w.sealer.seal(b.sealed[:0], kindPart, seq, plain)
	if err != nil {
		return err
	}
	b.sealed = sealed
	if _, err := w.file.Write(sealed); err != nil {
		return err
	}
	w.layout.records = append(w.layout.records, segment{w.layout.whole(), len(sealed)})
	w.table.add(p, len(plain))
	return nil
}

// finish appends the end, and finishes the file. Whole says that nothing is missing at its end.
func (w *writer) finish(ctx context.Context, whole bool) (Summary, error) {
	e, err := w.ending()
	if err != nil {
		return Summary{}, err
	}
	e.summary.Whole = whole
	plain, err := e.marshal()
	if err != nil {
		return Summary{}, err
	}
	record, err := w.sealer.seal(nil, kindEnd, endSeq, plain)
	if err != nil {
		return Summary{}, err
	}
	if _, err := w.file.Write(binary.BigEndian.AppendUint32(record, uint32(len(record)))); err != nil {
		return Summary{}, err
	}
	return e.summary, w.file.Finish(ctx)
}

func (w *writer) ending() (*ending, error) {
	if len(w.table.samples) == 0 {
		return nil, ErrEmpty
	}
	front, err := head(w.init, &w.table)
	if err != nil {
		return nil, err
	}
	sum, err := w.sum(front)
	if err != nil {
		return nil, err
	}
	e := &ending{head: front}
	for _, record := range w.layout.records {
		e.sizes = append(e.sizes, uint32(record.size))
	}
	width, height := pictureSize(w.init)
	e.summary = Summary{
		Codec: w.codec, Width: width, Height: height,
		Duration: ticks(w.table.duration()), Frames: len(w.table.samples),
		From: w.table.from, To: w.table.to,
		Size: int64(len(front)) + w.table.body, SHA256: sum,
	}
	return e, nil
}

// sum is the SHA-256 of the film, whose fragments are read back: the head comes first in it and is known last. What
// the hash says is thereby what the file holds.
func (w *writer) sum(front []byte) (string, error) {
	hash := sha256.New()
	hash.Write(front)
	b := pool.Get().(*buffers)
	defer pool.Put(b)
	for seq, record := range w.layout.records[1:] {
		if cap(b.sealed) < record.size {
			b.sealed = make([]byte, record.size)
		}
		sealed := b.sealed[:record.size]
		if err := readFull(w.file, sealed, record.at); err != nil {
			return "", fmt.Errorf("reading back what was recorded: %w", err)
		}
		plain, err := w.sealer.open(b.payload[:0], sealed, kindPart, uint32(seq+1))
		if err != nil {
			return "", err
		}
		b.payload = plain
		hash.Write(plain)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
