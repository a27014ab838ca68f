package rtsp

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/camera"
)

// Sources that this project did not write: ffmpeg's pictures, encoded by x264 and x265.
const (
	// a scene in which nothing moves, seen by a noisy sensor
	quiet = "smptebars=size=320x180:rate=25,noise=alls=6:allf=t"
	moves = "testsrc2=size=320x180:rate=25"
	still = "testsrc=size=320x180:rate=25,loop=loop=-1:size=1:start=0"
)

func tool(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not installed; `make need` does that")
	}
	return path
}

// shot returns seconds of a scene, encoded: NAL units of pictures, each with its delimiter before it.
func shot(t testing.TB, scene string, seconds int, args ...string) [][][]byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	all := []string{"-v", "error", "-f", "lavfi", "-i", scene, "-t", fmt.Sprint(seconds), "-pix_fmt", "yuv420p",
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0"}
	all = append(append(all, args...), "-x264-params", "aud=1", "-f", "h264", "-")
	cmd := exec.CommandContext(ctx, tool(t), all...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	var pictures [][][]byte
	for part := range bytes.SplitSeq(out, []byte{0, 0, 1}) {
		n := bytes.TrimRight(part, "\x00")
		switch {
		case len(n) == 0:
		case n[0]&0x1f == 9:
			pictures = append(pictures, nil)
		default:
			pictures[len(pictures)-1] = append(pictures[len(pictures)-1], n)
		}
	}
	return pictures
}

// judged plays pictures to a judge in virtual time, and asks after each.
func judged(t testing.TB, j *camera.Judge, at time.Time, pictures [][][]byte, ask func(int, camera.Verdict)) time.Time {
	t.Helper()
	a := newAssembler(camera.H264, nil, nil, nil)
	j.Begin(at)
	for i, p := range pictures {
		u, err := a.unit(p, int64(i)*3600, at)
		if err != nil {
			t.Fatal(err)
		}
		if u != nil {
			j.Add(u)
			ask(i, j.Verdict(at))
		}
		at = at.Add(40 * time.Millisecond)
	}
	return at
}

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// qualities at which the quiet scene is filmed, from one that keeps the noise to those that drop it between key
// pictures; and how soon it must be proven.
var qualities = map[string]time.Duration{
	"-crf 23":                         7 * time.Second,
	"-b:v 2M -maxrate 2M -bufsize 2M": 7 * time.Second,
	"-b:v 200k -maxrate 200k -bufsize 200k -tune zerolatency": 7 * time.Second,
	"-crf 35": 27 * time.Second,
	"-crf 51": 27 * time.Second,
}

func TestQuietSceneThatIsLivePassesAHundredTimesOfAHundred(t *testing.T) {
	passed := 0
	for args, within := range qualities {
		film := shot(t, quiet, 60, strings.Fields(args)...)
		for i := range 20 {
			part := film[i*37 : i*37+25*30]
			proven := -1
			judged(t, camera.NewJudge(start), start, part, func(n int, v camera.Verdict) {
				switch {
				case v.Live && proven < 0:
					proven = n
				case !v.Live && proven >= 0:
					t.Fatalf("%s, from picture %d: proven at %d, lost at %d: %+v", args, i*37, proven, n, v)
				}
			})
			if took := time.Duration(proven) * 40 * time.Millisecond; proven < 0 || took > within {
				t.Fatalf("%s, from picture %d: proven after %v", args, i*37, took)
			}
			passed++
		}
	}
	if passed != 100 {
		t.Errorf("%d of 100", passed)
	}
}

// settings that encode a still picture again, and how soon it must be refused: at a low rate, the control of the rate
// first makes the picture better and better, which is something that happens.
var settings = map[string]time.Duration{
	"-crf 23":                         3 * time.Second,
	"-b:v 2M":                         3 * time.Second,
	"-b:v 2M -maxrate 2M -bufsize 2M": 3 * time.Second,
	"-b:v 300k -tune zerolatency":     6 * time.Second,
	"-b:v 2M -minrate 2M -maxrate 2M -bufsize 1M -preset veryfast": 3 * time.Second,
}

func TestStillPictureEncodedAgainIsRefused(t *testing.T) {
	for args, within := range settings {
		live, frozen := shot(t, moves, 6, strings.Fields(args)...), shot(t, still, 26, strings.Fields(args)...)
		refused, last := time.Duration(-1), camera.Live
		judged(t, camera.NewJudge(start), start, append(live, frozen...), func(n int, v camera.Verdict) {
			since := time.Duration(n-len(live)) * 40 * time.Millisecond
			switch {
			case since == 0 && !v.Live:
				t.Fatalf("%s: not live to begin with: %+v", args, v)
			case since > 0 && !v.Live && refused < 0:
				refused = since
			case since > within && v.Live:
				t.Fatalf("%s: live %v after: %+v", args, since, v)
			}
			last = v.Why
		})
		t.Logf("%s: refused after %v, in the end %q", args, refused, last)
		if last != camera.Frozen {
			t.Errorf("%s: in the end %q", args, last)
		}
	}
}
