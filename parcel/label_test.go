package parcel

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// booked are labels of a made-up booking: one with bars, one that only QR can hold.
func booked() map[string]Label {
	rows := []Row{
		{"Delivery", "D-1042"},
		{"Window", "Fri 14:00–16:00"},
		{"Accès", "Garage côté cour, puis la porte de gauche derrière le vélo jaune"},
		{"Parcel", "1 / 2"},
	}
	return map[string]Label{
		"sscc":    {Code{SSCC, "340123450000000017"}, "Rapido", rows},
		"s10":     {Code{S10, "RR473124829FR"}, "La Poste", rows[:2]},
		"carrier": {Code{Carrier, "1Z999AA10123456784"}, "", nil},
		"long":    {Code{GINC, "A-BCDEFGHIJKLMNOPQRSTUVWXYZ-12"}, "Forwarder", rows},
	}
}

func (d *drawing) describe() []byte {
	var out bytes.Buffer
	for _, l := range d.texts {
		fmt.Fprintf(&out, "text %3d,%4d size %3d bold %-5t %s\n", l.X, l.Y, l.Size, l.Bold, l.Text)
	}
	for _, b := range d.boxes {
		fmt.Fprintf(&out, "box  %3d,%4d %3d × %d\n", b.Min.X, b.Min.Y, b.Dx(), b.Dy())
	}
	return out.Bytes()
}

func TestLayout(t *testing.T) {
	for name, label := range booked() {
		d, err := label.draw()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "label-"+name+".golden", d.describe())
	}
}

func TestPNG(t *testing.T) {
	for name, label := range booked() {
		encoded, err := label.PNG()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", "label-"+name+".png")
		if *update {
			if err := os.WriteFile(path, encoded, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		samePixels(t, name, decodePNG(t, encoded), decodePNG(t, want))
	}
}

func decodePNG(t testing.TB, encoded []byte) bitmap {
	t.Helper()
	page, err := png.Decode(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	return newBitmap(page)
}

// samePixels compares pictures, not bytes: compression may change with Go's version.
func samePixels(t *testing.T, name string, got, want bitmap) {
	t.Helper()
	if got.width != want.width || got.height != want.height {
		t.Fatalf("%s: %d × %d, want %d × %d", name, got.width, got.height, want.width, want.height)
	}
	for i := range got.black {
		if got.black[i] != want.black[i] {
			t.Fatalf("%s: the pixel at %d, %d differs", name, i%got.width, i/got.width)
		}
	}
}

// Printers size a PNG by its pHYs chunk.
func TestPNGHasItsTrueSize(t *testing.T) {
	encoded, err := booked()["sscc"].PNG()
	if err != nil {
		t.Fatal(err)
	}
	want := []byte("\x00\x00\x00\x09pHYs\x00\x00\x1f\x40\x00\x00\x1f\x40\x01")
	if !bytes.Equal(encoded[33:33+len(want)], want) {
		t.Errorf("% x", encoded[33:33+len(want)])
	}
	if page := decodePNG(t, encoded); page.width != 800 || page.height != 1200 {
		t.Errorf("%d × %d dots", page.width, page.height)
	}
}

// scanLabel reads every symbol of a label's picture.
func scanLabel(page bitmap) ([]Code, error) {
	var found []Code
	small := image.Rect(labelWidth-margin-smallQR, symbolsTop, labelWidth-margin, symbolsTop+smallQR)
	large := image.Rect(margin, symbolsTop, labelWidth-margin, symbolsTop+largeQR)
	if text, symbology, err := readCode128(page, barsTop+barsHeight/2); err == nil {
		c, err := Parse(text, symbology)
		if err != nil {
			return nil, err
		}
		found, large = append(found, c), small
	}
	text, err := readQR(page, large)
	if err != nil {
		return nil, err
	}
	c, err := Parse(text, "]Q1")
	return append(found, c), err
}

func TestPrintedLabelsScan(t *testing.T) {
	symbols := map[string]int{"sscc": 2, "s10": 2, "carrier": 2, "long": 1}
	for name, label := range booked() {
		encoded, err := label.PNG()
		if err != nil {
			t.Fatal(err)
		}
		found, err := scanLabel(decodePNG(t, encoded))
		if err != nil || len(found) != symbols[name] {
			t.Fatalf("%s: %v, %v", name, found, err)
		}
		for _, c := range found {
			if c != label.Code {
				t.Errorf("%s: scanned %v, printed %v", name, c, label.Code)
			}
		}
	}
}

// A GS1 key must be announced by FNC1, or a warehouse's scanner takes it for a plain number.
func TestBarsOfAGS1KeyAreGS1128(t *testing.T) {
	for name, want := range map[string][2]string{"sscc": {"00340123450000000017", "]C1"}, "s10": {"RR473124829FR", "]C0"}} {
		encoded, err := booked()[name].PNG()
		if err != nil {
			t.Fatal(err)
		}
		text, symbology, err := readCode128(decodePNG(t, encoded), barsTop+1)
		if err != nil || text != want[0] || symbology != want[1] {
			t.Errorf("%s: %q, %q, %v", name, text, symbology, err)
		}
	}
}

// Every code that can be read can be printed, and every printed code reads back.
func TestAnyPrintedCodeReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := codes(set82).Draw(t, "code")
		d, err := Label{Code: c}.draw()
		if err != nil {
			t.Fatal(err)
		}
		found, err := scanLabel(paint(d.boxes))
		if err != nil || len(found) == 0 {
			t.Fatalf("%v, %v", found, err)
		}
		for _, got := range found {
			if got != c {
				t.Fatalf("scanned %v, printed %v", got, c)
			}
		}
		if human := d.texts[len(d.texts)-1]; human.Text != c.Human() || human.X < margin {
			t.Fatalf("below the bars: %+v", human)
		}
	})
}

// Codes keep the distances that scanners need, whatever they contain.
func TestQuietZonesAndModuleSizes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := codes(set82).Draw(t, "code")
		bars, err := c.bars()
		if err != nil {
			t.Fatal(err)
		}
		module := barWidth(bars)
		if module > 0 && (labelWidth-bars.Bounds().Dx()*module)/2 < 10*module {
			t.Fatal("quiet zone of the bars too narrow")
		}
		if c.Kind == SSCC && module < 4 {
			t.Fatalf("an SSCC has modules of %d dots, GS1 asks for 4", module)
		}
	})
}

func TestPDFIsDeterministic(t *testing.T) {
	labels := []Label{booked()["sscc"], booked()["long"], booked()["carrier"]}
	first, err := PDF(labels...)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if again, err := PDF(labels...); err != nil || !bytes.Equal(again, first) {
			t.Fatalf("a second printing differs (%v)", err)
		}
	}
	if n := len(regexp.MustCompile(`/Type /Page\b`).FindAll(first, -1)); n != len(labels) {
		t.Errorf("%d pages for %d labels", n, len(labels))
	}
	if bytes.Contains(first, []byte("D:20")) {
		t.Error("the document tells when it was printed")
	}
}

var pdfPage = regexp.MustCompile(`(?s)stream\n(0 J.*?)\nendstream`)

func TestPDFPage(t *testing.T) {
	encoded, err := PDF(booked()["s10"])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(encoded, []byte("/MediaBox [0 0 283.46 425.20]")) {
		t.Error("the page isn't 100 × 150 mm")
	}
	// Strings are UTF-16 with escapes: quoted, so that the golden file is text.
	page := pdfPage.FindSubmatch(encoded)[1]
	var out strings.Builder
	for _, operation := range strings.Split(string(page), "\n") {
		out.WriteString(strings.Trim(strconv.QuoteToASCII(operation), `"`) + "\n")
	}
	golden(t, "label-s10-pdf.golden", []byte(out.String()))
}

// The vector bars of the PDF say the same as the dots of the PNG.
func TestPDFScans(t *testing.T) {
	for name, label := range booked() {
		encoded, err := PDF(label)
		if err != nil {
			t.Fatal(err)
		}
		found, err := scanLabel(paint(pdfBoxes(t, pdfPage.FindSubmatch(encoded)[1])))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, c := range found {
			if c != label.Code {
				t.Errorf("%s: scanned %v", name, c)
			}
		}
	}
}

var pdfRectangle = regexp.MustCompile(`(?m)^(\S+) (\S+) (\S+) (\S+) re f$`)

// pdfBoxes turns filled rectangles, in points from the lower left, back into dots.
func pdfBoxes(t *testing.T, page []byte) []image.Rectangle {
	const dotsPerPoint = 25.4 / 72 * dotsPerMM
	var boxes []image.Rectangle
	for _, match := range pdfRectangle.FindAllSubmatch(page, -1) {
		var v [4]float64
		for i := range v {
			var err error
			if v[i], err = strconv.ParseFloat(string(match[i+1]), 64); err != nil {
				t.Fatal(err)
			}
			v[i] *= dotsPerPoint
		}
		dot := func(f float64) int { return int(math.Round(f)) }
		boxes = append(boxes, image.Rect(dot(v[0]), dot(labelHeight-v[1]), dot(v[0]+v[2]), dot(labelHeight-v[1]-v[3])))
	}
	return boxes
}

func TestLabelRefusesWhatItCannotPrint(t *testing.T) {
	for _, code := range []Code{{}, {SSCC, "340123450000000018"}, {"other", "X"}, {Carrier, "1z"}, {Carrier, strings.Repeat("A", 400)}} {
		var problem *Error
		if _, err := (Label{Code: code}).PNG(); !errors.As(err, &problem) {
			t.Errorf("%v: %v", code, err)
		}
		if _, err := PDF(booked()["sscc"], Label{Code: code}); !errors.As(err, &problem) {
			t.Errorf("%v: %v", code, err)
		}
	}
	full := Label{Code: booked()["sscc"].Code, Rows: make([]Row, MaxRows+1)}
	if _, err := full.PNG(); err == nil || !strings.Contains(err.Error(), "6 rows") {
		t.Errorf("a row too many: %v", err)
	}
	if _, err := PDF(); !errors.Is(err, errNoLabels) {
		t.Errorf("no labels: %v", err)
	}
}

func TestFullLabelKeepsItsSymbolsClear(t *testing.T) {
	rows := make([]Row, MaxRows)
	for i := range rows {
		rows[i] = Row{strings.Repeat("Ég", 300), strings.Repeat("WÅj", 300)}
	}
	label := Label{Code: booked()["sscc"].Code, Title: strings.Repeat("W", 500), Rows: rows}
	d, err := label.draw()
	if err != nil {
		t.Fatal(err)
	}
	if found, err := scanLabel(newBitmap(d.raster())); err != nil || len(found) != 2 {
		t.Errorf("%v, %v", found, err)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "",
		"  a \t b\r\n c ":            "a b c",
		"Cafe\u0301":                 "Café",
		"œuvre d’été, 5 €":           "œuvre d’été, 5 €",
		"Ελλάδα Київ":                "Ελλάδα Київ",
		"中文":                         "??",
		"a\u202eb\u200bc\x00d\u2028": "abcd",
		"a\xffb":                     "ab",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
	if long := clean(strings.Repeat("é", maxText)); len(long) != maxText {
		t.Errorf("%d bytes of %d", len(long), 2*maxText)
	}
}

func TestFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := clean(rapid.StringMatching(`[ A-Za-zé]{0,80}`).Draw(t, "text"))
		size, bold := rapid.IntRange(10, 80).Draw(t, "size"), rapid.Bool().Draw(t, "bold")
		width := rapid.IntRange(100, 800).Draw(t, "width")
		got := fit(text, size, bold, width)
		if textWidth(got, size, bold) > width {
			t.Fatalf("%q is wider than %d", got, width)
		}
		if start, cut := strings.CutSuffix(got, "…"); got != text && (!cut || !strings.HasPrefix(text, start)) {
			t.Fatalf("%q shortened to %q", text, got)
		}
	})
}

func BenchmarkLabel(b *testing.B) {
	label := booked()["sscc"]
	b.Run("png", func(b *testing.B) {
		for b.Loop() {
			_, _ = label.PNG()
		}
	})
	b.Run("pdf", func(b *testing.B) {
		for b.Loop() {
			_, _ = PDF(label)
		}
	})
}
