package clip_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image/jpeg"
	"os/exec"
	"strconv"
	"testing"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/clip"
	"github.com/loquet/loquet/camera/clip/cliptest"
	"github.com/loquet/loquet/camera/clip/cliptest/shot"
	"github.com/loquet/loquet/camera/clip/disk"
	"github.com/loquet/loquet/event"
)

// films are streams of all kinds that cameras send, made by an encoder that is not ours.
var films = map[string]shot.Shot{
	"H.264":                       {Codec: camera.H264, Seconds: 7},
	"H.264, 15 a second, B":       {Codec: camera.H264, Seconds: 5, Rate: 15, B: 2},
	"H.264, a key picture in 10s": {Codec: camera.H264, Seconds: 12, Keys: 250},
	"H.265":                       {Codec: camera.H265, Seconds: 5},
	"H.265, B":                    {Codec: camera.H265, Seconds: 5, B: 3},
}

// TestOtherPlayersTakeTheFilm has ffprobe and ffmpeg read what was recorded, finished and as a kill leaves it.
func TestOtherPlayersTakeTheFilm(t *testing.T) {
	t.Parallel()
	for name, kind := range films {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			units := shot.Film(t, kind)
			shelf := openDisk(t)
			id := cliptest.Record(t, shelf, "ab12-f1", units)
			film := cliptest.Save(t, shelf, id, cliptest.Key)
			looked := probe(t, film)
			if looked.frames != len(units) || looked.codec != map[camera.Codec]string{camera.H264: "h264", camera.H265: "hevc"}[kind.Codec] {
				t.Errorf("ffprobe counts %d %s pictures of %d", looked.frames, looked.codec, len(units))
			}
			if off := looked.duration - float64(kind.Seconds); off > 0.01 || off < -0.01 {
				t.Errorf("ffprobe sees %v s of %d", looked.duration, kind.Seconds)
			}
			decode(t, film, len(units))

			broken := cliptest.Break(t, shelf, "ab12-f2", units)
			torn := cliptest.Save(t, shelf, broken, cliptest.Key)
			decode(t, torn, probe(t, torn).frames)
			if n := probe(t, torn).frames; n < len(units)-30 {
				t.Errorf("the broken off film has %d pictures of %d", n, len(units))
			}
		})
	}
}

func openDisk(t testing.TB) *disk.Shelf {
	t.Helper()
	shelf, err := disk.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := shelf.Close(); err != nil {
			t.Error(err)
		}
	})
	return shelf
}

type probed struct {
	frames   int
	duration float64
	codec    string
}

func probe(t *testing.T, film string) probed {
	t.Helper()
	out, err := exec.Command(shot.Need(t, "ffprobe"), "-v", "error", "-count_packets", "-show_streams", "-show_format",
		"-of", "json", film).CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe: %v\n%s", err, out)
	}
	var said struct {
		Streams []struct {
			Codec  string `json:"codec_name"`
			Frames string `json:"nb_read_packets"`
		}
		Format struct{ Duration string }
	}
	if err := json.Unmarshal(out, &said); err != nil || len(said.Streams) != 1 {
		t.Fatalf("ffprobe says %s", out)
	}
	frames, _ := strconv.Atoi(said.Streams[0].Frames)
	duration, _ := strconv.ParseFloat(said.Format.Duration, 64)
	return probed{frames, duration, said.Streams[0].Codec}
}

// decode fails on anything that a decoder complains about.
func decode(t *testing.T, film string, frames int) {
	t.Helper()
	cmd := exec.Command(shot.Need(t, "ffmpeg"), "-v", "warning", "-threads", "1", "-i", film, "-f", "framecrc", "-")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil || said.Len() > 0 {
		t.Errorf("ffmpeg: %v\n%s", err, said.Bytes())
	}
	if n := bytes.Count(out, []byte("\n0, ")); n != frames {
		t.Errorf("ffmpeg shows %d pictures of %d", n, frames)
	}
}

func TestPostersShowThePicture(t *testing.T) {
	t.Parallel()
	shot.Need(t, "ffmpeg")
	decoder, err := clip.FindDecoder()
	if err != nil {
		t.Fatal(err)
	}
	shelf := openDisk(t)
	for name, codec := range map[event.ClipID]camera.Codec{"ab12-f1": camera.H264, "ab12-f2": camera.H265} {
		units := shot.Film(t, shot.Shot{Codec: codec, Seconds: 2})
		id := cliptest.Record(t, shelf, name, units)
		jpeg, err := decoder.JPEG(t.Context(), units[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := clip.SetPoster(t.Context(), shelf, id, cliptest.Key, jpeg); err != nil {
			t.Fatal(err)
		}
		got, err := clip.Poster(t.Context(), shelf, id, cliptest.Key)
		if err != nil || !bytes.Equal(got, jpeg) {
			t.Fatalf("the poster reads back as %d bytes of %d, %v", len(got), len(jpeg), err)
		}
		sameSize(t, got)
	}
}

// sameSize fails unless the JPEG is 320 pixels wide, as what was filmed.
func sameSize(t *testing.T, poster []byte) {
	t.Helper()
	picture, err := jpeg.Decode(bytes.NewReader(poster))
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size.X != 320 || size.Y != 180 {
		t.Errorf("the poster is %v", size)
	}
}

func TestAPosterOfNothingIsAnError(t *testing.T) {
	t.Parallel()
	shot.Need(t, "ffmpeg")
	decoder, err := clip.FindDecoder()
	if err != nil {
		t.Fatal(err)
	}
	noise := shot.Stream(2, 5000)
	for name, unit := range map[string]*camera.Unit{"noise": noise[0], "no key picture": noise[1]} {
		if got, err := decoder.JPEG(t.Context(), unit); err == nil {
			t.Errorf("%s: %d bytes", name, len(got))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := decoder.JPEG(ctx, noise[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("when nobody waits any more: %v", err)
	}
}

func TestAPosterOpensOnlyWithItsKeyAndName(t *testing.T) {
	t.Parallel()
	shelf := openDisk(t)
	units := shot.Stream(30, 100)
	id, other := cliptest.Record(t, shelf, "ab12-f1", units), cliptest.Record(t, shelf, "ab12-f2", units)
	if _, err := clip.Poster(t.Context(), shelf, id, cliptest.Key); !errors.Is(err, clip.ErrNotFound) {
		t.Errorf("without a poster: %v", err)
	}
	if err := clip.SetPoster(t.Context(), shelf, id, cliptest.Key, []byte("picture")); err != nil {
		t.Fatal(err)
	}
	if _, err := clip.Poster(t.Context(), shelf, id, clip.Key{5}); !errors.Is(err, clip.ErrDamaged) {
		t.Errorf("with another key: %v", err)
	}
	sealed, err := shelf.Poster(t.Context(), id)
	if err != nil || bytes.Contains(sealed, []byte("picture")) {
		t.Fatalf("it is stored as %q, %v", sealed, err)
	}
	if err := shelf.SetPoster(t.Context(), other, sealed); err != nil {
		t.Fatal(err)
	}
	if _, err := clip.Poster(t.Context(), shelf, other, cliptest.Key); !errors.Is(err, clip.ErrDamaged) {
		t.Errorf("beside another clip: %v", err)
	}
}
