package virtual

import "bytes"

// frame is a picture, 4:2:0, whose sides are multiples of 16.
type frame struct {
	w, h      int
	y, cb, cr []byte
}

func newFrame(w, h int) *frame {
	return &frame{w: w, h: h, y: make([]byte, w*h), cb: make([]byte, w*h/4), cr: make([]byte, w*h/4)}
}

// plane is one of the three, with the size of a macroblock in it.
type plane struct {
	pix        []byte
	stride, mb int
}

func (f *frame) planes() [3]plane {
	return [3]plane{{f.y, f.w, 16}, {f.cb, f.w / 2, 8}, {f.cr, f.w / 2, 8}}
}

// row of the macroblock at (x, y), in macroblocks; row -1 is the last one of that above.
func (p plane) row(x, y, row int) []byte {
	at := (y*p.mb+row)*p.stride + x*p.mb
	return p.pix[at : at+p.mb]
}

// encoder makes H.264 of the constrained baseline profile (ITU-T H.264), without loss: a macroblock is taken over
// from the picture before, or continued from its neighbour above or on the left, or else its samples are sent as they
// are. The deblocking filter is off, so that what a decoder shows is what was painted, to the bit.
type encoder struct {
	prev   *frame
	number uint // of the frame since the last key picture
	keys   uint
	raw    []bool // macroblocks of this picture whose samples were sent
}

// Macroblock types in an I slice (table 7-11); in a P slice they are 5 more.
const (
	intraVertical   = 1
	intraHorizontal = 2
	samples         = 25
)

const frameNumberBits = 8

// parameters returns SPS and PPS (7.3.2.1, 7.3.2.2, E.1.1) for pictures of w by h at rate frames per second.
func parameters(w, h, rate int) (sps, pps []byte) {
	var s writer
	s.u(8, 66)   // baseline
	s.u(8, 0xc0) // constrained
	s.u(8, 31)
	s.ue(0)
	s.ue(frameNumberBits - 4)
	s.ue(2) // pictures are shown in the order in which they are decoded
	s.ue(1) // reference frame
	s.bit(0)
	s.ue(uint(w/16 - 1))
	s.ue(uint(h/16 - 1))
	s.u(4, 0b1101) // frames only, 8x8 inference, no cropping, usability information:
	s.u(4, 0)      // nothing about aspect, overscan, signal, chroma
	s.bit(1)
	s.u(32, 1)
	s.u(32, uint(2*rate))
	s.bit(1)
	s.u(4, 0b0001) // no buffering model, no structure, but a restriction:
	s.bit(1)
	s.ue(0)
	s.ue(0)
	s.ue(10)
	s.ue(10)
	s.ue(0) // nothing is reordered
	s.ue(1)

	var p writer
	p.ue(0)
	p.ue(0)
	p.u(2, 0) // CAVLC
	p.ue(0)
	p.ue(0)
	p.ue(0)
	p.u(3, 0)
	p.se(0)
	p.se(0)
	p.se(0)
	p.u(3, 0b100) // the slice says that there is no deblocking
	return s.nal(0x67), p.nal(0x68)
}

// encode returns the slice of the next picture. The first one is a key picture. The frame is kept.
func (e *encoder) encode(f *frame, key bool) []byte {
	var w writer
	e.header(&w, key)
	e.raw = make([]bool, f.w*f.h/256)
	skipped := uint(0)
	for y := range f.h / 16 {
		for x := range f.w / 16 {
			if !key && same(f, e.prev, x, y) {
				skipped++
				continue
			}
			if !key {
				w.ue(skipped)
				skipped = 0
			}
			e.macroblock(&w, f, x, y, key)
		}
	}
	if skipped > 0 {
		w.ue(skipped)
	}
	e.prev = f
	if key {
		return w.nal(0x65)
	}
	return w.nal(0x41)
}

// header of the slice (7.3.3).
func (e *encoder) header(w *writer, key bool) {
	w.ue(0)
	if key {
		e.number = 0
		e.keys++
		w.ue(7)
		w.ue(0)
		w.u(frameNumberBits, 0)
		w.ue(e.keys % 2) // two key pictures after one another differ in it
		w.u(2, 0)
	} else {
		e.number = (e.number + 1) % (1 << frameNumberBits)
		w.ue(5)
		w.ue(0)
		w.u(frameNumberBits, e.number)
		w.u(3, 0)
	}
	w.se(0)
	w.ue(1) // no deblocking
}

// macroblock writes one (7.3.5).
func (e *encoder) macroblock(w *writer, f *frame, x, y int, key bool) {
	offset := uint(5)
	if key {
		offset = 0
	}
	switch {
	case y > 0 && above(f, x, y):
		w.ue(offset + intraVertical)
		w.ue(2)
		e.noResidual(w, f, x, y)
	case x > 0 && left(f, x, y):
		w.ue(offset + intraHorizontal)
		w.ue(1)
		e.noResidual(w, f, x, y)
	default:
		w.ue(offset + samples)
		w.align()
		for _, p := range f.planes() {
			for row := range p.mb {
				w.buf = append(w.buf, p.row(x, y, row)...)
			}
		}
		e.raw[y*f.w/16+x] = true
	}
}

// noResidual writes that nothing is to be added to the prediction. How "no coefficients" is written depends on how
// many the neighbours have (table 9-5): one whose samples were sent counts as 16, the others have none.
func (e *encoder) noResidual(w *writer, f *frame, x, y int) {
	w.se(0)
	at := y*f.w/16 + x
	if x > 0 && e.raw[at-1] || y > 0 && e.raw[at-f.w/16] {
		w.u(6, 0b000011)
		return
	}
	w.bit(1)
}

func same(f, g *frame, x, y int) bool {
	theirs := g.planes()
	for i, p := range f.planes() {
		for row := range p.mb {
			if !bytes.Equal(p.row(x, y, row), theirs[i].row(x, y, row)) {
				return false
			}
		}
	}
	return true
}

// above says whether a macroblock goes on as the last row above it.
func above(f *frame, x, y int) bool {
	for _, p := range f.planes() {
		first := p.row(x, y, -1)
		for row := range p.mb {
			if !bytes.Equal(first, p.row(x, y, row)) {
				return false
			}
		}
	}
	return true
}

// left says whether each row of a macroblock goes on as the sample on its left.
func left(f *frame, x, y int) bool {
	for _, p := range f.planes() {
		for row := range p.mb {
			before := p.pix[(y*p.mb+row)*p.stride+x*p.mb-1]
			for _, sample := range p.row(x, y, row) {
				if sample != before {
					return false
				}
			}
		}
	}
	return true
}
