package clip

import (
	"context"
	"encoding/binary"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"

	"github.com/loquet/loquet/camera"
)

// Bounds of one clip and of its fragments.
const (
	// partLength is the length of a fragment.
	partLength = clockRate
	// partMost bytes end a fragment before its time, so that it fits into a record whatever a camera sends.
	partMost = 8 << 20
	// jump is a gap in the stream's time that begins another clip: nobody should look at one picture for longer.
	jump = 10 * clockRate
	// Beyond the first two, a key unit begins another clip; beyond the others, any unit ends it. They bound the index
	// in memory, and the places in a film to 32 bits.
	clipLength, clipLengthMost = 3600 * clockRate, 3660 * clockRate
	clipMost, clipMostMost     = 2 << 30, 3 << 30
)

// film turns units into fragments of one clip.
type film struct {
	format *camera.Format
	writer *writer
	// units are those of the fragment that is being collected: the last one waits for the next, which says how long
	// it is shown.
	units []*camera.Unit
	bytes int
	base  uint64
	// lastBytes and lastFrames are those of the fragment that was written last.
	lastBytes  int64
	lastFrames int
}

// newFilm begins a clip with its configuration, which [initialization] made of the format.
func newFilm(t *take, format *camera.Format, init []byte) (*film, error) {
	w, err := newWriter(t.file, t.entry.ID, t.key, format.Codec, init)
	if err != nil {
		return nil, err
	}
	return &film{format: format, writer: w}, nil
}

// continues says whether the unit belongs into this film.
func (f *film) continues(u *camera.Unit) bool {
	if len(f.units) == 0 {
		return true
	}
	last := f.units[len(f.units)-1]
	length := f.base + uint64(last.DTS-f.units[0].DTS)
	body := f.writer.table.body + int64(f.bytes)
	switch {
	case !f.format.Same(u.Format), u.DTS <= last.DTS, u.DTS-last.DTS > jump:
		return false
	case length > clipLengthMost, body > clipMostMost:
		return false
	}
	return !u.Key || length <= clipLength && body <= clipMost
}

// add takes a unit, and says whether it was the first of another fragment, so that the one before was written.
func (f *film) add(u *camera.Unit) (wrote bool, err error) {
	size := avccSize(u)
	if len(f.units) > 0 && (u.DTS-f.units[0].DTS >= partLength || f.bytes+size > partMost) {
		if err := f.flush(u.DTS); err != nil {
			return false, err
		}
		wrote = true
	}
	f.units = append(f.units, u)
	f.bytes += size
	return wrote, nil
}

// flush writes the fragment, whose last picture is shown until a time.
func (f *film) flush(until int64) error {
	b := pool.Get().(*buffers)
	defer pool.Put(b)
	p := &part{at: f.units[0].At, base: f.base, samples: make([]*fmp4.Sample, len(f.units))}
	made := make([]fmp4.Sample, len(f.units))
	b.payload = b.payload[:0]
	if cap(b.payload) < f.bytes {
		b.payload = make([]byte, 0, f.bytes)
	}
	for i, u := range f.units {
		end := until
		if i+1 < len(f.units) {
			end = f.units[i+1].DTS
		}
		begin := len(b.payload)
		b.payload = appendAVCC(b.payload, u)
		made[i] = fmp4.Sample{
			Duration: uint32(end - u.DTS), PTSOffset: int32(min(max(u.PTS-u.DTS, 0), jump)),
			IsNonSyncSample: !u.Key, Payload: b.payload[begin:],
		}
		p.samples[i] = &made[i]
	}
	before := f.writer.layout.whole()
	if err := f.writer.write(p); err != nil {
		return err
	}
	f.lastBytes, f.lastFrames = f.writer.layout.whole()-before, len(f.units)
	f.base += p.duration()
	clear(f.units)
	f.units, f.bytes = f.units[:0], 0
	return nil
}

// finish writes what is collected, and the end.
func (f *film) finish(ctx context.Context) (Summary, error) {
	if n := len(f.units); n > 0 {
		if err := f.flush(f.units[n-1].DTS + f.lastDuration()); err != nil {
			return Summary{}, err
		}
	}
	return f.writer.finish(ctx, true)
}

// lastDuration guesses how long the last picture is shown: as long as the one before it, or as the stream says.
func (f *film) lastDuration() int64 {
	if n := len(f.units); n > 1 {
		return f.units[n-1].DTS - f.units[n-2].DTS
	}
	if f.format.Rate >= 1 {
		return int64(clockRate / f.format.Rate)
	}
	return clockRate / 25
}

// avccSize is how many bytes a unit takes in a film: each NAL unit after its length.
func avccSize(u *camera.Unit) int { return u.Size() + 4*len(u.NALUs) }

func appendAVCC(b []byte, u *camera.Unit) []byte {
	for _, nalu := range u.NALUs {
		b = binary.BigEndian.AppendUint32(b, uint32(len(nalu)))
		b = append(b, nalu...)
	}
	return b
}
