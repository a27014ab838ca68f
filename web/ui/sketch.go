package ui

import (
	"math"
	"strconv"
)

// The drawing's size and its margin, in its own units.
const (
	sketchWide, sketchHigh = 320.0, 180.0
	sketchMargin           = 34.0
)

// plan is a sketch in the drawing's own units, as attributes.
type plan struct {
	from, to mark
	others   []mark
	rings    []ring
	distance float64
	compass  string
	scale    float64
	scaleEnd string
}

type mark struct{ x, y, left, top, below, label string }

type ring struct{ x, y, r string }

func (s Sketch) plan() plan {
	f := s.fit()
	east, north := s.To.East-s.From.East, s.To.North-s.From.North
	p := plan{from: f.mark(s.From), to: f.mark(s.To), distance: math.Hypot(east, north), compass: compass(east, north)}
	for _, o := range s.Others {
		p.others = append(p.others, f.mark(o))
	}
	for _, o := range append([]Spot{s.From, s.To}, s.Others...) {
		if o.Radius > 0 {
			x, y := f.place(o)
			p.rings = append(p.rings, ring{unit(x), unit(y), unit(o.Radius * f.scale)})
		}
	}
	p.scale = roundLength(70 / f.scale)
	p.scaleEnd = unit(12 + p.scale*f.scale)
	return p
}

// fitting is how metres become units.
type fitting struct{ scale, east, north float64 }

// fit has everything in the picture, but shows at least twenty metres across.
func (s Sketch) fit() fitting {
	west, east := min(s.From.East, s.To.East), max(s.From.East, s.To.East)
	south, north := min(s.From.North, s.To.North), max(s.From.North, s.To.North)
	for _, o := range s.Others {
		west, east, south, north = min(west, o.East), max(east, o.East), min(south, o.North), max(north, o.North)
	}
	scale := min((sketchWide-2*sketchMargin)/max(20, east-west), (sketchHigh-2*sketchMargin)/max(20, north-south))
	return fitting{scale, (west + east) / 2, (south + north) / 2}
}

func (f fitting) place(s Spot) (x, y float64) {
	return sketchWide/2 + (s.East-f.east)*f.scale, sketchHigh/2 - (s.North-f.north)*f.scale
}

func (f fitting) mark(s Spot) mark {
	x, y := f.place(s)
	return mark{unit(x), unit(y), unit(x - 8), unit(y - 8), unit(y + 22), s.Label}
}

func unit(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

// roundLength is the largest of 1, 2 and 5 times a power of ten that is not longer.
func roundLength(metres float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(metres)))
	for _, n := range []float64{5, 2} {
		if n*power <= metres {
			return n * power
		}
	}
	return power
}

// compass is the nearest of eight directions.
func compass(east, north float64) string {
	names := []string{"n", "ne", "e", "se", "s", "sw", "w", "nw"}
	eighth := math.Round(math.Atan2(east, north) / (math.Pi / 4))
	return names[(int(eighth)+8)%8]
}
