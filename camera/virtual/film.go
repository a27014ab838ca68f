package virtual

import (
	"time"

	"github.com/loquet/loquet/camera"
)

// Mode is how the camera behaves.
type Mode string

// Modes: the first two are live, the others are faults or attacks.
const (
	// Live: a clock runs in the picture.
	Live Mode = "live"
	// Quiet: nothing moves, but the sensor's noise is there.
	Quiet Mode = "quiet"
	// Still: one picture is encoded again and again.
	Still Mode = "still"
	// Loop: what is live now is replayed for ever, bit by bit, once it is LoopLength long.
	Loop Mode = "loop"
	// Frozen: the encoder has stopped, the server is up.
	Frozen Mode = "frozen"
	// Slow: the stream plays at half its speed.
	Slow Mode = "slow"
)

// Rate is how many pictures a second there are.
const Rate = 25

// tick is the time between two pictures, and clock is it in the stream's units of 1/90,000 s.
const (
	tick  = time.Second / Rate
	clock = 90_000 / Rate
)

// Film makes the units of a virtual camera, one after the other. It is not safe for concurrent use.
type Film struct {
	Scene Scene
	// Group is how many pictures there are from one key picture to the next.
	Group int

	format  *camera.Format
	encoder encoder
	mode    Mode
	since   int    // pictures since the mode began
	n       int    // pictures since the last key picture
	seed    uint64 // of the sensor's noise

	loop int // pictures in a loop
	tape []*camera.Unit
}

// NewFilm returns a film of pictures of w by h pixels, both multiples of 16 and at least 256 by 192, which repeats
// after loop if told to.
func NewFilm(w, h int, loop time.Duration) *Film {
	sps, pps := parameters(w, h, Rate)
	return &Film{
		Scene: Scene{Name: "LOQUET DEMO"}, Group: 2 * Rate, mode: Live, seed: 88172645463325252,
		format: &camera.Format{Codec: camera.H264, SPS: sps, PPS: pps, Width: w, Height: h, Rate: Rate},
		loop:   int(loop / tick),
	}
}

// Format of the film's units.
func (f *Film) Format() *camera.Format { return f.format }

// Show changes the mode. The next picture of another mode than Still, Frozen and Slow is a key picture.
func (f *Film) Show(m Mode) {
	f.mode, f.since, f.tape = m, 0, nil
	if m == Live || m == Quiet || m == Loop {
		f.n = 0
	}
}

// Next returns the picture of the instant at, whose time in the stream is pts; none while it is frozen.
func (f *Film) Next(at time.Time, pts int64) *camera.Unit {
	if f.mode == Frozen {
		return nil
	}
	u := f.unit(at)
	u.At, u.PTS, u.DTS = at, pts, pts
	return u
}

func (f *Film) unit(at time.Time) *camera.Unit {
	i := f.since
	f.since++
	if f.mode == Loop && i >= f.loop && f.loop > 0 {
		again := *f.tape[i%len(f.tape)]
		return &again
	}
	u := f.encode(at)
	if f.mode == Loop {
		f.tape = append(f.tape, u)
		again := *u
		return &again
	}
	return u
}

func (f *Film) encode(at time.Time) *camera.Unit {
	key := f.n == 0
	f.n = (f.n + 1) % f.Group
	slice := f.encoder.encode(f.picture(at), key)
	return &camera.Unit{Format: f.format, Key: key, NALUs: [][]byte{slice}}
}

func (f *Film) picture(at time.Time) *frame {
	if f.mode == Still && f.encoder.prev != nil {
		return f.encoder.prev
	}
	words := "DEMO, NOT A REAL DOOR"
	if f.mode == Quiet {
		at, words = time.Time{}, "A QUIET DAY"
	}
	p := f.Scene.paint(f.format.Width, f.format.Height, at, words)
	f.seed = f.seed*6364136223846793005 + 1442695040888963407
	p.noise(f.seed | 1)
	return p
}
