package camera

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math/bits"
	"time"
)

const (
	// MaxAge is how old the last unit of a live picture may be.
	MaxAge = time.Second
	// NeededKeys is how many different key pictures of one connection a proof needs.
	NeededKeys = 3
	// NeededWhenStill is how many it needs if nothing happens between them. A still picture that is encoded again
	// gave 1 to 7 different ones before they came again, as the control of the rate settled (x264, five settings).
	NeededWhenStill = 12

	// distrust is how long a repeated key picture counts.
	distrust = 10 * time.Minute

	// window is how many units between key pictures are looked at. They stand still from when nothing happens in
	// manyStill of them, until it does so in no more than someStill. Three of four are not enough: some encoders
	// have small B pictures between the others.
	window    = 25
	manyStill = 21
	someStill = 12
)

// Verdict says at one instant whether the picture is live.
type Verdict struct {
	// Live holds if Why is empty. Whether it can be recorded is told elsewhere.
	Live bool
	Why  Why
	// Since when Why stands.
	Since time.Time
	// Last is when the last unit came, zero if none did.
	Last time.Time
	// Lag is how much later than the best of the last minute it came, against its own time.
	Lag time.Duration
	// Keys is the number of different key pictures in this connection, Repeats how many came again in all.
	Keys, Repeats int
	// Still: nothing happens between the key pictures. This is a hint and no more, once enough of them differ.
	Still bool
}

// Judge says whether a picture is live. It is pure: all times are given to it. It is not safe for concurrent use.
//
// It trusts, in this order: the age of the last unit; the stream's time against ours; that a sensor never gives the
// same key picture twice, which holds for a quiet, static scene too, because sensors are noisy; and, least, that
// something happens between key pictures. One Judge should live as long as its camera is known, over connections:
// what it remembers of key pictures is what uncovers a loop.
//
// # Loops longer than memory
//
// The last 8192 key pictures are known for certain (4.5 hours at one every 2 s, 2.3 hours at one a second): a
// shorter loop is found at its first repeated key picture. Of all earlier ones an even sample of 1024 to 2048 is
// kept. A longer loop is found with the first of the sampled that comes again; if M were seen in all, that is
// after about M/1024 key pictures at most, on average: a loop of a day (43,200) within about 42 of them, some 84 s.
// What was never seen here, such as a recording made at the cable by somebody else, or a picture that is encoded
// again, does not repeat, and can't be found in this way: against that only a challenge helps.
//
// # False alarms
//
// A hash is the first 64 bits of SHA-256, after random bytes that nobody outside knows. With 10,240 remembered, a
// new key picture is taken for an old one with a probability of 6e-16: once in 100,000 years of 300 cameras. A lens
// that is covered so well that its picture has no noise at all is refused, and should be.
type Judge struct {
	sha  hash.Hash
	salt [16]byte
	keys memory

	began time.Time // the connection
	last  time.Time
	drift drift

	fresh    bool   // no key unit in this connection yet
	lastKey  uint64 // of any connection
	distinct int
	repeats  int
	repeated Why       // what the last repetition was taken for
	until    time.Time // it counts

	small     uint32 // the last units between key pictures, one bit each: nothing happens in it
	size      int    // of the last one
	still     bool
	stillKeys int // different key pictures since it is still

	why   Why
	since time.Time
}

// NewJudge returns a judge of one camera that has seen nothing at the instant now.
func NewJudge(now time.Time) *Judge {
	j := &Judge{sha: sha256.New(), keys: newMemory()}
	_, _ = rand.Read(j.salt[:]) // never fails
	j.Begin(now)
	return j
}

// Begin says that a connection begins: the stream's times begin anew, and the proof as well.
func (j *Judge) Begin(now time.Time) {
	j.began, j.last, j.drift = now, time.Time{}, drift{}
	j.fresh, j.distinct, j.small, j.still, j.stillKeys = true, 0, 0, false, 0
	j.why, j.since = NoStream, now
}

// Add takes the next unit of the connection.
func (j *Judge) Add(u *Unit) {
	gap := !j.last.IsZero() && u.At.Sub(j.last) > MaxAge
	j.last = u.At
	j.drift.add(u.At, u.DTS)
	if u.Key {
		j.key(u)
	} else {
		j.between(u)
	}
	if why := j.assess(u.At); gap || why != j.why {
		j.why, j.since = why, u.At
	}
}

// Verdict says how it stands at the instant now, which is not before the last unit's.
func (j *Judge) Verdict(now time.Time) Verdict {
	v := Verdict{Why: j.why, Since: j.since, Last: j.last, Lag: j.drift.lag, Keys: j.distinct, Repeats: j.repeats, Still: j.still}
	if !j.last.IsZero() && now.Sub(j.last) > MaxAge {
		v.Why, v.Since = Stale, j.last.Add(MaxAge)
	}
	v.Live = v.Why == Live
	return v
}

// assess finds the gravest reason in what was received.
func (j *Judge) assess(now time.Time) Why {
	switch {
	case j.drift.bad():
		return Clock
	case now.Before(j.until):
		return j.repeated
	case j.still && j.stillKeys < NeededWhenStill:
		return Still
	case j.distinct < NeededKeys:
		return TooFew
	}
	return Live
}

func (j *Judge) key(u *Unit) {
	h := j.hash(u)
	first := j.fresh
	j.fresh = false
	if first && h == j.lastKey {
		return // servers send the last group again to whoever connects: this proves nothing, in either way
	}
	j.lastKey = h
	if j.keys.seen(h) {
		j.repeat(u.At)
		return
	}
	j.distinct++
	j.stillKeys++
}

func (j *Judge) repeat(at time.Time) {
	j.repeats++
	j.until = at.Add(distrust)
	j.repeated = Loop
	if j.still {
		j.repeated = Frozen
	}
}

// between notes whether anything happens in a unit that is no key picture: it holds more than "as before", and not as
// much as the one before it. An encoder that is given the same picture again writes the same again, while noise
// never takes the same room twice.
func (j *Judge) between(u *Unit) {
	j.small = j.small << 1 & (1<<window - 1)
	size, limit := u.picture()
	if size <= limit || max(size-j.size, j.size-size) <= 1 {
		j.small |= 1
	}
	j.size = size
	n := bits.OnesCount32(j.small)
	switch {
	case !j.still && n >= manyStill:
		j.still, j.stillKeys = true, 0
	case j.still && n <= someStill:
		j.still = false
	}
}

func (j *Judge) hash(u *Unit) uint64 {
	j.sha.Reset()
	j.sha.Write(j.salt[:])
	for _, n := range u.NALUs {
		if u.Format.slice(n) {
			j.sha.Write(n)
		}
	}
	var sum [sha256.Size]byte
	return binary.BigEndian.Uint64(j.sha.Sum(sum[:0]))
}

// picture says how many bytes of a unit are picture, and how many mean no more than "as before": a slice's header, and
// one skip over all its blocks.
func (u *Unit) picture() (size, limit int) {
	limit = u.Format.Width * u.Format.Height / 65536
	for _, n := range u.NALUs {
		if u.Format.slice(n) {
			size += len(n)
			limit += 32
		}
	}
	return size, limit
}

// slice says whether a NAL unit holds part of the picture: types 1 to 5 of H.264 (ITU-T H.264, table 7-1), 0 to 31 of
// H.265 (ITU-T H.265, table 7-1).
func (f *Format) slice(nalu []byte) bool {
	if len(nalu) == 0 {
		return false
	}
	if f.Codec == H265 {
		return nalu[0]>>1&0x3f < 32
	}
	t := nalu[0] & 0x1f
	return t >= 1 && t <= 5
}
