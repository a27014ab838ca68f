package studio

import (
	"context"
	"sync"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/clip"
	"github.com/loquet/loquet/event"
)

// set is one camera that is pulled, for every visit that it films.
type set struct {
	ring  *camera.Ring
	pull  *camera.Pull
	stop  context.CancelFunc
	ended chan struct{}
	// takes counts the visits; with none left the camera is being let go.
	takes int
}

// lockFor returns with the lock held, when the camera is not being let go: its judge may be used by one pull at a time.
func (l *Local) lockFor(ctx context.Context, id event.CameraID) error {
	for {
		l.mu.Lock()
		s, pulled := l.sets[id]
		if !pulled || s.takes > 0 {
			return nil
		}
		l.mu.Unlock()
		select {
		case <-s.ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// acquire returns the camera's set, and begins to pull it for the first take. The caller holds the lock.
func (l *Local) acquire(id event.CameraID, source camera.Source) *set {
	if s, pulled := l.sets[id]; pulled {
		s.takes++
		return s
	}
	judge, known := l.judges[id]
	if !known {
		judge = camera.NewJudge(time.Now())
		l.judges[id] = judge
	}
	ctx, stop := context.WithCancel(l.ctx)
	s := &set{ring: camera.NewRing(camera.DefaultDepth), stop: stop, ended: make(chan struct{}), takes: 1}
	s.pull = camera.NewPull(source, s.ring, judge)
	l.sets[id] = s
	l.work.Go(func() {
		defer close(s.ended)
		s.pull.Run(ctx)
		s.ring.Close()
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.sets, id)
	})
	return s
}

// release lets go of a camera after its last take. It does not wait: a connection may take its time to end, and nothing
// that is said of other cameras may wait for it. The caller holds the lock.
func (l *Local) release(s *set) {
	if s.takes--; s.takes == 0 {
		s.stop()
	}
}

// take is the filming of one visit.
type take struct {
	shot camera.Shot
	// first is the first file of this recording.
	first clip.ID
	// began is since when the visit is filmed.
	began    time.Time
	set      *set
	recorder *clip.Recorder

	mu     sync.Mutex
	reader *camera.Reader
	fed    chan struct{} // closed when the recorder has what the reader had
	closed bool
}

// queued is how many units may wait on their way to the recorder.
const queued = 250

// keep begins the recording, with what the ring holds, and returns the last key unit of that; nil if there is none, or
// if it had begun.
func (t *take) keep(work *sync.WaitGroup) (last *camera.Unit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reader != nil || t.closed {
		return nil
	}
	t.reader, t.fed = t.set.ring.Subscribe(camera.FromOldest, queued), make(chan struct{})
	before := make([]*camera.Unit, 0, len(t.reader.C))
	for range len(t.reader.C) {
		item, open := <-t.reader.C
		if !open {
			break
		}
		// What the ring held for another visit of the same camera is not this one's.
		if item.Unit.At.Before(t.began) || last == nil && !item.Unit.Key {
			continue
		}
		before = append(before, item.Unit)
		if item.Unit.Key {
			last = item.Unit
		}
	}
	t.recorder.Begin(before)
	work.Go(func() {
		defer close(t.fed)
		for item := range t.reader.C {
			t.recorder.Put(item.Unit)
		}
	})
	return last
}

// begun says whether the visit is being kept.
func (t *take) begun() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reader != nil
}

// close ends the recording with what the camera has sent until now.
func (t *take) close(ctx context.Context) error {
	t.mu.Lock()
	t.closed = true
	if t.reader != nil {
		t.reader.Close()
		<-t.fed
	}
	t.mu.Unlock()
	_, err := t.recorder.Close(ctx)
	return err
}
