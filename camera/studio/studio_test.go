package studio_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/clip/disk"
	"github.com/loquet/loquet/camera/live"
	"github.com/loquet/loquet/camera/rtsp"
	"github.com/loquet/loquet/camera/studio"
	"github.com/loquet/loquet/camera/virtual"
	"github.com/loquet/loquet/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	eye   event.CameraID = "home-c1"
	visit event.VisitID  = "home-v2"
	film  event.ClipID   = "home-f3"
)

// stage is a media service behind its socket, and a camera.
type stage struct {
	*testing.T
	ctx    context.Context
	folder string
	socket string
	camera *virtual.Camera
	client *studio.Client
	seen   chan event.Picture
	local  *studio.Local
	stop   func()
	// reserve is what the service keeps free.
	reserve int64
}

func open(t *testing.T) *stage {
	t.Helper()
	return openWith(t, 0)
}

func openWith(t *testing.T, reserve int64) *stage {
	t.Helper()
	s := &stage{T: t, reserve: reserve, folder: t.TempDir(), socket: filepath.Join(t.TempDir(), "studio.sock"), seen: make(chan event.Picture, 1000)}
	ctx, cancel := context.WithCancel(t.Context())
	s.ctx = ctx
	cam, err := virtual.Start(virtual.Options{User: "loquet", Password: "secret", Group: 25})
	s.must(err)
	s.camera = cam
	s.client = studio.OverSocket(s.socket, slog.New(slog.DiscardHandler))
	s.start()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		_ = s.client.Watch(ctx, func(p event.Picture) {
			select {
			case s.seen <- p:
			default:
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-watched
		s.stop()
		cam.Close()
		s.client.Close()
	})
	return s
}

// start brings the service up.
func (s *stage) start() {
	s.Helper()
	shelf, err := disk.Open(s.folder)
	s.must(err)
	shown, err := live.Listen(live.Config{UDP: "127.0.0.1:0", TCP: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	s.must(err)
	s.local = studio.New(studio.Config{Shelf: shelf, Live: shown, Reserve: s.reserve, Log: slog.New(slog.DiscardHandler),
		Dial: func(a string) (camera.Source, error) { return rtsp.New(a, rtsp.DefaultTimeouts) }})
	l, err := net.Listen("unix", s.socket)
	s.must(err)
	web := &http.Server{Handler: studio.Handler(s.local), ReadHeaderTimeout: time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = web.Serve(l)
	}()
	s.stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.must(web.Close())
		<-served
		s.must(s.local.Close(ctx))
		s.must(shown.Close())
		s.must(shelf.Close())
	}
}

func (s *stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *stage) shot(keep bool) camera.Shot {
	return camera.Shot{Camera: eye, Visit: visit, Address: s.camera.Address(), Clip: film, Key: make([]byte, 32),
		EraseAt: event.InstantOf(time.Now().Add(time.Hour)), Keep: keep}
}

// await waits until a picture is reported that is as it should be.
func (s *stage) await(what string, is func(event.Picture) bool) event.Picture {
	s.Helper()
	limit := time.After(20 * time.Second)
	for last := (event.Picture{}); ; {
		select {
		case last = <-s.seen:
			if is(last) {
				return last
			}
		case <-limit:
			s.Fatalf("never %s; last %+v", what, last)
		}
	}
}

func isLive(p event.Picture) bool { return p.Fault == "" }

func faulty(f event.PictureFault) func(event.Picture) bool {
	return func(p event.Picture) bool { return p.Fault == f }
}

// left are the files in the service's folder that could hold a picture.
func (s *stage) left() (files []string) {
	s.must(filepath.WalkDir(filepath.Join(s.folder, "clips"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	}))
	return files
}

func (s *stage) get(file int) []byte {
	s.Helper()
	w := httptest.NewRecorder()
	s.client.ServeFile(w, httptest.NewRequest("GET", "/anything", nil), film, file, make([]byte, 32))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "video/mp4" {
		s.Fatalf("file %d: %d %s", file, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

func TestAVisitIsFilmedKeptAndErased(t *testing.T) {
	s := open(t)
	s.must(s.client.Film(s.ctx, s.shot(false)))
	s.must(s.client.Film(s.ctx, s.shot(false)))
	p := s.await("live", isLive)
	if p.Camera != eye || p.Keys < 3 || time.Since(p.At.Time()) > 2*time.Second {
		t.Errorf("proven by %+v", p)
	}
	if now := s.client.Picture(eye); now.Fault != "" {
		t.Errorf("the picture at this moment: %+v", now)
	}
	opened := event.InstantOf(time.Now())
	s.must(s.client.Film(s.ctx, s.shot(true)))
	s.await("live a while later", func(p event.Picture) bool { return isLive(p) && p.At > opened.Add(1500) })
	files, err := s.client.Cut(s.ctx, visit, film, make([]byte, 32))
	s.must(err)
	if len(files) != 1 || files[0].From > opened.Add(-1000) || files[0].To < opened.Add(1000) {
		t.Fatalf("kept %+v of an opening at %s", files, opened)
	}
	body := s.get(0)
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != files[0].SHA256 || int64(len(body)) != files[0].Bytes {
		t.Errorf("what is downloaded is not what the journal is told: %+v, %d bytes", files[0], len(body))
	}
	again, err := s.client.Cut(s.ctx, visit, film, make([]byte, 32))
	s.must(err)
	if len(again) != 1 || again[0] != files[0] {
		t.Errorf("asked again: %+v, before %+v", again, files)
	}
	s.must(s.client.Erase(s.ctx, film))
	if left := s.left(); len(left) > 0 {
		t.Errorf("erased, and left: %v", left)
	}
	s.must(s.client.Erase(s.ctx, film))
}

func TestWhatIsNotKeptLeavesNothing(t *testing.T) {
	s := open(t)
	s.must(s.client.Film(s.ctx, s.shot(false)))
	s.await("live", isLive)
	files, err := s.client.Cut(s.ctx, visit, film, make([]byte, 32))
	s.must(err)
	if left := s.left(); len(files) > 0 || len(left) > 0 {
		t.Errorf("kept %v, and left %v", files, left)
	}
}

func TestALostPictureIsToldAndComesBack(t *testing.T) {
	s := open(t)
	s.must(s.client.Film(s.ctx, s.shot(true)))
	s.await("live", isLive)
	s.camera.Vanish()
	began := time.Now()
	s.await("stale", faulty(event.PictureStale))
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("a camera that vanished was told after %s", took)
	}
	s.camera.Return()
	s.await("live again", isLive)
}

func TestTwoVisitsShareACamera(t *testing.T) {
	s := open(t)
	other := s.shot(true)
	other.Visit, other.Clip = "home-v9", "home-f10"
	s.must(s.client.Film(s.ctx, s.shot(false)))
	s.must(s.client.Film(s.ctx, other))
	s.await("live", isLive)
	if _, err := s.client.Cut(s.ctx, visit, film, make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	since := event.InstantOf(time.Now())
	s.await("still live for the other", func(p event.Picture) bool { return isLive(p) && p.At > since.Add(500) })
	files, err := s.client.Cut(s.ctx, other.Visit, other.Clip, make([]byte, 32))
	s.must(err)
	if len(files) != 1 {
		t.Errorf("of the other visit %d files were kept", len(files))
	}
}

// Visits follow one another at the same camera, also while it is still being let go.
func TestACameraIsTakenUpAgainAtOnce(t *testing.T) {
	s := open(t)
	for range 5 {
		s.must(s.client.Film(s.ctx, s.shot(true)))
		_, err := s.client.Cut(s.ctx, visit, film, make([]byte, 32))
		s.must(err)
	}
	s.must(s.client.Film(s.ctx, s.shot(true)))
	s.await("live after all", isLive)
}

func TestAServiceThatWasAwayIsAskedAnew(t *testing.T) {
	s := open(t)
	s.must(s.client.Film(s.ctx, s.shot(true)))
	s.await("live", isLive)
	s.stop()
	s.await("not served", faulty(event.PictureUnserved))
	if p := s.client.Picture(eye); p.Fault == "" {
		t.Errorf("nobody serves, and the picture counts: %+v", p)
	}
	s.start()
	s.await("live again", isLive)
	files, err := s.client.Cut(s.ctx, visit, film, make([]byte, 32))
	s.must(err)
	if len(files) != 2 {
		t.Errorf("before and after, %d files were kept", len(files))
	}
}

func TestCheck(t *testing.T) {
	s := open(t)
	report, err := s.client.Check(s.ctx, s.camera.Address())
	s.must(err)
	if report.Picture.Fault != "" || report.Width != 320 || report.Height != 192 || report.Codec != camera.H264 || !report.WebRTC ||
		report.Rate < 20 || report.Rate > 30 || report.KeyEvery < 0.8 || report.KeyEvery > 1.2 {
		t.Errorf("a good camera: %+v", report)
	}
	s.camera.SetPassword("another")
	report, err = s.client.Check(s.ctx, s.camera.Address())
	s.must(err)
	if report.Picture.Fault != event.PictureRefused {
		t.Errorf("with a wrong password: %+v", report)
	}
	if report, err = s.client.Check(s.ctx, "not an address"); err != nil || report.Picture.Fault != event.PictureUnreached {
		t.Errorf("nowhere: %+v, %v", report, err)
	}
}

// Where little room is left no further visit is filmed, and those that are go on.
func TestTheReserveIsForVisitsThatAreKept(t *testing.T) {
	s := openWith(t, 1<<60)
	s.must(s.client.Film(s.ctx, s.shot(false)))
	s.await("without room", faulty(event.PictureFull))
	report, err := s.client.Check(s.ctx, s.camera.Address())
	s.must(err)
	if report.Picture.Fault != event.PictureFull {
		t.Errorf("a check without room: %+v", report)
	}
	s.must(s.client.Film(s.ctx, s.shot(true)))
	s.await("kept from the reserve", isLive)
}

func TestLiveOnlyOfWhatIsFilmed(t *testing.T) {
	s := open(t)
	look := func(v event.VisitID) int {
		w := httptest.NewRecorder()
		s.client.ServeLive(w, httptest.NewRequest("GET", "/v1/x/live/hls/index.m3u8", nil), v, "hls/index.m3u8")
		return w.Code
	}
	if code := look(visit); code != http.StatusNotFound {
		t.Errorf("of a visit that is not filmed: %d", code)
	}
	s.must(s.client.Film(s.ctx, s.shot(false)))
	s.await("live", isLive)
	if code := look(visit); code != http.StatusOK {
		t.Errorf("of one that is: %d", code)
	}
	if code := look("home-v77"); code != http.StatusNotFound {
		t.Errorf("of another: %d", code)
	}
}
