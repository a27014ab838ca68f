package api_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/event"
)

// cinema is a media service without cameras: each picture counts, unless a test says otherwise, and each film is the
// same.
type cinema struct {
	mu     sync.Mutex
	fault  event.PictureFault
	shots  map[event.VisitID]camera.Shot
	down   error            // of checks and erasures
	answer http.HandlerFunc // of everything that is shown
	left   []string         // the looks that were ended
}

const reel = "0123456789"

func (c *cinema) show(fault event.PictureFault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = fault
}

// fails has every check and every erasure fail.
func (c *cinema) fails(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = err
}

// answers sets what is answered to whoever wants to see anything.
func (c *cinema) answers(with http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = with
}

// ended counts the looks that were ended.
func (c *cinema) ended() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.left)
}

func (c *cinema) Film(_ context.Context, s camera.Shot) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shots == nil {
		c.shots = map[event.VisitID]camera.Shot{}
	}
	s.Keep = s.Keep || c.shots[s.Visit].Keep
	c.shots[s.Visit] = s
	return nil
}

func (c *cinema) Cut(_ context.Context, v event.VisitID, _ event.ClipID, _ []byte) ([]event.ClipFile, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	keep := c.shots[v].Keep
	delete(c.shots, v)
	if !keep {
		return nil, nil
	}
	now := event.InstantOf(time.Now())
	return []event.ClipFile{{SHA256: strings.Repeat("5a", 32), Bytes: int64(len(reel)), From: now.Add(-event.Minute), To: now, Whole: true}}, nil
}

func (c *cinema) Erase(context.Context, event.ClipID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.down
}

func (c *cinema) Picture(id event.CameraID) event.Picture {
	c.mu.Lock()
	defer c.mu.Unlock()
	return event.Picture{Camera: id, Fault: c.fault, At: event.InstantOf(time.Now()), Keys: 3}
}

// Watch reports the pictures of the cameras that film, more often than the real one.
func (c *cinema) Watch(ctx context.Context, sink func(event.Picture)) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		for _, id := range c.filming() {
			sink(c.Picture(id))
		}
	}
}

func (c *cinema) filming() (all []event.CameraID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.shots {
		all = append(all, s.Camera)
	}
	return all
}

func (c *cinema) Check(_ context.Context, _ string) (camera.Report, error) {
	c.mu.Lock()
	down := c.down
	c.mu.Unlock()
	if down != nil {
		return camera.Report{}, down
	}
	return camera.Report{Picture: c.Picture(""), Codec: camera.H264, Width: 320, Height: 192, Rate: 25, KeyEvery: 1, WebRTC: true}, nil
}

func (c *cinema) ServeLive(w http.ResponseWriter, r *http.Request, _ event.VisitID, rest string) {
	if r.Method == http.MethodDelete {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.left = append(c.left, strings.TrimPrefix(rest, "whep/"))
		return
	}
	c.serve(w, r, func(w http.ResponseWriter, _ *http.Request) {
		if rest == "whep" {
			w.Header().Set("Location", "whep/look1")
			w.Header().Set("Content-Type", "application/sdp")
			w.WriteHeader(http.StatusCreated)
		}
		_, _ = w.Write([]byte(rest))
	})
}

func (c *cinema) ServeFile(w http.ResponseWriter, r *http.Request, _ event.ClipID, _ int, _ []byte) {
	c.serve(w, r, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "video/mp4")
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(reel))
	})
}

func (c *cinema) ServePoster(w http.ResponseWriter, r *http.Request, _ event.ClipID, _ []byte) {
	c.serve(w, r, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "There is no such film, or it was erased.", http.StatusNotFound)
	})
}

func (c *cinema) serve(w http.ResponseWriter, r *http.Request, otherwise http.HandlerFunc) {
	c.mu.Lock()
	answer := c.answer
	c.mu.Unlock()
	if answer == nil {
		answer = otherwise
	}
	answer(w, r)
}

// eye adds a camera on the home's door, and has it checked.
func (h *home) eye(address string) event.CameraID {
	h.w.t.Helper()
	var c api.Camera
	h.post("/v1/home/cameras", api.CameraRequest{Address: address, Sees: []event.AccessPointID{h.place}}, &c)
	var check api.CameraCheck
	h.post("/v1/home/cameras/"+string(c.ID)+"/check", nil, &check)
	if !check.Good {
		h.w.t.Fatalf("the camera is not good enough: %+v", check)
	}
	return c.ID
}
