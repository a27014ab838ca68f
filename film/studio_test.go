package film

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/event"
)

var errDown = errors.New("the media service does not answer")

// crew is a media service that does what a test says, and notes what it was asked.
type crew struct {
	mu sync.Mutex
	roll
	shows map[event.CameraID]event.PictureFault
	// on, if set, is called before each call is answered, without the lock; its error is the answer.
	on func(asked string) error
}

// roll is what the crew has done.
type roll struct {
	// asked is every call, also those that failed: "film", "keep", "cut" or "erase", and of which clip.
	asked []string
	shots []camera.Shot
	keys  [][]byte // of each cut
	// filming are the visits that are filmed now; files are what was kept, by clip.
	filming map[event.VisitID]camera.Shot
	files   map[event.ClipID][]event.ClipFile
}

func newCrew() *crew {
	return &crew{roll: roll{filming: map[event.VisitID]camera.Shot{}, files: map[event.ClipID][]event.ClipFile{}}, shows: map[event.CameraID]event.PictureFault{}}
}

// soFar is what the crew has done until now.
func (c *crew) soFar() roll {
	c.mu.Lock()
	defer c.mu.Unlock()
	return roll{slices.Clone(c.asked), slices.Clone(c.shots), slices.Clone(c.keys), maps.Clone(c.filming), maps.Clone(c.files)}
}

func (c *crew) ask(what string) error {
	c.mu.Lock()
	c.asked = append(c.asked, what)
	on := c.on
	c.mu.Unlock()
	if on != nil {
		return on(what)
	}
	return nil
}

// when sets what is done before a call is answered.
func (c *crew) when(on func(asked string) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on = on
}

// down has every call fail, or no longer.
func (c *crew) down(is bool) {
	if !is {
		c.when(nil)
		return
	}
	c.when(func(string) error { return errDown })
}

// show sets what a camera shows: a fault, or "" for a picture that counts.
func (c *crew) show(id event.CameraID, f event.PictureFault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shows[id] = f
}

func (c *crew) Film(_ context.Context, s camera.Shot) error {
	what := "film "
	if s.Keep {
		what = "keep "
	}
	if err := c.ask(what + string(s.Clip)); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Keep = s.Keep || c.filming[s.Visit].Keep
	c.filming[s.Visit], c.shots = s, append(c.shots, s)
	return nil
}

func (c *crew) Cut(_ context.Context, v event.VisitID, id event.ClipID, key []byte) ([]event.ClipFile, error) {
	if err := c.ask("cut " + string(id)); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = append(c.keys, key)
	if s := c.filming[v]; s.Keep {
		c.files[id] = append(c.files[id], event.ClipFile{SHA256: "5a", Bytes: 1, Whole: true})
	}
	delete(c.filming, v)
	if key == nil {
		return nil, nil
	}
	return c.files[id], nil
}

func (c *crew) Erase(_ context.Context, id event.ClipID) error {
	if err := c.ask("erase " + string(id)); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.files, id)
	return nil
}

func (c *crew) Picture(id event.CameraID) event.Picture {
	c.mu.Lock()
	defer c.mu.Unlock()
	return event.Picture{Camera: id, Fault: c.shows[id], At: event.InstantOf(time.Now()), Keys: 9}
}

// Watch reports the pictures of the cameras that film, as the real one does.
func (c *crew) Watch(ctx context.Context, sink func(event.Picture)) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		var seen []event.CameraID
		c.mu.Lock()
		for _, s := range c.filming {
			seen = append(seen, s.Camera)
		}
		c.mu.Unlock()
		for _, id := range seen {
			sink(c.Picture(id))
		}
	}
}

func (*crew) Check(context.Context, string) (camera.Report, error) { return camera.Report{}, errDown }

func (*crew) ServeLive(http.ResponseWriter, *http.Request, event.VisitID, string) {}

func (*crew) ServeFile(http.ResponseWriter, *http.Request, event.ClipID, int, []byte) {}

func (*crew) ServePoster(http.ResponseWriter, *http.Request, event.ClipID, []byte) {}
