package rtsp

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/loquet/loquet/camera"
	"github.com/pion/rtp"
)

// relay is a server to which one may publish, and from which others may read.
type relay struct {
	server *gortsplib.Server
	port   int
	up     chan struct{} // closed when something is published

	mu     sync.Mutex
	stream *gortsplib.ServerStream
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	r := &relay{up: make(chan struct{})}
	r.server = &gortsplib.Server{Handler: r, RTSPAddress: "127.0.0.1:0", Listen: func(network, address string) (net.Listener, error) {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), network, address)
		if err == nil {
			r.port = l.Addr().(*net.TCPAddr).Port
		}
		return l, err
	}}
	if err := r.server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.server.Close)
	return r
}

func (r *relay) address() string { return fmt.Sprintf("rtsp://127.0.0.1:%d/cam", r.port) }

func (r *relay) published() *gortsplib.ServerStream {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stream
}

func (r *relay) OnAnnounce(c *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stream = &gortsplib.ServerStream{Server: r.server, Desc: c.Description}
	if err := r.stream.Initialize(); err != nil {
		return &base.Response{StatusCode: base.StatusBadRequest}, err
	}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (r *relay) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return &base.Response{StatusCode: base.StatusOK}, r.published(), nil
}

func (r *relay) OnSetup(c *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if c.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return &base.Response{StatusCode: base.StatusOK}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, r.published(), nil
}

func (r *relay) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (r *relay) OnRecord(c *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	stream := r.published()
	c.Session.OnPacketRTPAny(func(m *description.Media, _ format.Format, p *rtp.Packet) {
		_ = stream.WritePacketRTP(m, p)
	})
	close(r.up)
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// publish has ffmpeg film a scene for as long as the test takes.
func (r *relay) publish(t *testing.T, scene string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	all := append([]string{"-v", "error", "-re", "-f", "lavfi", "-i", scene, "-re", "-f", "lavfi", "-i", "sine", "-pix_fmt", "yuv420p",
		"-preset", "ultrafast", "-g", "25", "-keyint_min", "25", "-c:a", "aac"}, args...)
	cmd := exec.CommandContext(ctx, tool(t), append(all, "-f", "rtsp", "-rtsp_transport", "tcp", r.address())...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	select {
	case <-r.up:
	case <-time.After(time.Minute):
		t.Fatalf("nothing was published\n%s", errs.String())
	}
}

// TestFfmpegIsPulledAndProven has ffmpeg for a camera: it sends sound too, which is never asked for.
func TestFfmpegIsPulledAndProven(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args      []string
		codec     camera.Codec
		reordered bool
	}{
		"h264":                {[]string{"-c:v", "libx264", "-bf", "0", "-sc_threshold", "0"}, camera.H264, false},
		"h264 with B frames":  {[]string{"-c:v", "libx264", "-bf", "2", "-b_strategy", "0", "-sc_threshold", "0"}, camera.H264, true},
		"h265":                {[]string{"-c:v", "libx265", "-crf", "16", "-x265-params", "log-level=none:bframes=0:keyint=25"}, camera.H265, false},
		"h265 with B pyramid": {[]string{"-c:v", "libx265", "-crf", "16", "-x265-params", "log-level=none:bframes=3:b-adapt=0:keyint=25:open-gop=0"}, camera.H265, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRelay(t)
			r.publish(t, quiet, c.args...)
			s, err := New(r.address(), DefaultTimeouts)
			if err != nil {
				t.Fatal(err)
			}
			judge, seen, reordered := camera.NewJudge(time.Now()), &inspector{t: t}, false
			enough := fmt.Errorf("enough")
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			err = s.Run(ctx, func(u *camera.Unit) {
				if seen.units == 125 {
					cancel(enough)
					return
				}
				seen.see(u)
				judge.Add(u)
				reordered = reordered || u.PTS != u.DTS
			})
			if err != enough { //nolint:errorlint // it is handed through
				t.Fatal(err)
			}
			if v := judge.Verdict(time.Now()); !v.Live || v.Keys < 3 {
				t.Errorf("%+v", v)
			}
			f := seen.last.Format
			if f.Codec != c.codec || f.Width != 320 || f.Height != 180 || f.Rate != 25 || reordered != c.reordered {
				t.Errorf("%s %dx%d at %v, reordered: %v", f.Codec, f.Width, f.Height, f.Rate, reordered)
			}
		})
	}
}
