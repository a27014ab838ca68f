package parcel

import (
	"fmt"
	"image"
	"image/color"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/code128"
	"github.com/boombuler/barcode/qr"
)

// A label is 100 × 150 mm, laid out in printer dots of 1/8 mm (203 dpi), so that
// every bar is a whole number of dots on a thermal printer.
const (
	dotsPerMM   = 8
	labelWidth  = 100 * dotsPerMM
	labelHeight = 150 * dotsPerMM
	margin      = 5 * dotsPerMM
	inner       = labelWidth - 2*margin

	titleSize    = 56
	rowsTop      = 150
	rowPitch     = 78
	nameSize     = 22
	valueSize    = 36
	symbolsTop   = 628
	smallQR      = 30 * dotsPerMM
	largeQR      = 56 * dotsPerMM
	endingSize   = 112
	barsTop      = 876
	barsHeight   = 32 * dotsPerMM // GS1 asks for 31.75 mm on logistic units
	humanLine    = 1168
	humanSize    = 34
	smallestText = 10
)

// MaxRows is how many rows a label has room for.
const MaxRows = 6

// Label is what is printed for one parcel. Text that doesn't fit is shortened
// with an ellipsis; the code never is.
type Label struct {
	Code  Code
	Title string // such as the carrier or the merchant
	Rows  []Row  // at most MaxRows
}

// Row is one line of a label: a small name above its value.
type Row struct{ Name, Value string }

// drawing is a label in dots from its upper left corner, ready for any printer.
type drawing struct {
	boxes []image.Rectangle
	texts []line
}

// line is text whose baseline starts at (X, Y).
type line struct {
	X, Y, Size int
	Bold       bool
	Text       string
}

// draw lays the label out. It fails if the code isn't valid or a row too many is given.
func (l Label) draw() (*drawing, error) {
	if _, err := parseCanonical(l.Code.String()); err != nil {
		return nil, fmt.Errorf("a label needs a valid parcel code: %w", err)
	}
	if len(l.Rows) > MaxRows {
		return nil, fmt.Errorf("a label has room for %d rows, not %d", MaxRows, len(l.Rows))
	}
	d := &drawing{}
	d.heading(l)
	if err := d.symbols(l.Code); err != nil {
		return nil, err
	}
	d.human(l.Code.Human())
	return d, nil
}

func (d *drawing) heading(l Label) {
	d.text(margin+titleSize, titleSize, true, l.Title)
	d.box(margin, margin+titleSize+22, inner, 4)
	for i, row := range l.Rows {
		y := rowsTop + i*rowPitch
		d.text(y+nameSize, nameSize, false, row.Name)
		d.text(y+nameSize+valueSize+4, valueSize, false, row.Value)
	}
}

// symbols prints bars and a small QR with the last four characters beside it,
// or, where bars would be too fine to scan, a large QR.
func (d *drawing) symbols(c Code) error {
	bars, err := c.bars()
	if err != nil {
		return err
	}
	module := barWidth(bars)
	if module == 0 {
		return d.square(c, (labelWidth-largeQR)/2, symbolsTop, largeQR)
	}
	d.text(symbolsTop+smallQR/2+endingSize/3, endingSize, true, "…"+c.LastFour())
	d.strip(bars, module)
	return d.square(c, labelWidth-margin-smallQR, symbolsTop, smallQR)
}

// bars is the code as Code 128; for GS1 keys with FNC1 first, which makes it GS1-128.
func (c Code) bars() (barcode.Barcode, error) {
	text := c.Value
	if keys := c.elements(); len(keys) > 0 {
		text = string(code128.FNC1)
		for _, e := range keys {
			text += e.ai + e.value
		}
	}
	return code128.Encode(text)
}

// barWidth is the widest module, in dots, that leaves the quiet zones of 10
// modules; 0 if even 0.25 mm doesn't. GS1 asks for 0.495 mm on logistic units,
// which an SSCC gets.
func barWidth(bars barcode.Barcode) int {
	for _, dots := range []int{4, 3, 2} {
		if (bars.Bounds().Dx()+20)*dots <= labelWidth {
			return dots
		}
	}
	return 0
}

func (d *drawing) strip(bars barcode.Barcode, module int) {
	left := (labelWidth - bars.Bounds().Dx()*module) / 2
	for _, run := range darkRuns(bars, 0) {
		d.box(left+run.start*module, barsTop, run.length*module, barsHeight)
	}
}

// square prints a QR within size dots, its quiet zone of 4 modules included:
// the Digital Link of a GS1 key, else the code itself.
func (d *drawing) square(c Code, x, y, size int) error {
	text := c.link()
	if text == "" {
		text = c.Value
	}
	symbol, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return err
	}
	side := symbol.Bounds().Dx()
	module := size / (side + 8)
	inset := (size - side*module) / 2
	for row := range side {
		for _, run := range darkRuns(symbol, row) {
			d.box(x+inset+run.start*module, y+inset+row*module, run.length*module, module)
		}
	}
	return nil
}

type run struct{ start, length int }

// darkRuns are the dark stretches of one row of a symbol, in modules.
func darkRuns(symbol image.Image, row int) []run {
	var runs []run
	dark := false
	for x := range symbol.Bounds().Dx() {
		was := dark
		if dark = isDark(symbol.At(x, row)); !dark {
			continue
		}
		if !was {
			runs = append(runs, run{start: x})
		}
		runs[len(runs)-1].length++
	}
	return runs
}

func isDark(c color.Color) bool {
	return color.GrayModel.Convert(c).(color.Gray).Y < 128
}

// human prints the code below its symbol, whole, as large as fits.
func (d *drawing) human(text string) {
	size := humanSize
	for size > smallestText && textWidth(text, size, false) > inner {
		size--
	}
	x := (labelWidth - textWidth(text, size, false)) / 2
	d.texts = append(d.texts, line{x, humanLine, size, false, text})
}

func (d *drawing) box(x, y, width, height int) {
	d.boxes = append(d.boxes, image.Rect(x, y, x+width, y+height))
}

// text prints one cleaned line from the margin on, shortened to the label's inner width.
func (d *drawing) text(y, size int, bold bool, s string) {
	if s = fit(clean(s), size, bold, inner); s != "" {
		d.texts = append(d.texts, line{margin, y, size, bold, s})
	}
}
