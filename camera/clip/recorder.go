package clip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/loquet/loquet/camera"
)

// retryAfter is how long a recorder waits after a failure of the shelf before it tries another clip.
const retryAfter = time.Second

// Recorder writes what one camera films during one visit. Its own goroutine does all writing: Put never waits.
//
// It is made when a visit approaches, and makes an empty clip at once, so that a full disk is known before a door
// opens. Begin starts the recording. If Close comes first, nothing was filmed, and nothing is left.
//
// All methods are safe for use by several goroutines.
type Recorder struct {
	shelf Shelf
	next  func(n int) (Entry, Key)
	log   *slog.Logger
	queue *queue
	done  chan struct{}

	mu     sync.Mutex
	status Status
	clips  []Recorded

	// What follows belongs to the recorder's goroutine.
	count  int
	ready  *take
	failed time.Time
	skip   bool
}

// take is a clip that is being recorded, or made and still empty.
type take struct {
	entry Entry
	key   Key
	file  File
	film  *film
}

// Recorded is a clip that a recorder made, and what became of it.
type Recorded struct {
	Entry
	// Summary is that of the finished clip.
	Summary Summary
	// Err is why the clip is unfinished, if it is. What it holds stays readable, and [Finish] can end it later.
	Err error
}

// Status is what a recorder is doing.
type Status struct {
	// Clip that is being recorded or made ready, "" if none is.
	Clip ID
	// Since is when the first picture of this recording was written, zero before it.
	Since time.Time
	// Written is when the last fragment was written, and Synced until when everything written survives a power cut.
	Written, Synced time.Time
	// Bytes and Frames written in all.
	Bytes  int64
	Frames int
	// Lost counts the pictures that could not be recorded: they came while the disk stood still or failed, or before
	// a key unit.
	Lost int
	// Waiting is since when the oldest unit waits to be written, zero if none does.
	Waiting time.Time
	// Err is why nothing is being written, nil once it is again.
	Err error
}

// slow is how long a unit may wait to be written before the recorder is at fault.
const slow = 3 * time.Second

// Fault says why no picture is being kept, or would be if the recording began now; nil if all is well. A camera that
// sends nothing is no fault of the recorder's.
func (s Status) Fault(now time.Time) error {
	switch {
	case s.Err != nil:
		return s.Err
	case s.Clip == "":
		return errors.New("the clip is not made yet")
	case !s.Waiting.IsZero() && now.Sub(s.Waiting) > slow:
		return fmt.Errorf("pictures have waited %v to be written", now.Sub(s.Waiting).Round(time.Second))
	}
	return nil
}

// NewRecorder begins to make the first clip ready. next names the n-th clip (from 0) and gives its key; it is called
// by the recorder's goroutine, again for the same n after a failure. Close must be called in the end.
func NewRecorder(shelf Shelf, next func(n int) (Entry, Key), log *slog.Logger) *Recorder {
	r := &Recorder{shelf: shelf, next: next, log: log, queue: newQueue(), done: make(chan struct{})}
	go r.run()
	return r
}

// Begin starts the recording with the pictures before this moment. A second call does nothing.
func (r *Recorder) Begin(before []*camera.Unit) { r.queue.begin(before, time.Now()) }

// Put takes a unit to be recorded. It never waits: without room it drops the unit and those up to the next key unit.
// Before Begin and after Close it does nothing.
func (r *Recorder) Put(u *camera.Unit) { r.queue.put(u, time.Now()) }

// Status returns what the recorder is doing.
func (r *Recorder) Status() Status {
	since, lost := r.queue.waiting()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.status
	s.Waiting = since
	s.Lost += lost
	return s
}

// Close writes what was put before, finishes the last clip, and returns all clips of this recording. A disk that
// stands still can hold it up until the context ends; the clips are then finished in the background, or by [Finish].
func (r *Recorder) Close(ctx context.Context) ([]Recorded, error) {
	r.queue.close()
	select {
	case <-r.done:
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.clips, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("the recording is not written yet: %w", ctx.Err())
	}
}

func (r *Recorder) run() {
	defer close(r.done)
	again := time.NewTicker(retryAfter)
	defer again.Stop()
	r.prepare()
	for {
		units, last := r.queue.take()
		for _, u := range units {
			r.record(u)
		}
		if last {
			r.end()
			return
		}
		select {
		case <-r.queue.changed:
		case <-again.C:
			r.tick()
		}
	}
}

// tick makes a clip ready after a failure, and notes how far the disk is.
func (r *Recorder) tick() {
	if r.ready == nil {
		r.prepare()
	}
	if t := r.ready; t != nil {
		r.note(func(s *Status) { s.Synced = t.file.Synced() })
	}
}

// prepare makes the next clip, empty.
func (r *Recorder) prepare() {
	if !r.failed.IsZero() && time.Since(r.failed) < retryAfter {
		return
	}
	entry, key := r.next(r.count)
	file, err := r.shelf.Create(context.Background(), entry)
	if err != nil {
		r.fail(entry.ID, err)
		return
	}
	r.count++
	r.failed = time.Time{}
	r.ready = &take{entry: entry, key: key, file: file}
	r.note(func(s *Status) { s.Clip, s.Err = entry.ID, nil })
}

func (r *Recorder) fail(id ID, err error) {
	r.failed = time.Now()
	r.log.Warn("recording fails", "clip", id, "err", err)
	r.note(func(s *Status) { s.Clip, s.Err = "", err })
}

func (r *Recorder) note(change func(*Status)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.status)
}

// record takes one unit to the clip that it belongs to.
func (r *Recorder) record(u *camera.Unit) {
	if t := r.ready; t != nil && t.film != nil && !t.film.continues(u) {
		r.finish()
	}
	if r.unfit(u) || !r.start(u) {
		r.note(func(s *Status) { s.Lost++ })
		return
	}
	wrote, err := r.ready.film.add(u)
	if err != nil {
		r.abandon(err)
		return
	}
	if wrote {
		r.wrote()
	}
}

// unfit says that a unit fits into no fragment, or needs one that did not.
func (r *Recorder) unfit(u *camera.Unit) bool {
	r.skip = avccSize(u) > partMost || r.skip && !u.Key
	return r.skip
}

// start makes sure that a film is there for the unit; it begins with a key unit.
func (r *Recorder) start(u *camera.Unit) bool {
	if r.ready != nil && r.ready.film != nil {
		return true
	}
	if !u.Key {
		return false
	}
	if r.ready == nil {
		r.prepare()
	}
	if r.ready == nil {
		return false
	}
	init, err := initialization(u.Format)
	if err != nil {
		// The clip stays ready for a stream that can be recorded.
		r.note(func(s *Status) { s.Err = err })
		return false
	}
	film, err := newFilm(r.ready, u.Format, init)
	if err != nil {
		r.abandon(err)
		return false
	}
	r.ready.film = film
	return true
}

func (r *Recorder) wrote() {
	t, now := r.ready, time.Now()
	r.note(func(s *Status) {
		if s.Since.IsZero() {
			s.Since = now
		}
		s.Written, s.Synced, s.Err = now, t.file.Synced(), nil
		s.Bytes += t.film.lastBytes
		s.Frames += t.film.lastFrames
	})
}

// abandon leaves a clip as it is. The next key unit begins another one.
func (r *Recorder) abandon(err error) {
	t := r.ready
	r.ready = nil
	err = errors.Join(err, t.file.Close())
	r.fail(t.entry.ID, err)
	r.keep(Recorded{Entry: t.entry, Err: err})
}

func (r *Recorder) keep(done Recorded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clips = append(r.clips, done)
}

// finish ends the clip that is being recorded.
func (r *Recorder) finish() {
	t := r.ready
	r.ready = nil
	summary, err := t.film.finish(context.Background())
	err = errors.Join(err, t.file.Close())
	if err != nil {
		r.fail(t.entry.ID, err)
	} else {
		r.note(func(s *Status) {
			s.Clip = ""
			s.Bytes += t.film.lastBytes
			s.Frames += t.film.lastFrames
		})
	}
	r.keep(Recorded{Entry: t.entry, Summary: summary, Err: err})
}

// end finishes the last clip, or removes it if nothing was filmed.
func (r *Recorder) end() {
	switch t := r.ready; {
	case t == nil:
	case t.film != nil:
		r.finish()
	default:
		r.ready = nil
		if err := errors.Join(t.file.Close(), r.shelf.Erase(context.Background(), t.entry.ID)); err != nil {
			r.fail(t.entry.ID, err)
			r.keep(Recorded{Entry: t.entry, Err: err})
		}
	}
	r.note(func(s *Status) { s.Clip = "" })
}
