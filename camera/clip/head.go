package clip

import (
	"encoding/binary"
	"fmt"
	"math"
)

// movieRate is the time scale of mvhd and tkhd in what package fmp4 writes.
const movieRate = 1000

// macEpoch is 1904, in seconds before 1970: the times of creation in an MP4 count from there.
const macEpoch = 2082844800

// head turns a recorded configuration (ftyp and moov of a fragmented film) into the head of a progressive one: the
// same boxes, with durations and indexes, and the header of the one mdat in which all fragments stand.
func head(init []byte, t *table) ([]byte, error) {
	if t.body+8 > math.MaxUint32-int64(64*len(t.samples))-int64(len(init)) {
		return nil, fmt.Errorf("a film of %d bytes is too long", t.body)
	}
	h := &header{table: t}
	// The indexes name places in the file, which depend on the length of the indexes: the first pass finds that.
	first, err := h.file(init)
	if err != nil {
		return nil, err
	}
	h.shift = int64(len(first))
	return h.file(init)
}

type header struct {
	table *table
	// shift is how many bytes stand before the first fragment.
	shift int64
}

func (h *header) file(init []byte) ([]byte, error) {
	out, err := h.boxes(nil, init)
	if err != nil {
		return nil, err
	}
	out = binary.BigEndian.AppendUint32(out, uint32(h.table.body+8))
	return append(out, "mdat"...), nil
}

// boxes copies a list of boxes, and changes what must change in them.
func (h *header) boxes(out, in []byte) ([]byte, error) {
	for len(in) > 0 {
		if len(in) < 8 || binary.BigEndian.Uint32(in) < 8 || int64(binary.BigEndian.Uint32(in)) > int64(len(in)) {
			return nil, fmt.Errorf("%w: its configuration can't be read", ErrDamaged)
		}
		size := binary.BigEndian.Uint32(in)
		var err error
		if out, err = h.box(out, in[:size]); err != nil {
			return nil, err
		}
		in = in[size:]
	}
	return out, nil
}

func (h *header) box(out, in []byte) ([]byte, error) {
	at := len(out)
	switch string(in[4:8]) {
	case "moov", "trak", "mdia", "minf":
		out, err := h.boxes(append(out, in[:8]...), in[8:])
		return sized(out, at), err
	case "stbl":
		out, err := h.boxes(append(out, in[:8]...), in[8:])
		return sized(h.indexes(out), at), err
	case "mvex", "stts", "stsc", "stsz", "stco":
		return out, nil
	case "mvhd", "mdhd":
		return h.stamp(out, in, 24)
	case "tkhd":
		return h.stamp(out, in, 28)
	}
	return append(out, in...), nil
}

// sized sets the size of the box that begins at a place and ends with the bytes so far.
func sized(out []byte, at int) []byte {
	if len(out) > at {
		binary.BigEndian.PutUint32(out[at:], uint32(len(out)-at))
	}
	return out
}

// stamp copies a header box of version 0, with times of creation and the duration, which stands at a place.
func (h *header) stamp(out, in []byte, at int) ([]byte, error) {
	if len(in) < at+4 || in[8] != 0 {
		return nil, fmt.Errorf("%w: its configuration can't be read", ErrDamaged)
	}
	rate := uint64(movieRate)
	if string(in[4:8]) == "mdhd" {
		rate = clockRate
	}
	begin := len(out)
	out = append(out, in...)
	box := out[begin:]
	made := uint32(max(0, h.table.from.Unix()+macEpoch))
	binary.BigEndian.PutUint32(box[12:], made)
	binary.BigEndian.PutUint32(box[16:], made)
	binary.BigEndian.PutUint32(box[at:], uint32(h.table.duration()*rate/clockRate))
	return out, nil
}

// indexes appends the tables of a track (ISO/IEC 14496-12, 8.6 and 8.7).
func (h *header) indexes(out []byte) []byte {
	out = fullBox(out, "stts", h.durations)
	out = fullBox(out, "stss", h.keys)
	if h.reordered() {
		out = fullBox(out, "ctts", h.offsets)
	}
	out = fullBox(out, "stsc", h.runs)
	out = fullBox(out, "stsz", h.sizes)
	return fullBox(out, "stco", h.places)
}

// fullBox appends a box of version 0 whose contents are one list.
func fullBox(out []byte, name string, fill func(*list)) []byte {
	at := len(out)
	out = append(out, 0, 0, 0, 0)
	out = append(out, name...)
	out = append(out, 0, 0, 0, 0)
	l := &list{out: out}
	fill(l)
	return sized(l.out, at)
}

// list is a counted list of items of some words.
type list struct {
	out   []byte
	count int
}

// begin writes the words before the items and leaves room for their number.
func (l *list) begin(words ...uint32) func() {
	l.words(words...)
	at := len(l.out)
	l.words(0)
	return func() { binary.BigEndian.PutUint32(l.out[at:], uint32(l.count)) }
}

func (l *list) item(words ...uint32) {
	l.count++
	l.words(words...)
}

func (l *list) words(words ...uint32) {
	for _, w := range words {
		l.out = binary.BigEndian.AppendUint32(l.out, w)
	}
}

func (h *header) durations(l *list) {
	defer l.begin()()
	h.equal(l, func(s sample) uint32 { return s.duration })
}

// offsets are never negative here: no picture is shown before it is decoded.
func (h *header) offsets(l *list) {
	defer l.begin()()
	h.equal(l, func(s sample) uint32 { return uint32(max(0, s.offset)) })
}

// equal writes runs of pictures that have the same value.
func (h *header) equal(l *list, value func(sample) uint32) {
	samples := h.table.samples
	for i := 0; i < len(samples); {
		n := i + 1
		for n < len(samples) && value(samples[n]) == value(samples[i]) {
			n++
		}
		l.item(uint32(n-i), value(samples[i]))
		i = n
	}
}

func (h *header) reordered() bool {
	for _, s := range h.table.samples {
		if s.offset != 0 {
			return true
		}
	}
	return false
}

func (h *header) keys(l *list) {
	defer l.begin()()
	for i, s := range h.table.samples {
		if s.key {
			l.item(uint32(i + 1))
		}
	}
}

func (h *header) runs(l *list) {
	defer l.begin()()
	last := 0
	for i, c := range h.table.chunks {
		if c.count != last {
			l.item(uint32(i+1), uint32(c.count), 1)
			last = c.count
		}
	}
}

func (h *header) sizes(l *list) {
	defer l.begin(0)()
	for _, s := range h.table.samples {
		l.item(s.size)
	}
}

func (h *header) places(l *list) {
	defer l.begin()()
	for _, c := range h.table.chunks {
		l.item(uint32(h.shift + c.at))
	}
}

// pictureSize reads the track's width and height from a configuration.
func pictureSize(init []byte) (width, height int) {
	tkhd := find(init, "moov", "trak", "tkhd")
	if len(tkhd) < 84 {
		return 0, 0
	}
	return int(binary.BigEndian.Uint32(tkhd[76:]) >> 16), int(binary.BigEndian.Uint32(tkhd[80:]) >> 16)
}

// find returns the contents of the first box at a path, or nil.
func find(in []byte, path ...string) []byte {
	for _, name := range path {
		in = child(in, name)
	}
	return in
}

func child(in []byte, name string) []byte {
	for len(in) >= 8 {
		size := int64(binary.BigEndian.Uint32(in))
		if size < 8 || size > int64(len(in)) {
			return nil
		}
		if string(in[4:8]) == name {
			return in[8:size]
		}
		in = in[size:]
	}
	return nil
}
