package parcel

import (
	"errors"
	"fmt"
	"image"
	"strings"
)

// Two small decoders, written from the standards and sharing nothing with the
// encoders, that read the pictures of labels back. They correct no errors: a
// printed label has none.

// bitmap is a page in black and white, row by row.
type bitmap struct {
	width, height int
	black         []bool
}

func (b bitmap) dark(x, y int) bool { return b.black[y*b.width+x] }

func newBitmap(page image.Image) bitmap {
	size := page.Bounds().Size()
	b := bitmap{size.X, size.Y, make([]bool, size.X*size.Y)}
	for i := range b.black {
		r, _, _, _ := page.At(i%size.X, i/size.X).RGBA()
		b.black[i] = r < 0x8000
	}
	return b
}

// paint draws boxes as any printer would.
func paint(boxes []image.Rectangle) bitmap {
	b := bitmap{labelWidth, labelHeight, make([]bool, labelWidth*labelHeight)}
	for _, box := range boxes {
		for y := box.Min.Y; y < box.Max.Y; y++ {
			for x := box.Min.X; x < box.Max.X; x++ {
				b.black[y*b.width+x] = true
			}
		}
	}
	return b
}

// code128Widths are the bar and space widths of Code 128's symbol characters (ISO/IEC 15417, table 1).
var code128Widths = strings.Fields(`
212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222
123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321
232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121
313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224
111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111
111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113
114311 411113 411311 113141 114131 311141 411131 211412 211214 211232`)

const (
	toB, toC, fnc1 = 100, 99, 102
	startB, startC = 104, 105
	code128Stop    = "2331112"
)

// readCode128 reads one row of pixels and gives text and symbology identifier as a scanner does.
func readCode128(page bitmap, row int) (text, symbology string, err error) {
	widths := barWidths(page, row)
	if len(widths)%6 != 1 || len(widths) < 19 || !strings.HasSuffix(widths, code128Stop) {
		return "", "", fmt.Errorf("not Code 128: %s", widths)
	}
	var values []int
	for i := 0; i < len(widths)-len(code128Stop); i += 6 {
		value := indexOf(code128Widths, widths[i:i+6])
		if value < 0 {
			return "", "", fmt.Errorf("no symbol character has the widths %s", widths[i:i+6])
		}
		values = append(values, value)
	}
	return code128Text(values)
}

func indexOf(list []string, s string) int {
	for i := range list {
		if list[i] == s {
			return i
		}
	}
	return -1
}

// barWidths are the widths between the first and the last bar in modules, where
// Code 128 begins with a bar of two modules.
func barWidths(page bitmap, row int) string {
	var pixels []int
	was := false
	for x := range page.width {
		dark := page.dark(x, row)
		switch {
		case dark != was:
			pixels, was = append(pixels, 1), dark
		case len(pixels) > 0:
			pixels[len(pixels)-1]++
		}
	}
	if len(pixels) < 2 {
		return ""
	}
	module := pixels[0] / 2
	var widths strings.Builder
	for _, n := range pixels[:len(pixels)-1] { // the last is the quiet zone
		if n%module != 0 {
			return ""
		}
		fmt.Fprint(&widths, n/module)
	}
	return widths.String()
}

func code128Text(values []int) (text, symbology string, err error) {
	last := len(values) - 1
	sum := values[0]
	for i, v := range values[:last] {
		sum += i * v
	}
	if sum%103 != values[last] {
		return "", "", errors.New("wrong symbol check character")
	}
	var out strings.Builder
	symbology = "]C0"
	set := values[0]
	for i, v := range values[1:last] {
		switch {
		case v == fnc1 && i == 0:
			symbology = "]C1"
		case v == fnc1:
			out.WriteString(separator)
		case set == startC && v == toB:
			set = startB
		case set == startC:
			fmt.Fprintf(&out, "%02d", v)
		case set == startB && v == toC:
			set = startC
		case set == startB && v < 95:
			out.WriteByte(byte(v + 32))
		default:
			return "", "", fmt.Errorf("unexpected value %d in set %d", v, set)
		}
	}
	return out.String(), symbology, nil
}

// qrBlocks are the lengths of the data blocks at error correction level M, by version (ISO/IEC 18004, table 9).
var qrBlocks = [][]int{1: {16}, {28}, {44}, {32, 32}, {43, 43}, {27, 27, 27, 27}, {31, 31, 31, 31}}

// qrAlignment is where the centres of alignment patterns lie in one direction, by version.
var qrAlignment = [][]int{1: nil, {6, 18}, {6, 22}, {6, 26}, {6, 30}, {6, 34}, {6, 22, 38}}

// readQR reads the only QR symbol within area.
func readQR(page bitmap, area image.Rectangle) (string, error) {
	dark := darkBounds(page, area)
	finder := 0
	for page.dark(dark.Min.X+finder, dark.Min.Y) {
		finder++
	}
	if finder < 7 || dark.Dx() != dark.Dy() {
		return "", fmt.Errorf("no QR symbol in %v", dark)
	}
	module := finder / 7
	side := dark.Dx() / module
	version := (side - 17) / 4
	if side*module != dark.Dx() || version < 1 || version >= len(qrBlocks) {
		return "", fmt.Errorf("unexpected size of %d modules", side)
	}
	at := func(row, column int) bool {
		return page.dark(dark.Min.X+column*module+module/2, dark.Min.Y+row*module+module/2)
	}
	words, err := qrWords(at, side, version)
	if err != nil {
		return "", err
	}
	return qrText(deinterleave(words, qrBlocks[version]))
}

func darkBounds(page bitmap, area image.Rectangle) image.Rectangle {
	var found image.Rectangle
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			if page.dark(x, y) {
				found = found.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return found
}

// qrWords follows the two-module columns from the right, up and down in turn.
func qrWords(at func(row, column int) bool, side, version int) ([]byte, error) {
	mask, err := qrMask(at)
	if err != nil {
		return nil, err
	}
	var words []byte
	bits, word := 0, byte(0)
	up := true
	for right := side - 1; right > 0; right -= 2 {
		if right == 6 {
			right--
		}
		for i := range side {
			row := i
			if up {
				row = side - 1 - i
			}
			for _, column := range []int{right, right - 1} {
				if reserved(row, column, side, version) {
					continue
				}
				word <<= 1
				if at(row, column) != mask(row, column) {
					word |= 1
				}
				if bits++; bits%8 == 0 {
					words = append(words, word)
				}
			}
		}
		up = !up
	}
	return words, nil
}

func qrMask(at func(row, column int) bool) (func(i, j int) bool, error) {
	format := 0
	for _, p := range [][2]int{{8, 0}, {8, 1}, {8, 2}, {8, 3}, {8, 4}, {8, 5}, {8, 7}, {8, 8}, {7, 8}, {5, 8}, {4, 8}, {3, 8}, {2, 8}, {1, 8}, {0, 8}} {
		format <<= 1
		if at(p[0], p[1]) {
			format |= 1
		}
	}
	format ^= 0x5412
	if level := format >> 13; level != 0 {
		return nil, fmt.Errorf("error correction level %d isn't M", level)
	}
	return []func(i, j int) bool{
		func(i, j int) bool { return (i+j)%2 == 0 },
		func(i, _ int) bool { return i%2 == 0 },
		func(_, j int) bool { return j%3 == 0 },
		func(i, j int) bool { return (i+j)%3 == 0 },
		func(i, j int) bool { return (i/2+j/3)%2 == 0 },
		func(i, j int) bool { return i*j%2+i*j%3 == 0 },
		func(i, j int) bool { return (i*j%2+i*j%3)%2 == 0 },
		func(i, j int) bool { return ((i+j)%2+i*j%3)%2 == 0 },
	}[format>>10&7], nil
}

// reserved tells the modules that carry no data.
func reserved(row, column, side, version int) bool {
	corner := row < 9 && column < 9 || row < 9 && column >= side-8 || row >= side-8 && column < 9
	timing := row == 6 || column == 6
	versionInfo := version >= 7 && (row < 6 && column >= side-11 || column < 6 && row >= side-11)
	return corner || timing || versionInfo || aligned(row, column, side, version)
}

func aligned(row, column, side, version int) bool {
	centres := qrAlignment[version]
	for _, y := range centres {
		for _, x := range centres {
			onFinder := y == 6 && x == 6 || y == 6 && x == side-7 || y == side-7 && x == 6
			if !onFinder && abs(row-y) <= 2 && abs(column-x) <= 2 {
				return true
			}
		}
	}
	return false
}

func abs(n int) int { return max(n, -n) }

func deinterleave(words []byte, blocks []int) []byte {
	var data []byte
	for b, length := range blocks { // all blocks of one version are equally long here
		for i := range length {
			data = append(data, words[i*len(blocks)+b])
		}
	}
	return data
}

// qrText reads segments in numeric, alphanumeric and byte mode.
func qrText(data []byte) (string, error) {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	position := 0
	take := func(n int) int {
		v := 0
		for range n {
			if position < len(data)*8 {
				v = v<<1 | int(data[position/8]>>(7-position%8)&1)
			}
			position++
		}
		return v
	}
	var out strings.Builder
	for position+4 <= len(data)*8 {
		switch mode := take(4); mode {
		case 0:
			return out.String(), nil
		case 1:
			n := take(10)
			for ; n >= 3; n -= 3 {
				fmt.Fprintf(&out, "%03d", take(10))
			}
			if n > 0 {
				fmt.Fprintf(&out, "%0*d", n, take(1+3*n))
			}
		case 2:
			n := take(9)
			for ; n >= 2; n -= 2 {
				pair := take(11)
				out.WriteByte(alphabet[pair/45])
				out.WriteByte(alphabet[pair%45])
			}
			if n == 1 {
				out.WriteByte(alphabet[take(6)])
			}
		case 4:
			for range take(8) {
				out.WriteByte(byte(take(8)))
			}
		default:
			return "", fmt.Errorf("unexpected mode %d", mode)
		}
	}
	return out.String(), nil
}
