// Package studio is the media service: it pulls cameras for visits, says whether their pictures count, keeps what is to
// be kept, and shows it. A Local does the work; Handler and Client carry it between processes, so that a camera's bytes
// and a stalled disk never reach the process that opens doors.
//
// # Failures
//
// A camera that breaks off is called again until the visit is cut; what it films then is another file of the same
// clip. When the service itself is killed, its files are readable up to the last second; the client asks it anew for
// every visit that is not over, and cutting the visit ends the broken files in order.
package studio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/clip"
	"github.com/loquet/loquet/camera/live"
	"github.com/loquet/loquet/event"
)

// Config is what a Local works with. All are required but the Decoder.
type Config struct {
	Shelf clip.Shelf
	Live  *live.Server
	// Dial makes the source of an address; it does not connect.
	Dial func(address string) (camera.Source, error)
	// Decoder makes posters; nil for none.
	Decoder *clip.Decoder
	// Reserve is how many bytes must be free for a further visit to be filmed; those that are go on.
	Reserve int64
	Log     *slog.Logger
}

// reportEvery is how often pictures are reported.
const reportEvery = 250 * time.Millisecond

// Local does the media work in this process. It implements camera.Studio.
type Local struct {
	Config
	ctx  context.Context // ends with the studio
	stop context.CancelFunc
	work sync.WaitGroup

	mu    sync.Mutex
	sets  map[event.CameraID]*set
	takes map[event.VisitID]*take
	// judges outlive their sets: what a judge remembers is what uncovers a loop.
	judges map[event.CameraID]*camera.Judge
	// tight is why no further visit can be kept; "" when one can.
	tight event.PictureFault
}

var _ camera.Studio = (*Local)(nil)

// New starts a studio. Close ends it.
func New(c Config) *Local {
	ctx, stop := context.WithCancel(context.Background())
	l := &Local{Config: c, ctx: ctx, stop: stop, sets: make(map[event.CameraID]*set), takes: make(map[event.VisitID]*take),
		judges: make(map[event.CameraID]*camera.Judge)}
	l.tight = l.roomFault()
	l.work.Go(l.sweep)
	l.work.Go(l.watchRoom)
	return l
}

// Close lets go of all cameras. What was being kept is closed in order, as far as the disk lets it within the context.
func (l *Local) Close(ctx context.Context) error {
	l.mu.Lock()
	takes := l.takes
	l.takes = make(map[event.VisitID]*take)
	l.mu.Unlock()
	var err error
	for _, t := range takes {
		err = errors.Join(err, l.close(ctx, t))
	}
	l.stop()
	l.work.Wait()
	return err
}

// Film implements camera.Studio.
func (l *Local) Film(ctx context.Context, s camera.Shot) error {
	l.mu.Lock()
	t, filmed := l.takes[s.Visit]
	l.mu.Unlock()
	if !filmed {
		var err error
		if t, err = l.begin(ctx, s); err != nil {
			return err
		}
	}
	if s.Keep {
		l.keep(t)
	}
	return nil
}

// keep begins a take's recording, once, and has a poster made of what is seen at that moment.
func (l *Local) keep(t *take) {
	last := t.keep(&l.work)
	if last == nil || l.Decoder == nil {
		return
	}
	l.work.Go(func() {
		if err := l.poster(t.first, t.shot.Key, last); err != nil {
			l.Log.Warn("a clip has no poster", "clip", t.first, "error", err)
		}
	})
}

// begin has a visit filmed that is not filmed yet.
func (l *Local) begin(ctx context.Context, s camera.Shot) (*take, error) {
	first, names, err := l.names(ctx, s)
	if err != nil {
		return nil, err
	}
	source, err := l.Dial(s.Address)
	if err != nil {
		return nil, err
	}
	if err := l.lockFor(ctx, s.Camera); err != nil {
		return nil, fmt.Errorf("studio: not filmed: %w", err)
	}
	defer l.mu.Unlock()
	if t, filmed := l.takes[s.Visit]; filmed {
		return t, nil
	}
	// Who no longer waits may have cut the visit meanwhile.
	if err := errors.Join(ctx.Err(), l.ctx.Err()); err != nil {
		return nil, fmt.Errorf("studio: not filmed: %w", err)
	}
	t := &take{shot: s, first: first, began: time.Now(), set: l.acquire(s.Camera, source), recorder: clip.NewRecorder(l.Shelf, names, l.Log)}
	l.takes[s.Visit] = t
	return t, nil
}

// Cut implements camera.Studio.
func (l *Local) Cut(ctx context.Context, v event.VisitID, c event.ClipID, key []byte) ([]event.ClipFile, error) {
	l.mu.Lock()
	t := l.takes[v]
	delete(l.takes, v)
	l.mu.Unlock()
	l.Live.EndWhere(func(look live.Look) bool { return look.By == string(v) }, whyOver)
	if t != nil {
		if err := l.close(ctx, t); err != nil {
			return nil, err
		}
	}
	if key == nil {
		return nil, nil
	}
	return l.files(ctx, c, key)
}

// whyOver is why a look ends whose visit does.
const whyOver live.Why = "visit-over"

// close ends a take: its recording first, so that it still gets what the camera sent before.
func (l *Local) close(ctx context.Context, t *take) error {
	err := t.close(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.release(t.set)
	return err
}

// Picture implements camera.Studio.
func (l *Local) Picture(c event.CameraID) event.Picture { return l.picture(c, time.Now()) }

func (l *Local) picture(c event.CameraID, now time.Time) event.Picture {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, pulled := l.sets[c]
	if !pulled || s.takes == 0 {
		return event.Picture{Camera: c, Fault: event.PictureProving}
	}
	p := pictureOf(c, s.pull.Verdict(now))
	for _, t := range l.takes {
		if p.Fault == "" && t.set == s {
			p.Fault = l.keeping(t, now)
		}
	}
	return p
}

// keeping says why a visit is not being kept, or could not be. One that is goes on as long as there is any room; the
// reserve is for those. The caller holds the lock.
func (l *Local) keeping(t *take, now time.Time) event.PictureFault {
	err := t.recorder.Status().Fault(now)
	switch {
	case err == nil && t.begun():
		return ""
	case err == nil:
		return l.tight
	case errors.Is(err, clip.ErrFull):
		return event.PictureFull
	default:
		return event.PictureUnwritten
	}
}

// Watch implements camera.Studio.
func (l *Local) Watch(ctx context.Context, sink func(event.Picture)) error {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.ctx.Done():
			return errors.New("studio: closed")
		case now := <-tick.C:
			for _, c := range l.filmed() {
				sink(l.picture(c, now))
			}
		}
	}
}

// filmed are the cameras that film a visit now.
func (l *Local) filmed() []event.CameraID {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]event.CameraID, 0, len(l.sets))
	for c, s := range l.sets {
		if s.takes > 0 {
			all = append(all, c)
		}
	}
	return all
}

// lookForRoomEvery is how often the room for further visits is looked at.
const lookForRoomEvery = 2 * time.Second

func (l *Local) watchRoom() {
	tick := time.NewTicker(lookForRoomEvery)
	defer tick.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-tick.C:
		}
		fault := l.roomFault()
		l.mu.Lock()
		l.tight = fault
		l.mu.Unlock()
	}
}

// sweepEvery is how often what outlived its time is looked for.
const sweepEvery = time.Hour

// sweep erases clips that are past their time, should nobody have asked for it.
func (l *Local) sweep() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if n, err := l.Shelf.Sweep(l.ctx, time.Now()); err != nil && l.ctx.Err() == nil {
			l.Log.Error("clips past their time could not be erased", "error", err)
		} else if n > 0 {
			l.Log.Warn("erased clips past their time that nobody had asked to erase", "clips", n)
		}
		select {
		case <-l.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Erase implements camera.Studio.
func (l *Local) Erase(ctx context.Context, c event.ClipID) error {
	files, err := clip.Files(ctx, l.Shelf, c)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := l.Shelf.Erase(ctx, f.ID); err != nil {
			return fmt.Errorf("studio: erase %s: %w", f.ID, err)
		}
	}
	return nil
}
