package clip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/loquet/loquet/camera"
)

// Bounds of making a poster.
const (
	posterTime = 10 * time.Second
	posterMost = 1 << 20
	// posterPixels is the largest picture that is decoded: 8K.
	posterPixels = 7680 * 4320
	// posterAlloc is the largest piece of memory that ffmpeg may take at once, in bytes.
	posterAlloc = 128 << 20
	// posterWidth is that of the poster; smaller pictures stay as they are.
	posterWidth = 640
)

// ErrNoDecoder means that this machine has no ffmpeg, and therefore makes no posters.
var ErrNoDecoder = errors.New("posters need ffmpeg, which is not installed")

// Decoder makes posters with Debian's ffmpeg, one at a time, in a process of its own whose input comes from a
// camera that may be hostile: its time, input, output and memory are bounded, and it reads and writes nothing but pipes.
type Decoder struct {
	path string
	turn chan struct{}
}

// FindDecoder looks for ffmpeg in PATH; [ErrNoDecoder].
func FindDecoder() (*Decoder, error) {
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		return nil, ErrNoDecoder
	}
	return &Decoder{path, make(chan struct{}, 1)}, nil
}

// JPEG decodes a key unit.
func (d *Decoder) JPEG(ctx context.Context, u *camera.Unit) ([]byte, error) {
	if !u.Key || u.Size() > partMost {
		return nil, errors.New("a poster is made of one key picture")
	}
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, posterTime)
	defer cancel()
	return d.run(ctx, u)
}

func (d *Decoder) run(ctx context.Context, u *camera.Unit) ([]byte, error) {
	var out, said limited
	out.most, said.most = posterMost, 4096
	cmd := exec.CommandContext(ctx, d.path, arguments(u.Format.Codec)...) //nolint:gosec // fixed arguments, no shell
	cmd.Env = []string{"LC_ALL=C"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = annexB(u), &out, &said
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("ffmpeg can't make a poster: %w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	if !bytes.HasPrefix(out.Bytes(), []byte{0xff, 0xd8}) {
		return nil, fmt.Errorf("ffmpeg made no poster: %s", bytes.TrimSpace(said.Bytes()))
	}
	return out.Bytes(), nil
}

func arguments(codec camera.Codec) []string {
	demuxer := "h264"
	if codec == camera.H265 {
		demuxer = "hevc"
	}
	return []string{
		"-nostdin", "-hide_banner", "-loglevel", "error", "-max_alloc", fmt.Sprint(posterAlloc),
		"-threads", "1", "-max_pixels", fmt.Sprint(posterPixels), "-protocol_whitelist", "pipe", "-f", demuxer, "-i", "pipe:0",
		"-frames:v", "1", "-vf", fmt.Sprintf("scale=w='min(%d,iw)':h=-2", posterWidth),
		"-threads", "1", "-f", "mjpeg", "-q:v", "4", "pipe:1",
	}
}

// annexB is a unit with its parameter sets, as an elementary stream (ISO/IEC 14496-10, annex B).
func annexB(u *camera.Unit) io.Reader {
	var b bytes.Buffer
	for _, nalus := range [][][]byte{{u.Format.VPS, u.Format.SPS, u.Format.PPS}, u.NALUs} {
		for _, nalu := range nalus {
			if len(nalu) > 0 {
				b.Write([]byte{0, 0, 0, 1})
				b.Write(nalu)
			}
		}
	}
	return &b
}

// limited keeps what is written to it up to a number of bytes, and fails beyond.
type limited struct {
	bytes.Buffer
	most int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > l.most {
		return 0, errors.New("too much output")
	}
	return l.Buffer.Write(p)
}

// SetPoster seals a JPEG with the clip's key and puts it beside the clip.
func SetPoster(ctx context.Context, shelf Shelf, id ID, key Key, jpeg []byte) error {
	s, err := newSealer(id, key)
	if err != nil {
		return err
	}
	sealed, err := s.seal([]byte(magic), kindPoster, 0, jpeg)
	if err != nil {
		return err
	}
	return shelf.SetPoster(ctx, id, sealed)
}

// Poster returns a clip's poster, a JPEG. [ErrNotFound], [ErrDamaged].
func Poster(ctx context.Context, shelf Shelf, id ID, key Key) ([]byte, error) {
	s, err := newSealer(id, key)
	if err != nil {
		return nil, err
	}
	sealed, err := shelf.Poster(ctx, id)
	if err != nil {
		return nil, err
	}
	record, ok := bytes.CutPrefix(sealed, []byte(magic))
	if !ok {
		return nil, fmt.Errorf("%w: it is not a poster", ErrDamaged)
	}
	return s.open(nil, record, kindPoster, 0)
}
