package live

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/camera"
)

const frame = 40 * time.Millisecond // 25 pictures a second

// film is an encoded picture, one entry per access unit.
type film struct {
	format *camera.Format
	units  []picture
}

type picture struct {
	key   bool
	shown int // which one it is in the order of showing
	nalus [][]byte
}

// shoot has ffmpeg encode a moving test picture at 25 pictures a second with a key picture every 2 s. Its number is
// written into each picture: 16 squares of 20 pixels at the top left, the highest bit first, white for 1.
func shoot(t testing.TB, size string, seconds int, encoder ...string) film {
	t.Helper()
	need(t, "ffmpeg")
	args := append([]string{"-hide_banner", "-loglevel", "error",
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%s:rate=25:duration=%d", size, seconds),
		"-f", "rawvideo", "-pix_fmt", "gray", "-video_size", "320x20", "-framerate", "25", "-i", "pipe:0",
		"-filter_complex", "[0][1]overlay=0:0:shortest=1,format=yuv420p", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0", "-threads", "1"}, encoder...)
	cmd := exec.CommandContext(t.Context(), "ffmpeg", append(args, "pipe:1")...)
	cmd.Stdin = bytes.NewReader(numbers(seconds * 25))
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, complaint.String())
	}
	return parse(t, out.Bytes())
}

var (
	inH264 = []string{"-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "baseline", "-bf", "0", "-b:v", "2M", "-maxrate", "2M", "-bufsize", "2M", "-f", "h264"}
	inB    = []string{"-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "main", "-bf", "2", "-b_strategy", "0", "-x264-params", "b-pyramid=none", "-f", "h264"}
	inH265 = []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "bframes=0:keyint=50:scenecut=0:log-level=error", "-f", "hevc"}
)

func need(t testing.TB, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed: scripts/need.sh installs it", program)
	}
}

func numbers(n int) []byte {
	var all bytes.Buffer
	for i := range n {
		row := make([]byte, 320)
		for x := range row {
			if i>>(15-x/20)&1 == 1 {
				row[x] = 255
			}
		}
		all.Write(bytes.Repeat(row, 20))
	}
	return all.Bytes()
}

// parse splits an Annex B stream into access units of one picture each.
func parse(t testing.TB, stream []byte) film {
	t.Helper()
	f := film{format: &camera.Format{Codec: camera.H264, Rate: 25}}
	hevc := bytes.HasPrefix(stream, []byte{0, 0, 0, 1, 0x40})
	if hevc {
		f.format.Codec = camera.H265
	}
	for nalu := range bytes.SplitSeq(stream, []byte{0, 0, 1}) {
		nalu = bytes.TrimRight(nalu, "\x00")
		if len(nalu) < 3 {
			continue
		}
		if hevc {
			f.addH265(nalu)
		} else {
			f.addH264(nalu)
		}
	}
	if len(f.units) == 0 || f.format.SPS == nil || f.format.PPS == nil {
		t.Fatal("ffmpeg made no picture")
	}
	f.order()
	return f
}

func (f *film) addH264(nalu []byte) {
	switch kind := nalu[0] & 0x1f; kind {
	case 7:
		f.format.SPS = nalu
	case 8:
		f.format.PPS = nalu
	case 1, 5:
		f.add(nalu, kind == 5, nalu[1]&0x80 != 0)
	}
}

func (f *film) addH265(nalu []byte) {
	switch kind := nalu[0] >> 1 & 0x3f; {
	case kind == 32:
		f.format.VPS = nalu
	case kind == 33:
		f.format.SPS = nalu
	case kind == 34:
		f.format.PPS = nalu
	case kind < 32:
		f.add(nalu, kind >= 16 && kind <= 21, nalu[2]&0x80 != 0)
	}
}

func (f *film) add(nalu []byte, key, first bool) {
	if first || len(f.units) == 0 {
		f.units = append(f.units, picture{key: key})
	}
	last := &f.units[len(f.units)-1]
	last.nalus = append(last.nalus, nalu)
}

// order finds out which picture is shown when: one that others refer to comes before the B-frames that are shown before it.
func (f *film) order() {
	next, waiting := 0, -1
	show := func(i int) {
		if i >= 0 {
			f.units[i].shown = next
			next++
		}
	}
	for i, u := range f.units {
		if f.format.Codec == camera.H264 && u.nalus[0][0]>>5 == 0 { // nal_ref_idc: nothing refers to a B-frame
			show(i)
			continue
		}
		show(waiting)
		waiting = i
	}
	show(waiting)
}

// unit makes the n-th unit of an endless repetition, received at a time.
func (f *film) unit(n int, at time.Time) *camera.Unit {
	p := f.units[n%len(f.units)]
	round := n / len(f.units) * len(f.units)
	return &camera.Unit{Format: f.format, At: at, PTS: int64(round+p.shown) * 3600, DTS: int64(n) * 3600, Key: p.key, NALUs: p.nalus}
}

// filming plays a film into a ring in real time.
type filming struct {
	film film
	ring *camera.Ring
	mu   sync.Mutex
	at   []time.Time // of each unit put so far
}

// filled returns a ring into which that many units were put, the last one now.
func (f film) filled(units int) *filming {
	p := &filming{film: f, ring: camera.NewRing(camera.DefaultDepth)}
	now := time.Now()
	for n := range units {
		p.put(now.Add(time.Duration(n-units+1) * frame))
	}
	return p
}

func (p *filming) put(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ring.Put(p.film.unit(len(p.at), at))
	p.at = append(p.at, at)
}

// putAgain puts a picture that is no key picture, with the time of the n-th.
func (p *filming) putAgain(n int) {
	u := p.film.unit(1, time.Now())
	u.PTS, u.DTS = int64(n)*3600, int64(n)*3600
	p.ring.Put(u)
}

// roll goes on in real time until the context ends.
func (p *filming) roll(ctx context.Context) {
	tick := time.NewTicker(frame)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			p.put(now)
		}
	}
}

// age is how old the picture with a number written into it was at a time, if it is the newest with that number.
func (p *filming) age(number int, at time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := len(p.at) - 1; n >= 0; n-- {
		if n%len(p.film.units) == number && p.at[n].Before(at) {
			return at.Sub(p.at[n])
		}
	}
	return -1
}

// reconnect makes another format with the same content, as a camera does that was connected to again.
func (f *film) reconnect() {
	format := *f.format
	f.format = &format
}
