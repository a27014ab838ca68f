package virtual

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"pgregory.net/rapid"
)

// ffmpeg runs a tool of the independent decoder, and fails if it says anything.
func ffmpeg(t testing.TB, input []byte, tool string, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Skipf("%s is not installed; `make need` does that", tool)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, append([]string{"-v", "warning"}, args...)...)
	var errs bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &errs
	out, err := cmd.Output()
	if err != nil || errs.Len() > 0 {
		t.Fatalf("%s: %v\n%s", tool, err, errs.String())
	}
	return out
}

// annexB is what a decoder reads: NAL units after start codes.
func annexB(nalus ...[]byte) []byte {
	var out []byte
	for _, n := range nalus {
		out = append(append(out, 0, 0, 0, 1), n...)
	}
	return out
}

// decoded is what the independent decoder makes of a stream: all samples of all pictures.
func decoded(t testing.TB, stream []byte) []byte {
	return ffmpeg(t, stream, "ffmpeg", "-xerror", "-err_detect", "explode", "-f", "h264", "-i", "-",
		"-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough", "-")
}

func TestEveryModeIsDecodedToTheBit(t *testing.T) {
	for _, mode := range []Mode{Live, Quiet, Still, Loop, Slow} {
		t.Run(string(mode), func(t *testing.T) {
			film := NewFilm(320, 192, time.Second)
			film.Group = 10
			stream := annexB(film.Format().SPS, film.Format().PPS)
			var painted []byte
			at := time.Date(2026, 5, 1, 9, 59, 59, 0, time.UTC)
			for i := range 60 {
				if i == 7 {
					film.Show(mode)
				}
				film.Scene.Open, film.Scene.Parcel = i > 20, i > 30
				u := film.Next(at.Add(time.Duration(i)*tick), int64(i)*clock)
				stream = append(stream, annexB(u.NALUs...)...)
				if mode != Loop {
					p := film.encoder.prev
					painted = append(append(append(painted, p.y...), p.cb...), p.cr...)
				}
			}
			got := decoded(t, stream)
			if len(got) != 60*320*192*3/2 {
				t.Fatalf("%d bytes are not 60 pictures", len(got))
			}
			if mode != Loop && !bytes.Equal(got, painted) {
				t.Error("what is decoded is not what was painted")
			}
		})
	}
}

// TestAnyPictureIsDecodedToTheBit covers what scenes don't: every way of predicting, and samples that look like
// start codes.
func TestAnyPictureIsDecodedToTheBit(t *testing.T) {
	const w, h = 96, 80
	r := rand.New(rand.NewPCG(1, 2))
	var e encoder
	sps, pps := parameters(w, h, Rate)
	stream, painted := annexB(sps, pps), []byte(nil)
	f := newFrame(w, h)
	for i := range 300 {
		g := newFrame(w, h)
		copy(g.y, f.y)
		copy(g.cb, f.cb)
		copy(g.cr, f.cr)
		f = g
		for range r.IntN(4) {
			scribble(r, f)
		}
		stream = append(stream, annexB(e.encode(f, i%17 == 0))...)
		painted = append(append(append(painted, f.y...), f.cb...), f.cr...)
	}
	if got := decoded(t, stream); !bytes.Equal(got, painted) {
		t.Errorf("what is decoded is not what was painted (%d bytes, %d)", len(got), len(painted))
	}
}

// scribble changes a macroblock or fills a part of the picture.
func scribble(r *rand.Rand, f *frame) {
	x, y := r.IntN(f.w/16)*16, r.IntN(f.h/16)*16
	switch r.IntN(4) {
	case 0:
		f.fill(x, y, f.w, f.h, colour{byte(r.IntN(3)), byte(r.IntN(256)), 128})
	case 1:
		for i := range 16 {
			f.y[(y+i)*f.w+x+r.IntN(16)] = byte(r.IntN(4))
		}
	case 2: // columns that go on from above
		for row := y; row < f.h; row++ {
			for i := range 16 {
				f.y[row*f.w+x+i] = byte(i)
			}
		}
	case 3:
		f.noise(r.Uint64() | 1)
	}
}

func TestParametersSayWhatTheStreamIs(t *testing.T) {
	film := NewFilm(640, 368, time.Second)
	stream := annexB(film.Format().SPS, film.Format().PPS)
	for i := range 30 {
		stream = append(stream, annexB(film.Next(time.Unix(int64(i), 0), 0).NALUs...)...)
	}
	var probe struct {
		Streams []struct {
			Profile       string
			Width, Height int
			HasBFrames    int    `json:"has_b_frames"`
			Rate          string `json:"r_frame_rate"`
		}
	}
	out := ffmpeg(t, stream, "ffprobe", "-f", "h264", "-show_streams", "-of", "json", "-")
	if err := json.Unmarshal(out, &probe); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%+v", probe.Streams[0])
	if got != "{Profile:Constrained Baseline Width:640 Height:368 HasBFrames:0 Rate:25/1}" {
		t.Error(got)
	}
	var sps h264.SPS
	if err := sps.Unmarshal(film.Format().SPS); err != nil || sps.Width() != 640 || sps.Height() != 368 || sps.FPS() != 25 {
		t.Errorf("%v: %d x %d, %v", err, sps.Width(), sps.Height(), sps.FPS())
	}
}

func TestNoStartCodeWithinANALUnit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.SliceOf(rapid.SampledFrom([]byte{0, 0, 0, 1, 2, 3, 4, 255})).Draw(t, "payload")
		w := writer{buf: bytes.Clone(payload)}
		n := w.nal(0x65)
		for _, code := range [][]byte{{0, 0, 0}, {0, 0, 1}, {0, 0, 2}} {
			if bytes.Contains(n, code) {
				t.Fatalf("% x holds % x", n, code)
			}
		}
		if got := h264.EmulationPreventionRemove(n); !bytes.Equal(got[1:len(got)-1], payload) {
			t.Fatalf("% x became % x", payload, got)
		}
	})
}

func TestGolombCodes(t *testing.T) {
	var w writer
	for _, v := range []uint{0, 1, 2, 7, 254} {
		w.ue(v)
	}
	for _, v := range []int{0, 1, -1, 2} {
		w.se(v)
	}
	// 1 010 011 0001000 000000011111111 | 1 010 011 00100
	want := []byte{0b10100110, 0b00100000, 0b00000111, 0b11111101, 0b00110010, 0b00000000}
	if !bytes.Equal(w.buf, want[:len(w.buf)]) {
		t.Errorf("%08b", w.buf)
	}
}

func TestSizes(t *testing.T) {
	film := NewFilm(320, 192, time.Second)
	for _, mode := range []Mode{Live, Quiet, Still} {
		film.Show(mode)
		film.n = 0
		key, most, least := 0, 0, 1<<20
		for i := range film.Group {
			u := film.Next(time.Unix(1000, int64(i)*int64(tick)), 0)
			if u.Key {
				key = u.Size()
				continue
			}
			most, least = max(most, u.Size()), min(least, u.Size())
		}
		t.Logf("%s: key picture %d bytes, between %d to %d", mode, key, least, most)
		if key > 60_000 || mode == Still && most > 20 || mode != Still && least < 300 {
			t.Errorf("%s: key picture %d bytes, between %d to %d", mode, key, least, most)
		}
	}
}

// TestPicture writes a picture for people to look at, if told where.
func TestPicture(t *testing.T) {
	path := os.Getenv("LOQUET_PICTURE")
	if path == "" {
		t.Skip("LOQUET_PICTURE names no file")
	}
	film := NewFilm(320, 192, time.Second)
	film.Scene.Open, film.Scene.Parcel = true, true
	u := film.Next(time.Now(), 0)
	stream := annexB(film.Format().SPS, film.Format().PPS, u.NALUs[0])
	ffmpeg(t, stream, "ffmpeg", "-y", "-f", "h264", "-i", "-", "-frames:v", "1", "-update", "1", path)
}
