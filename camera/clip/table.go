package clip

import (
	"time"
)

// table is the index of a film: what its pictures are, and where they stand. It takes 16 bytes a picture.
type table struct {
	samples []sample
	chunks  []chunk
	// body is how many bytes all fragments take.
	body int64
	// from and to are when the first and the last picture were received.
	from, to time.Time
}

type sample struct {
	size, duration uint32
	// offset of presentation against decoding.
	offset int32
	key    bool
}

// chunk is a run of pictures that stand together: those of one fragment.
type chunk struct {
	// at is where they begin, from the first fragment's first byte.
	at    int64
	count int
}

// add takes in a fragment that was written with a size.
func (t *table) add(p *part, size int) {
	t.chunks = append(t.chunks, chunk{t.body + int64(size-p.payload()), len(p.samples)})
	t.body += int64(size)
	for _, s := range p.samples {
		t.samples = append(t.samples, sample{uint32(len(s.Payload)), s.Duration, s.PTSOffset, !s.IsNonSyncSample})
	}
	if t.from.IsZero() {
		t.from = p.at.UTC()
	}
	last := p.samples[len(p.samples)-1]
	t.to = p.at.UTC().Add(ticks(p.duration() - uint64(last.Duration)))
}

func (t *table) duration() (total uint64) {
	for _, s := range t.samples {
		total += uint64(s.duration)
	}
	return total
}

// ticks turns units of the clock into time.
func ticks(n uint64) time.Duration {
	return time.Duration(n/clockRate)*time.Second + time.Duration(n%clockRate)*time.Second/clockRate
}
