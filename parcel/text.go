package parcel

import (
	"fmt"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// maxText bounds the work on one line of a label, in bytes.
const maxText = 512

// fonts are the Go fonts: Latin, Greek and Cyrillic, freely embeddable.
var fonts = sync.OnceValue(func() [2]*opentype.Font {
	return [2]*opentype.Font{mustFont(goregular.TTF), mustFont(gobold.TTF)}
})

func mustFont(ttf []byte) *opentype.Font {
	parsed, err := opentype.Parse(ttf)
	if err != nil {
		panic(fmt.Sprintf("parcel: embedded font: %v", err)) // compiled in: can't differ from what was tested
	}
	return parsed
}

// newFace gives a face of size dots. A face is for one goroutine.
func newFace(size int, bold bool) font.Face {
	face, err := opentype.NewFace(fonts()[index(bold)], &opentype.FaceOptions{Size: float64(size), DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		panic(fmt.Sprintf("parcel: face of size %d: %v", size, err)) // fails only for a font that mustFont refuses
	}
	return face
}

func index(bold bool) int {
	if bold {
		return 1
	}
	return 0
}

// textWidth is how far a line of text reaches, in dots.
func textWidth(s string, size int, bold bool) int {
	return font.MeasureString(newFace(size, bold), s).Ceil()
}

// fit shortens s to width dots, ending it with an ellipsis if something is missing.
func fit(s string, size int, bold bool, width int) string {
	if textWidth(s, size, bold) <= width {
		return s
	}
	face, room := newFace(size, bold), width-textWidth("…", size, bold)
	reach := 0
	for i, r := range s {
		advance, _ := face.GlyphAdvance(r)
		if reach += advance.Ceil(); reach > room {
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s
}

// clean makes any text printable on one line: composed accents, single spaces,
// no control or invisible characters (which could turn a line around), and "?"
// for what the font can't draw.
func clean(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), maxText)], "")
	s = strings.Join(strings.Fields(norm.NFC.String(s)), " ")
	var buffer sfnt.Buffer
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) {
			return -1
		}
		if glyph, err := fonts()[0].GlyphIndex(&buffer, r); err != nil || glyph == 0 {
			return '?'
		}
		return r
	}, s)
}
