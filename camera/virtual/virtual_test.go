package virtual_test

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/rtsp"
	"github.com/loquet/loquet/camera/virtual"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watch pulls a virtual camera over a real connection. Key pictures come every second, to be quick.
type watch struct {
	t      *testing.T
	camera *virtual.Camera
	pull   *camera.Pull
	ring   *camera.Ring
}

func newWatch(t *testing.T, o virtual.Options) *watch {
	t.Helper()
	o.Group = virtual.Rate
	cam, err := virtual.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cam.Close)
	source, err := rtsp.New(cam.Address(), rtsp.Timeouts{Answer: 3 * time.Second, First: 4 * time.Second, Silence: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	w := &watch{t: t, camera: cam, ring: camera.NewRing(camera.DefaultDepth)}
	w.pull = camera.NewPull(source, w.ring, camera.NewJudge(time.Now()))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { w.pull.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done; w.ring.Close() })
	return w
}

// until waits for a reason, and returns how long it took.
func (w *watch) until(within time.Duration, whys ...camera.Why) time.Duration {
	w.t.Helper()
	begun := time.Now()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for time.Since(begun) < within {
		v := w.pull.Verdict(time.Now())
		for _, why := range whys {
			if v.Why == why {
				return time.Since(begun)
			}
		}
		<-ticker.C
	}
	w.t.Fatalf("not %q after %v, but %+v", whys, within, w.pull.Verdict(time.Now()))
	return 0
}

// stays says that the camera is live all the time.
func (w *watch) stays(d time.Duration, want ...camera.Why) {
	w.t.Helper()
	reader := w.ring.Subscribe(camera.FromLastKey, 100)
	defer reader.Close()
	for end := time.After(d); ; {
		select {
		case <-end:
			return
		case <-reader.C:
		}
		v, ok := w.pull.Verdict(time.Now()), false
		for _, why := range want {
			ok = ok || v.Why == why
		}
		if !ok {
			w.t.Fatalf("%+v", v)
		}
	}
}

// The table of attacks: each is refused within 3 s of its beginning, a loop at its first repeated key picture.
func TestAttacks(t *testing.T) {
	t.Parallel()
	const bound = 3 * time.Second
	for name, c := range map[string]struct {
		attack func(*virtual.Camera)
		within time.Duration
		why    []camera.Why
	}{
		"vanished":         {(*virtual.Camera).Vanish, bound, []camera.Why{camera.Stale}},
		"encoder stopped":  {shows(virtual.Frozen), bound, []camera.Why{camera.Stale}},
		"still":            {shows(virtual.Still), bound, []camera.Why{camera.Still, camera.Frozen}},
		"half speed":       {shows(virtual.Slow), bound, []camera.Why{camera.Clock}},
		"loop of 3 s":      {shows(virtual.Loop), 3*time.Second + bound/4, []camera.Why{camera.Loop}},
		"other parameters": {restarts, bound, []camera.Why{camera.NoAnswer, camera.TooFew}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWatch(t, virtual.Options{LoopLength: 3 * time.Second})
			w.until(6*time.Second, camera.Live)
			w.stays(time.Second, camera.Live)
			c.attack(w.camera)
			t.Logf("refused after %v", w.until(c.within, c.why...))
		})
	}
}

func shows(m virtual.Mode) func(*virtual.Camera) {
	return func(c *virtual.Camera) { c.Show(m) }
}

func restarts(c *virtual.Camera) { _ = c.Restart(640, 368) }

func TestQuietScenePasses(t *testing.T) {
	t.Parallel()
	w := newWatch(t, virtual.Options{})
	w.camera.Show(virtual.Quiet)
	w.until(6*time.Second, camera.Live)
	w.stays(4*time.Second, camera.Live)
}

func TestCameraComesBack(t *testing.T) {
	t.Parallel()
	w := newWatch(t, virtual.Options{})
	w.until(6*time.Second, camera.Live)
	w.camera.Vanish()
	w.until(2*time.Second, camera.Stale)
	w.until(6*time.Second, camera.NoAnswer)
	w.camera.Return()
	w.until(15*time.Second, camera.Live)
}

func TestFreezeEnds(t *testing.T) {
	t.Parallel()
	w := newWatch(t, virtual.Options{})
	w.until(6*time.Second, camera.Live)
	w.camera.Show(virtual.Frozen)
	w.until(2*time.Second, camera.Stale)
	w.camera.Show(virtual.Live)
	w.until(2*time.Second, camera.Live)
}

func TestOtherParametersAreAnotherFormat(t *testing.T) {
	t.Parallel()
	w := newWatch(t, virtual.Options{})
	w.until(6*time.Second, camera.Live)
	reader := w.ring.Subscribe(camera.FromLastKey, 500)
	defer reader.Close()
	first := (<-reader.C).Unit.Format
	w.camera.Reshape(640, 368)
	second := w.other(reader, first)
	if second.Width != 640 || second.Height != 368 || second.Same(first) {
		t.Errorf("%+v", second)
	}
	if err := w.camera.Restart(320, 192); err != nil {
		t.Fatal(err)
	}
	third := w.other(reader, second)
	if third.Width != 320 || third == first || !third.Same(first) {
		t.Errorf("%+v", third)
	}
	w.until(6*time.Second, camera.Live)
}

// other waits for a unit of another format, which is a key picture.
func (w *watch) other(reader *camera.Reader, known *camera.Format) *camera.Format {
	w.t.Helper()
	late := time.After(8 * time.Second)
	for {
		select {
		case item := <-reader.C:
			if item.Unit.Format == known {
				continue
			}
			if !item.Unit.Key {
				w.t.Error("a format begins without a key picture")
			}
			return item.Unit.Format
		case <-late:
			w.t.Fatal("no other format")
		}
	}
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	w := newWatch(t, virtual.Options{User: "door", Password: "s3cret!"})
	w.until(6*time.Second, camera.Live)
	w.camera.SetPassword("another")
	if err := w.camera.Restart(320, 192); err != nil {
		t.Fatal(err)
	}
	w.until(4*time.Second, camera.WrongPassword)
	if text := w.pull.Fault().Error(); strings.Contains(text, "s3cret") || strings.Contains(text, "door") {
		t.Error(text)
	}
}

// TestOthersReadIt asks a client that we did not write.
func TestOthersReadIt(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not installed; `make need` does that")
	}
	cam, err := virtual.Start(virtual.Options{User: "door", Password: "s3cret!", Group: virtual.Rate})
	if err != nil {
		t.Fatal(err)
	}
	defer cam.Close()
	cam.Look(virtual.Scene{Name: "FRONT DOOR", Open: true, Parcel: true})
	cmd := exec.CommandContext(t.Context(), path, "-v", "error", "-rtsp_transport", "tcp", "-i", cam.Address(),
		"-frames:v", "60", "-f", "framemd5", "-")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || errs.Len() > 0 {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	sums := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			sums[line[strings.LastIndex(line, ",")+1:]] = true
		}
	}
	if len(sums) < 50 {
		t.Errorf("%d different pictures of 60", len(sums))
	}
}
