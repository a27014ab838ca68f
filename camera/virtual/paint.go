package virtual

import (
	"image"
	"image/color"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// Scene is what the camera looks at.
type Scene struct {
	// Name stands above the picture, in ASCII.
	Name string
	// Open: the door stands open.
	Open bool
	// Parcel: one lies in front of the door.
	Parcel bool
}

// colour of a sample: luma and both chromas.
type colour struct{ y, cb, cr byte }

var (
	wall    = colour{70, 128, 128}
	floor   = colour{100, 124, 132}
	wood    = colour{110, 100, 155}
	darkest = colour{20, 128, 128}
	card    = colour{160, 90, 150}
	white   = byte(230)
)

// step is what the layout is measured in: a macroblock, so that flat areas cost nothing.
const step = 16

// paint returns the scene as it is at t, whose own zone the clock shows. Text is two pixels to a dot.
func (s Scene) paint(w, h int, t time.Time, words string) *frame {
	f := newFrame(w, h)
	f.fill(0, 0, w, h, wall)
	// The scene grows with the picture, in whole macroblocks.
	unit := max(step, h/11/step*step)
	ground := h - 2*step
	f.fill(0, ground, w, h, floor)
	right := w - 2*unit
	f.fill(right-4*unit, ground-6*unit, right, ground, wood)
	state := "CLOSED"
	if s.Open {
		f.fill(right-3*unit, ground-6*unit, right, ground, darkest)
		state = "OPEN"
	}
	if s.Parcel {
		f.fill(right-6*unit, ground-unit, right-4*unit, ground, card)
		state += ", PARCEL"
	}
	f.text(0, s.Name)
	f.text(2*step, t.Format("15:04:05.00"))
	f.text(4*step, state)
	f.text(ground, words)
	return f
}

func (f *frame) fill(x0, y0, x1, y1 int, c colour) {
	for i, p := range f.planes() {
		value, by := [3]byte{c.y, c.cb, c.cr}[i], step/p.mb
		for y := max(y0, 0) / by; y < y1/by; y++ {
			row := p.pix[y*p.stride:][max(x0, 0)/by : x1/by]
			for x := range row {
				row[x] = value
			}
		}
	}
}

// text writes a line at twice the size of the font, which has 7 by 13 dots, and cuts what has no room.
func (f *frame) text(y0 int, line string) {
	const x0 = step / 2
	mask := image.NewGray(image.Rect(0, 0, f.w/2-x0/2, step))
	d := font.Drawer{Dst: mask, Src: image.NewUniform(color.White), Face: basicfont.Face7x13, Dot: fixed.P(0, 12)}
	d.DrawString(line)
	for y := range 2 * step {
		for x := range 2 * mask.Rect.Dx() {
			if mask.Pix[y/2*mask.Stride+x/2] > 127 && y0+y < f.h && x0+x < f.w {
				f.y[(y0+y)*f.w+x0+x] = white
			}
		}
	}
}

// noise lays a sensor's noise over some of the flat macroblocks at the lower left: over another choice of them for
// each seed, so that it takes another room.
func (f *frame) noise(seed uint64) {
	for i := range 8 {
		if seed>>(40+i)&1 == 1 {
			f.grain(seed+uint64(i), i*step/2, f.h-(4-i%2)*step)
		}
	}
}

func (f *frame) grain(seed uint64, x0, y0 int) {
	x0 -= x0 % step
	for y := y0; y < y0+step; y++ {
		for x := x0; x < x0+step; x++ {
			seed ^= seed << 13
			seed ^= seed >> 7
			seed ^= seed << 17
			f.y[y*f.w+x] += byte(seed % 5)
		}
	}
}
