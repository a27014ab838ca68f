// Package shot makes streams for tests of recording: with ffmpeg, or of noise.
package shot

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"

	"github.com/loquet/loquet/camera"
)

// Begun is when the first unit of every test's stream was received.
var Begun = time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)

const clockRate = 90000

// Shot is a stream to be made with ffmpeg.
type Shot struct {
	Codec   camera.Codec
	Seconds int
	// Rate in frames per second (25), Keys between key pictures (2 s), and B pictures between others.
	Rate, Keys, B int
	// Filter changes the moving test picture, in ffmpeg's words; "" does not.
	Filter string
}

// Steps is a filter that leaves a grey whose brightness says which second it is: 40 in the first, 20 more in each that
// follows.
const Steps = "format=yuv420p,geq=lum='40+20*floor(T)':cb=128:cr=128"

// Film encodes a shot, and returns its units; the test is skipped without ffmpeg.
func Film(t testing.TB, shot Shot) []*camera.Unit {
	t.Helper()
	ffmpeg := Need(t, "ffmpeg")
	if shot.Rate == 0 {
		shot.Rate = 25
	}
	if shot.Keys == 0 {
		shot.Keys = 2 * shot.Rate
	}
	file := t.TempDir() + "/shot.mp4"
	cmd := exec.Command(ffmpeg, append(shot.arguments(), file)...) //nolint:gosec // a test's own arguments
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	return units(t, file)
}

func (s Shot) arguments() []string {
	filter := s.Filter
	if filter == "" {
		filter = "null"
	}
	encoder := []string{
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bf", fmt.Sprint(s.B),
		"-g", fmt.Sprint(s.Keys), "-keyint_min", fmt.Sprint(s.Keys), "-sc_threshold", "0",
	}
	if s.Codec == camera.H265 {
		encoder = []string{
			"-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
			"-x265-params", fmt.Sprintf("log-level=error:keyint=%d:min-keyint=%d:scenecut=0:open-gop=0:bframes=%d", s.Keys, s.Keys, s.B),
		}
	}
	args := []string{
		"-v", "error", "-threads", "1", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=320x180:rate=%d", s.Rate),
		"-t", fmt.Sprint(s.Seconds), "-vf", filter,
	}
	return append(append(args, encoder...), "-threads", "1", "-video_track_timescale", fmt.Sprint(clockRate))
}

// units reads the pictures of an MP4 file.
func units(t testing.TB, file string) []*camera.Unit {
	t.Helper()
	var film pmp4.Presentation
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := film.Unmarshal(bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	format := &camera.Format{}
	switch codec := film.Tracks[0].Codec.(type) {
	case *codecs.H264:
		*format = camera.Format{Codec: camera.H264, SPS: codec.SPS, PPS: codec.PPS}
	case *codecs.H265:
		*format = camera.Format{Codec: camera.H265, VPS: codec.VPS, SPS: codec.SPS, PPS: codec.PPS}
	}
	var made []*camera.Unit
	var dts int64
	for _, sample := range film.Tracks[0].Samples {
		payload, err := sample.GetPayload()
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, &camera.Unit{
			Format: format, At: Begun.Add(time.Duration(dts) * time.Second / clockRate),
			DTS: dts, PTS: dts + int64(sample.PTSOffset), Key: !sample.IsNonSyncSample, NALUs: split(payload),
		})
		dts += int64(sample.Duration)
	}
	return made
}

func split(payload []byte) (nalus [][]byte) {
	for len(payload) > 4 {
		n := binary.BigEndian.Uint32(payload)
		nalus = append(nalus, payload[4:4+n])
		payload = payload[4+n:]
	}
	return nalus
}

// Stream makes units of noise that no decoder takes, but whose format is a real one: 25 a second, a key unit every
// two seconds, size bytes each.
func Stream(n, size int) []*camera.Unit {
	format := Format()
	noise := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same noise in every run
	units := make([]*camera.Unit, n)
	for i := range units {
		nalu := make([]byte, size)
		for j := range nalu {
			nalu[j] = byte(noise.Uint32())
		}
		nalu[0] = 0x41
		if i%50 == 0 {
			nalu[0] = 0x65
		}
		at := int64(i) * clockRate / 25
		units[i] = &camera.Unit{
			Format: format, At: Begun.Add(time.Duration(i) * 40 * time.Millisecond),
			DTS: at, PTS: at, Key: i%50 == 0, NALUs: [][]byte{nalu},
		}
	}
	return units
}

// Need finds a program, or skips the test.
func Need(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("this test needs %s", program)
	}
	return path
}

// Format is a real H.264 configuration: 1280 x 720, baseline.
func Format() *camera.Format {
	return &camera.Format{
		Codec: camera.H264, SPS: unhex("6742c01fda014016ec0440000003004000000c83c60ca8"), PPS: unhex("68ce0fc8"),
		Width: 1280, Height: 720, Rate: 25,
	}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}
