package photo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/webp"
	"pgregory.net/rapid"
)

// made is a picture of this size, as a phone would send it.
func made(t testing.TB, width, height int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for x := range width {
		for y := range height {
			img.Set(x, y, color.RGBA{uint8(x * 5), uint8(y * 7), uint8(x ^ y), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 60}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func kept(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// secret stands for what must not come along.
const secret = "48.8584N 2.2945E"

func marked(marker byte, payload string) []byte {
	b := append([]byte{0xFF, marker, 0, 0}, payload...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-2))
	return b
}

// exif is an APP1 segment with the orientation, and with a place.
func exif(order binary.ByteOrder, way uint16) []byte {
	head := map[binary.ByteOrder]string{binary.BigEndian: "MM\x00*", binary.LittleEndian: "II*\x00"}[order]
	tiff := append([]byte(head), 0, 0, 0, 0)
	order.PutUint32(tiff[4:], 8)
	entry := func(tag, kind uint16, n uint32, value uint16) {
		e := make([]byte, 12)
		order.PutUint16(e, tag)
		order.PutUint16(e[2:], kind)
		order.PutUint32(e[4:], n)
		order.PutUint16(e[8:], value)
		tiff = append(tiff, e...)
	}
	tiff = append(tiff, 0, 0)
	order.PutUint16(tiff[8:], 2)
	entry(0x010F, 2, uint32(len(secret)), 38)
	entry(tagOrientation, 3, 1, way)
	return marked(app1, exifHead+string(tiff)+"\x00\x00\x00\x00"+secret)
}

// with puts segments right behind a JPEG's beginning.
func with(file []byte, segments ...[]byte) []byte {
	out := append([]byte{}, file[:2]...)
	for _, s := range segments {
		out = append(out, s...)
	}
	return append(out, file[2:]...)
}

// A picture comes through as it is, and nothing with it: not the place, the phone, a comment, a smaller copy, or what
// hangs behind.
func TestNothingButThePicture(t *testing.T) {
	plain := made(t, 40, 30)
	thumbnail := marked(app0, "JFXX\x00\x10"+string(made(t, 8, 8))+secret)
	icc := marked(0xE2, "ICC_PROFILE\x00\x01\x01"+secret)
	file := append(with(plain, exif(binary.LittleEndian, 1), thumbnail, icc, marked(0xED, secret), marked(com, secret),
		marked(app1, "http://ns.adobe.com/xap/1.0/\x00"+secret)), secret...)
	p, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if p.Type != JPEG || p.Width != 40 || p.Height != 30 || bytes.Contains(p.Data, []byte(secret)) || bytes.Contains(p.Data, []byte("Exif")) {
		t.Errorf("left in it: %q", p.Data[:200])
	}
	samePicture(t, plain, p.Data, jpegPixels)
	if again, err := Read(p.Data); err != nil || !bytes.Equal(again.Data, p.Data) {
		t.Errorf("read again: %v", err)
	}
	for _, name := range []string{"plain.jpg"} {
		p, err := Read(kept(t, name))
		if err != nil || p.Width != 48 || p.Height != 36 {
			t.Fatalf("%s: %+v, %v", name, p, err)
		}
		samePicture(t, kept(t, name), p.Data, jpegPixels)
	}
}

func jpegPixels(data []byte) (image.Image, error) { return jpeg.Decode(bytes.NewReader(data)) }

func webpPixels(data []byte) (image.Image, error) { return webp.Decode(bytes.NewReader(data)) }

func samePicture(t testing.TB, before, after []byte, decode func([]byte) (image.Image, error)) {
	t.Helper()
	one, err := decode(before)
	if err != nil {
		t.Fatal(err)
	}
	two, err := decode(after)
	if err != nil {
		t.Fatal(err)
	}
	for y := range one.Bounds().Dy() {
		for x := range one.Bounds().Dx() {
			if one.At(x, y) != two.At(x, y) {
				t.Fatalf("another picture, at %d,%d", x, y)
			}
		}
	}
}

// Which way is up stays, and alone.
func TestWhichWayIsUp(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
		for way := range uint16(11) {
			p, err := Read(with(made(t, 16, 16), exif(order, way), exif(order, 8)))
			if err != nil {
				t.Fatal(err)
			}
			want := int(way)
			if way < 2 || way > 8 {
				want = 8 // the second one says so
			}
			if _, after, _ := nextMarker(p.Data[2:]); orientation(after) != want || bytes.Count(p.Data, []byte("Exif")) != 1 {
				t.Errorf("%s %d: told %d", order, way, orientation(after))
			}
			if bytes.Contains(p.Data, []byte(secret)) {
				t.Errorf("%s %d: left in it", order, way)
			}
		}
	}
}

// riff makes a WebP file of chunks.
func riff(chunks ...[]byte) []byte {
	b := []byte("RIFF\x00\x00\x00\x00WEBP")
	for _, c := range chunks {
		b = append(b, c...)
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

func chunk(name, payload string) []byte {
	b := append([]byte(name), 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(payload)))
	if b = append(b, payload...); len(payload)%2 == 1 {
		b = append(b, 0)
	}
	return b
}

// extended is a VP8X chunk.
func extended(flags byte, width, height int) []byte {
	w, h := width-1, height-1
	return chunk("VP8X", string([]byte{flags, 0, 0, 0, byte(w), byte(w >> 8), byte(w >> 16), byte(h), byte(h >> 8), byte(h >> 16)}))
}

func TestWebP(t *testing.T) {
	for _, name := range []string{"lossy.webp", "lossless.webp"} {
		plain := kept(t, name)
		_, frame, _, ok := nextChunk(plain[12:])
		if !ok {
			t.Fatal(name)
		}
		for what, file := range map[string][]byte{
			"as it is": plain,
			"followed": append(append([]byte{}, plain...), secret...),
			"extended": riff(extended(flagEXIF|flagXMP|flagICC, 48, 36), chunk("ICCP", secret), frame, chunk("EXIF", secret), chunk("XMP ", secret), chunk("what", secret)),
		} {
			p, err := Read(file)
			if err != nil {
				t.Fatalf("%s %s: %v", name, what, err)
			}
			if p.Type != WebP || p.Width != 48 || p.Height != 36 || bytes.Contains(p.Data, []byte(secret)) {
				t.Errorf("%s %s: %+v", name, what, p)
			}
			samePicture(t, plain, p.Data, webpPixels)
		}
		for what, want := range map[string]struct {
			file    []byte
			problem Problem
		}{
			"moving":             {riff(extended(flagAnimation, 48, 36), chunk("ANIM", "123456"), chunk("ANMF", strings.Repeat("x", 20))), Animated},
			"moving, unsaid":     {riff(extended(0, 48, 36), chunk("ANMF", strings.Repeat("x", 20))), Animated},
			"two frames":         {riff(frame, frame), NoPicture},
			"no frame":           {riff(extended(0, 48, 36)), NoPicture},
			"larger than it may": {riff(extended(0, 5000, 36), frame), WrongSize},
			"cut":                {plain[:len(plain)-9], Unfinished},
			"a cut header":       {riff(chunk("VP8X", "12345"), frame), Unfinished},
			"a chunk too long":   {append(plain[:12:12], chunk("EXIF", "x")[:9]...), Unfinished},
		} {
			wants(t, name+" "+what, want.file, want.problem)
		}
	}
}

func wants(t testing.TB, what string, file []byte, problem Problem) {
	t.Helper()
	_, err := Read(file)
	var no *Error
	if !errors.As(err, &no) || no.Problem != problem {
		t.Errorf("%s: %v, not %s", what, err, problem)
	}
}

func TestWhatIsNotTaken(t *testing.T) {
	plain := made(t, 40, 30)
	for what, want := range map[string]struct {
		file    []byte
		problem Problem
	}{
		"nothing":           {nil, NoPicture},
		"a page":            {[]byte("<!doctype html><script>alert(1)</script>"), NoPicture},
		"a drawing":         {[]byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), NoPicture},
		"a GIF":             {[]byte("GIF89a\x01\x00\x01\x00"), NoPicture},
		"another container": {riff()[:8], NoPicture},
		"only a beginning":  {plain[:2], Unfinished},
		"cut":               {plain[:len(plain)/2], Unfinished},
		"no end":            {plain[:len(plain)-2], Unfinished},
		"no picture in it":  {[]byte{0xFF, soi, 0xFF, eoi}, NoPicture},
		"a page inside":     {append([]byte{0xFF, soi}, "<script>"...), Unfinished},
		"two frames":        {with(plain, frameOf(t, plain)), NoPicture},
		"too large":         {append(plain, make([]byte, MostBytes)...), TooLarge},
		"too wide":          {made(t, MostSide+1, 2), WrongSize},
		"too high":          {made(t, 2, MostSide+1), WrongSize},
	} {
		wants(t, what, want.file, want.problem)
	}
	if _, err := Read(made(t, MostSide, 2)); err != nil {
		t.Errorf("as wide as it may: %v", err)
	}
}

// frameOf is the frame header of a JPEG.
func frameOf(t testing.TB, file []byte) []byte {
	t.Helper()
	i := bytes.Index(file, []byte{0xFF, sof0})
	if i < 0 {
		t.Fatal("no frame")
	}
	size, _ := segment(file[i+2:])
	return file[i : i+2+size]
}

// Whatever is read is hardly larger than it was, is read the same again, and holds no more than a picture.
func FuzzRead(f *testing.F) {
	f.Add(made(f, 20, 10))
	f.Add(with(made(f, 8, 8), exif(binary.BigEndian, 6), marked(com, secret)))
	f.Add(kept(f, "plain.jpg"))
	f.Add(kept(f, "lossy.webp"))
	f.Add(kept(f, "lossless.webp"))
	f.Add(riff(extended(flagEXIF, 48, 36), chunk("EXIF", secret)))
	f.Add([]byte{0xFF, soi, 0xFF, app1, 0, 8, 'E', 'x', 'i', 'f', 0, 0})
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := Read(file)
		if err != nil {
			var no *Error
			if !errors.As(err, &no) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if p.Width < 1 || p.Height < 1 || p.Width > MostSide || p.Height > MostSide || len(p.Data) > len(file)+4 {
			t.Fatalf("%+v of %d bytes", p, len(file))
		}
		if again, err := Read(p.Data); err != nil || !bytes.Equal(again.Data, p.Data) {
			t.Fatalf("read again it is another: %v", err)
		}
	})
}

// A file that is cut, or in which a byte is another, never breaks anything.
func TestDamage(t *testing.T) {
	files := [][]byte{with(made(t, 20, 20), exif(binary.LittleEndian, 6)), kept(t, "lossy.webp"), kept(t, "lossless.webp")}
	rapid.Check(t, func(t *rapid.T) {
		file := bytes.Clone(rapid.SampledFrom(files).Draw(t, "file"))
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			file[rapid.IntRange(0, len(file)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		_, _ = Read(file[:rapid.IntRange(0, len(file)).Draw(t, "length")])
	})
}
