// Package chart draws pictures of numbers as SVG: pure functions from numbers to text, without a clock, a style or a
// script. Colours come from the page's style sheet by class; what a picture says in words is its caller's.
//
// A picture is drawn for a width in pixels, and a page that is shown on several widths draws it several times: text in
// a picture that is scaled down can't be read.
package chart

import (
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bar is one value of a picture.
type Bar struct {
	// Label names it, and Text is its value in words; "" shows the number itself.
	Label, Text string
	// Value is at least 0.
	Value float64
	// Looks is a class of the bar's: a state of the page's, or "".
	Looks string
}

func (b Bar) text() string {
	if b.Text != "" || b.Value == 0 {
		return b.Text
	}
	return strconv.FormatFloat(b.Value, 'f', -1, 64)
}

// Sizes in pixels. letter is how wide a letter is at most, at the size of the labels.
const (
	fontSize  = 13
	letter    = 7.5
	line      = 18
	rowHeight = 30
	barHeight = 18
	laneHigh  = 26
)

// picture is an SVG that is being written.
type picture struct{ strings.Builder }

func (p *picture) begin(label string, width, height int) {
	fmt.Fprintf(p, `<svg class="chart" role="img" aria-label="%s" viewBox="0 0 %d %d" width="%d" height="%d">`, escape(label), width, height, width, height)
}

func (p *picture) end() string {
	p.WriteString("</svg>")
	return p.String()
}

func (p *picture) rect(class string, x, y, w, h float64) {
	fmt.Fprintf(p, `<rect class="%s" x="%s" y="%s" width="%s" height="%s" rx="2"/>`, class, px(x), px(y), px(w), px(h))
}

func (p *picture) rule(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(p, `<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>`, class, px(x1), px(y1), px(x2), px(y2))
}

// text anchors at its start, middle or end.
func (p *picture) text(class, anchor string, x, y float64, said string) {
	if said != "" {
		fmt.Fprintf(p, `<text class="%s" text-anchor="%s" font-size="%d" x="%s" y="%s">%s</text>`, class, anchor, fontSize, px(x), px(y), escape(said))
	}
}

// px writes a length to a tenth of a pixel: the same numbers are the same text.
func px(f float64) string {
	s := strconv.FormatFloat(math.Round(f*10)/10, 'f', 1, 64)
	return strings.TrimSuffix(s, ".0")
}

// escape also takes away what no XML can hold.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a builder takes everything
	return b.String()
}

func wide(s string) float64 { return float64(utf8.RuneCountInString(s)) * letter }

func most(bars []Bar) float64 {
	top := 0.0
	for _, b := range bars {
		top = max(top, b.Value)
	}
	return max(top, 1)
}

func class(b Bar) string {
	if b.Looks == "" {
		return "bar"
	}
	return "bar " + b.Looks
}

// Columns draws upright bars side by side, each with its value above and its label below. Labels that would meet are
// left away, the first never.
func Columns(label string, width int, bars []Bar) string {
	const high = 120.0
	var p picture
	height := int(high) + 2*line
	p.begin(label, width, height)
	base := float64(line) + high
	slot := float64(width) / float64(max(1, len(bars)))
	every := 1
	for _, b := range bars {
		every = max(every, int(math.Ceil((wide(b.Label)+4)/slot)))
	}
	scale := high / most(bars)
	for i, b := range bars {
		x := float64(i) * slot
		h := b.Value * scale
		if b.Value > 0 {
			p.rect(class(b), x+slot*0.12, base-h, slot*0.76, h)
			if wide(b.text()) <= slot*1.6 {
				p.text("value", "middle", x+slot/2, base-h-5, b.text())
			}
		}
		if i%every == 0 {
			p.text("label", "middle", x+slot/2, base+line-4, b.Label)
		}
	}
	p.rule("axis", 0, base, float64(width), base)
	return p.end()
}

// Rows draws lying bars one below the other, each with its label above and its value behind.
func Rows(label string, width int, bars []Bar) string {
	var p picture
	p.begin(label, width, max(1, len(bars))*(rowHeight+line))
	room := 0.0
	for _, b := range bars {
		room = max(room, wide(b.text()))
	}
	scale := (float64(width) - room - 8) / most(bars)
	for i, b := range bars {
		y := float64(i * (rowHeight + line))
		p.text("label", "start", 0, y+line-5, b.Label)
		w := math.Max(b.Value*scale, 2)
		p.rect(class(b), 0, y+line, w, barHeight)
		p.text("value", "start", w+6, y+line+barHeight-5, b.text())
	}
	return p.end()
}

// Stretch is a piece of a day.
type Stretch struct {
	// From and To are parts of the day, 0 to 1.
	From, To float64
	Label    string
	Looks    string
}

// Tick is a mark on the axis of a day, at a part of it.
type Tick struct {
	At    float64
	Label string
}

// Stretches draws pieces of a day over its axis, each in a lane of its own if it would meet another.
func Stretches(label string, width int, ticks []Tick, pieces []Stretch) string {
	lanes := lanesOf(width, pieces)
	count := 0
	for _, l := range lanes {
		count = max(count, l+1)
	}
	var p picture
	base := float64(count*laneHigh + 4)
	p.begin(label, width, int(base)+line)
	w := float64(width)
	for i, t := range ticks {
		x := within(t.At) * w
		p.rule("grid", x, 0, x, base)
		anchor := "middle"
		if i == 0 {
			anchor = "start"
		} else if i == len(ticks)-1 {
			anchor = "end"
		}
		p.text("label", anchor, x, base+line-4, t.Label)
	}
	for i, s := range pieces {
		x, length := span(s, w)
		y := float64(lanes[i]*laneHigh + 4)
		p.rect(class(Bar{Looks: s.Looks}), x, y, length, barHeight)
		at, anchor := x+length+5, "start"
		if at+wide(s.Label) > w {
			at, anchor = x-5, "end"
		}
		p.text("value", anchor, at, y+barHeight-5, s.Label)
	}
	p.rule("axis", 0, base, w, base)
	return p.end()
}

func within(part float64) float64 { return math.Min(1, math.Max(0, part)) }

// span is where a piece stands; none is too thin to be seen.
func span(s Stretch, w float64) (x, length float64) {
	from, to := within(s.From)*w, within(s.To)*w
	length = math.Max(to-from, 4)
	return math.Min(from, w-length), length
}

// lanesOf gives each piece the first lane in which it and its label meet no other.
func lanesOf(width int, pieces []Stretch) []int {
	w := float64(width)
	type taken struct{ from, to float64 }
	var rows [][]taken
	lanes := make([]int, len(pieces))
	for i, s := range pieces {
		x, length := span(s, w)
		mine := taken{x, x + length + 5 + wide(s.Label)}
		if mine.to > w {
			mine = taken{x - 5 - wide(s.Label), x + length}
		}
		lane := 0
		for ; lane < len(rows); lane++ {
			free := true
			for _, t := range rows[lane] {
				free = free && (mine.to < t.from || t.to < mine.from)
			}
			if free {
				break
			}
		}
		if lane == len(rows) {
			rows = append(rows, nil)
		}
		rows[lane] = append(rows[lane], mine)
		lanes[i] = lane
	}
	return lanes
}
