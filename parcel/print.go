package parcel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/math/fixed"
)

// PNG prints the label as a black and white image of 800 × 1200 dots at 203 dpi.
func (l Label) PNG() ([]byte, error) {
	d, err := l.draw()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := png.Encode(&out, d.raster()); err != nil {
		return nil, err
	}
	return withResolution(out.Bytes()), nil
}

// raster paints in greys and keeps black and white: a thermal printer has no
// grey, and would make noise of it.
func (d *drawing) raster() *image.Paletted {
	grey := image.NewGray(image.Rect(0, 0, labelWidth, labelHeight))
	draw.Draw(grey, grey.Rect, image.White, image.Point{}, draw.Src)
	for _, box := range d.boxes {
		draw.Draw(grey, box, image.Black, image.Point{}, draw.Src)
	}
	for _, t := range d.texts {
		pen := font.Drawer{Dst: grey, Src: image.Black, Face: newFace(t.Size, t.Bold), Dot: fixed.P(t.X, t.Y)}
		pen.DrawString(t.Text)
	}
	page := image.NewPaletted(grey.Rect, color.Palette{color.Black, color.White})
	for i, level := range grey.Pix {
		page.Pix[i] = level >> 7
	}
	return page
}

// withResolution adds the chunk pHYs after the header, so that the label is
// printed at its true size. The header of a PNG always ends at byte 33.
func withResolution(encoded []byte) []byte {
	const headerEnd, dotsPerMetre = 33, 1000 * dotsPerMM
	chunk := []byte("pHYs")
	chunk = binary.BigEndian.AppendUint32(chunk, dotsPerMetre)
	chunk = binary.BigEndian.AppendUint32(chunk, dotsPerMetre)
	chunk = append(chunk, 1) // the unit is the metre
	sum := crc32.ChecksumIEEE(chunk)

	out := append([]byte{}, encoded[:headerEnd]...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(chunk)-4))
	out = append(out, chunk...)
	out = binary.BigEndian.AppendUint32(out, sum)
	return append(out, encoded[headerEnd:]...)
}

var errNoLabels = errors.New("a PDF needs at least one label")

// PDF prints labels as one document, a page each, with bars and text as vectors.
func PDF(labels ...Label) ([]byte, error) {
	if len(labels) == 0 {
		return nil, errNoLabels
	}
	document := newDocument()
	for _, l := range labels {
		d, err := l.draw()
		if err != nil {
			return nil, err
		}
		d.page(document)
	}
	var out bytes.Buffer
	err := document.Output(&out)
	return out.Bytes(), err
}

// newDocument has sorted objects and no clock in it: the same labels give the
// same bytes. Pages stay uncompressed: the fonts weigh more, and what is printed
// can be read and compared.
func newDocument() *fpdf.Fpdf {
	document := fpdf.NewCustom(&fpdf.InitType{
		UnitStr: "mm",
		Size:    fpdf.SizeType{Wd: labelWidth / dotsPerMM, Ht: labelHeight / dotsPerMM},
	})
	document.SetCatalogSort(true)
	document.SetCreationDate(time.Unix(0, 0).UTC())
	document.SetModificationDate(time.Unix(0, 0).UTC())
	document.SetProducer("Loquet", false)
	document.SetTitle("Parcel label", false)
	document.SetCompression(false)
	document.SetAutoPageBreak(false, 0)
	document.AddUTF8FontFromBytes("Go", "", goregular.TTF)
	document.AddUTF8FontFromBytes("Go", "B", gobold.TTF)
	return document
}

func (d *drawing) page(document *fpdf.Fpdf) {
	document.AddPage()
	document.SetFillColor(0, 0, 0)
	for _, box := range d.boxes {
		document.Rect(mm(box.Min.X), mm(box.Min.Y), mm(box.Dx()), mm(box.Dy()), "F")
	}
	for _, t := range d.texts {
		document.SetFont("Go", [2]string{"", "B"}[index(t.Bold)], 0)
		document.SetFontUnitSize(mm(t.Size))
		document.Text(mm(t.X), mm(t.Y), t.Text)
	}
}

func mm(dots int) float64 { return float64(dots) / dotsPerMM }
